import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { NARROW_NETWORK, publicNetworkOf } from '../../src/core/address-network.ts'
import {
  BAN_MS,
  BANNED_PEERS_PER_NETWORK_MAX,
  CONNECTION_GRACE_MS,
  CONNECTIONS_INBOUND_MAX,
  PENDING_CONNECTIONS_MAX,
} from '../../src/core/limits.ts'
import { createConnectionGater, type GaterHost } from '../../src/node/network/connection-gater.ts'
import { PeerStandings } from '../../src/node/network/peer-standings.ts'
import { createFederation, until } from '../node/federation.ts'
import { frameOf, helloOf, peersOf, startRawPeer } from '../sync/raw-peer.ts'

const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const from = (ip: string): MultiaddrConnection =>
  ({ remoteAddr: multiaddr(`/ip4/${ip}/tcp/4001`) }) as unknown as MultiaddrConnection
const forged = { code: 'BAD_SIGNATURE', detail: 'forged' }

/** A gater over standings of its own, with the connections it is told of. */
function createSetting(connections: Connection[] = [], inner: ConnectionGater = {}) {
  let nowMs = 0
  const standings = new PeerStandings(() => nowMs)
  const host: GaterHost = {
    now: () => nowMs,
    connections: () => connections,
    isPinned: (peer) => standings.isPinned(peer),
    isProven: () => false,
    isBanned: (peer) => standings.isBanned(peer),
    isNetworkBanned: (network) => standings.isNetworkBanned(network),
    log: () => {},
  }
  const ban = (peer: PeerId, ip: string) => {
    for (let i = 0; i < 4; i++) standings.blame(peer.toString(), forged, [multiaddr(`/ip4/${ip}/tcp/1`)])
  }
  const advance = (ms: number) => (nowMs += ms)
  return { gater: createConnectionGater(host, inner), standings, ban, advance }
}

describe('a gater', () => {
  it('refuses a banned peer from anywhere, in and out, also a pinned one, until the ban ends', async () => {
    const { gater, standings, ban, advance } = createSetting()
    const mallory = await newPeer()
    standings.pin(multiaddr(`/ip4/203.0.113.7/tcp/1/p2p/${mallory.toString()}`))
    expect(await gater.denyInboundEncryptedConnection?.(mallory, from('198.51.100.1'))).toBe(false)
    ban(mallory, '203.0.113.7')
    expect(await gater.denyInboundEncryptedConnection?.(mallory, from('198.51.100.1'))).toBe(true)
    expect(await gater.denyOutboundEncryptedConnection?.(mallory, from('198.51.100.1'))).toBe(true)
    expect(await gater.denyDialPeer?.(mallory)).toBe(true)
    advance(BAN_MS)
    expect(await gater.denyInboundEncryptedConnection?.(mallory, from('198.51.100.1'))).toBe(false)
    expect(await gater.denyDialPeer?.(mallory)).toBe(false)
  })

  it('refuses strangers from a network of which several were banned, but nobody pinned and nobody elsewhere', async () => {
    const { gater, standings, ban } = createSetting()
    const [alice, bob] = [await newPeer(), await newPeer()]
    standings.pin(multiaddr(`/ip4/203.0.113.200/tcp/1/p2p/${alice.toString()}`))
    for (let i = 1; i < BANNED_PEERS_PER_NETWORK_MAX; i++) ban(await newPeer(), `203.0.113.${i}`)
    expect(await gater.denyInboundEncryptedConnection?.(bob, from('203.0.113.99'))).toBe(false)
    ban(await newPeer(), '203.0.113.250')
    expect(await gater.denyInboundEncryptedConnection?.(bob, from('203.0.113.99'))).toBe(true)
    expect(await gater.denyInboundEncryptedConnection?.(bob, from('203.0.114.99'))).toBe(false)
    expect(await gater.denyInboundEncryptedConnection?.(alice, from('203.0.113.200'))).toBe(false)
  })

  it('never bans the own machine, a private network or a relay for who comes from there', async () => {
    const { gater, standings } = createSetting()
    const bob = await newPeer()
    const relayed = multiaddr(`/ip4/203.0.113.7/tcp/1/p2p/${bob.toString()}/p2p-circuit`)
    for (const address of [multiaddr('/ip4/127.0.0.1/tcp/1'), multiaddr('/ip4/10.0.0.1/tcp/1'), relayed]) {
      for (let peers = 0; peers < BANNED_PEERS_PER_NETWORK_MAX; peers++) {
        const liar = (await newPeer()).toString()
        for (let i = 0; i < 4; i++) standings.blame(liar, forged, [address])
        expect(standings.isBanned(liar)).toBe(true)
      }
      const same = { remoteAddr: address } as unknown as MultiaddrConnection
      expect(await gater.denyInboundEncryptedConnection?.(bob, same)).toBe(false)
    }
    const network = publicNetworkOf(multiaddr('/ip4/203.0.113.7/tcp/1').bytes, NARROW_NETWORK)
    expect(standings.isNetworkBanned(network as string)).toBe(false)
  })

  it('counts a connection among the half-open ones no longer than its handshake takes', async () => {
    const { gater } = createSetting()
    const cut: string[] = []
    const socket = (name: string): MultiaddrConnection =>
      ({ ...from('203.0.113.7'), abort: () => cut.push(name), addEventListener: () => {} }) as never
    const alice = socket('alice')
    await gater.denyInboundConnection?.(alice)
    await gater.denyInboundUpgradedConnection?.(await newPeer(), alice)
    await gater.denyInboundConnection?.(socket('bob'))
    for (let i = 0; i < PENDING_CONNECTIONS_MAX; i++) await gater.denyInboundConnection?.(socket('mallory'))
    expect(cut).toEqual(['bob'])
  })

  it('cuts the connection whose place a newcomer takes', async () => {
    const cut: string[] = []
    const strangers = await Promise.all(
      Array.from({ length: CONNECTIONS_INBOUND_MAX }, async (_, i) => {
        const connection = {
          id: `${i}`,
          status: 'open',
          direction: 'inbound',
          remotePeer: await newPeer(),
          remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'),
          timeline: { open: i },
          abort: () => cut.push(`${i}`),
        }
        return connection as unknown as Connection
      }),
    )
    const { gater, advance } = createSetting(strangers)
    const bob = await newPeer()
    expect(await gater.denyInboundUpgradedConnection?.(bob, from('203.0.113.7'))).toBe(true)
    expect(cut).toEqual([])
    advance(CONNECTION_GRACE_MS)
    expect(await gater.denyInboundUpgradedConnection?.(bob, from('203.0.113.7'))).toBe(false)
    expect(cut).toEqual(['0'])
  })

  it('lets the user’s own gater refuse more, and never less', async () => {
    const { gater, ban } = createSetting([], { denyDialPeer: () => true })
    const bob = await newPeer()
    expect(await gater.denyDialPeer?.(bob)).toBe(true)
    const lenient = createSetting([], { denyInboundEncryptedConnection: () => false })
    lenient.ban(bob, '203.0.113.7')
    expect(await lenient.gater.denyInboundEncryptedConnection?.(bob, from('203.0.113.7'))).toBe(true)
    ban(bob, '203.0.113.7')
  })
})

describe('a banned peer', () => {
  const federation = createFederation()
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    await federation.stopAll()
  })

  it('gets no connection while the ban lasts, and is heard again after it', async () => {
    let nowMs = 1_800_000_000_000
    const alice = await federation.start('alice', { now: () => nowMs })
    const space = alice.createSpace({ name: 'the square' })
    const liar = await startRawPeer('mallory')
    stops.push(liar.stop)
    const isConnected = () => alice.network?.connectedPeers().some(({ peer }) => peer === liar.id) ?? false
    const isBanned = () => alice.network?.standingOf(liar.id).bannedUntilMs !== null
    for (let i = 0; i < 20 && !isBanned(); i++) {
      const link = await liar.open(alice)
      link.sayBytes(frameOf(Uint8Array.of(0xff)))
      await link.rest()
    }
    expect(alice.network?.standingOf(liar.id)).toMatchObject({
      bannedUntilMs: nowMs + BAN_MS,
      evidence: [{ code: 'NON_CANONICAL', count: 10, points: 100 }],
    })
    await until(space, () => !isConnected(), 'her connection is cut')
    await expect(liar.open(alice).then(async (link) => await ask(link))).rejects.toThrow()
    nowMs += BAN_MS
    expect(await ask(await liar.open(alice))).toBe('hello')

    async function ask(link: Awaited<ReturnType<typeof liar.open>>): Promise<string> {
      link.say(helloOf(space, peersOf(liar.libp2p, alice), new Uint8Array(32)))
      const answer = await link.next()
      if (answer === null) throw new Error('no answer')
      return answer.kind
    }
  })
})
