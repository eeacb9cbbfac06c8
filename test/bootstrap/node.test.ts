import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkHealth } from '../../bootstrap/health.ts'
import { type BootstrapNode, type BootstrapNodeOptions, createBootstrapNode } from '../../bootstrap/node.ts'
import { BOOTSTRAP_PENDING_CONNECTIONS_MAX } from '../../src/core/limits.ts'
import { spaceTopic } from '../../src/core/space-topic.ts'
import { createPlainNode, type PlainNode } from './plain-node.ts'

const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function create(changes: Partial<BootstrapNodeOptions> = {}): ReturnType<typeof createBootstrapNode> {
  return await createBootstrapNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    maxConnections: 100,
    registrationTtlSeconds: 60,
    relayReservations: 10,
    relayDurationSeconds: 60,
    relayDataBytes: 2 ** 20,
    ...changes,
  })
}

async function start(changes: Partial<BootstrapNodeOptions> = {}): Promise<BootstrapNode> {
  const created = await create(changes)
  if (!created.ok) throw new Error(created.fault.detail)
  stops.push(created.value.stop)
  return created.value
}

async function startPlain(listen?: readonly string[]): Promise<PlainNode> {
  const node = await createPlainNode(listen)
  stops.push(async () => await node.stop())
  return node
}

function isConnected(from: Libp2p, to: Libp2p): boolean {
  return from.getPeers().some((peer) => peer.equals(to.peerId))
}

const limit = (): AbortSignal => AbortSignal.timeout(10_000)
const space = spaceTopic(new Uint8Array(32).fill(9))

describe('bootstrap node', () => {
  it('lets two nodes that know only it find each other by register and query', async () => {
    const bootstrap = await start()
    const address = bootstrap.libp2p.getMultiaddrs()
    const alice = await startPlain()
    const bob = await startPlain()
    const [registered] = await alice.services.introductions.register(address, [space], limit())
    expect(registered?.outcome).toEqual({ ok: true, value: 60 })
    const answer = await bob.services.introductions.query(address, space, { signal: limit() })
    if (!answer.ok) throw new Error(answer.fault.detail)
    expect(answer.value.peers.map(({ peerId }) => peerId.toString())).toEqual([alice.peerId.toString()])
    await bootstrap.stop()
    await bob.dial([...(answer.value.peers[0]?.multiaddrs ?? [])], { signal: limit() })
    expect(isConnected(bob, alice)).toBe(true)
  })

  it('lets two nodes that know only it find each other through its DHT', async () => {
    const bootstrap = await start()
    const alice = await startPlain()
    const bob = await startPlain()
    for (const node of [alice, bob]) await node.dial(bootstrap.libp2p.getMultiaddrs(), { signal: limit() })
    const topicId = CID.createV1(raw.code, await sha256.digest(space))
    await vi.waitFor(async () => {
      const found = await bob.peerRouting.findPeer(alice.peerId, { signal: AbortSignal.timeout(2_000) })
      expect(found.multiaddrs.map(String)).toEqual(
        alice.getMultiaddrs().map((one) => one.decapsulate('/p2p').toString()),
      )
    }, 15_000)
    await alice.contentRouting.provide(topicId, { signal: limit() })
    const providers = []
    for await (const provider of bob.contentRouting.findProviders(topicId, { signal: limit() })) {
      providers.push(provider.id.toString())
      break
    }
    expect(providers).toEqual([alice.peerId.toString()])
  })

  it('relays to a node that cannot be dialled', async () => {
    const bootstrap = await start()
    const alice = await startPlain(['/p2p-circuit'])
    const bob = await startPlain()
    await alice.dial(bootstrap.libp2p.getMultiaddrs(), { signal: limit() })
    await vi.waitFor(() => expect(alice.getMultiaddrs().length).toBeGreaterThan(0), 10_000)
    const address = bootstrap.libp2p.getMultiaddrs()
    const [registered] = await alice.services.introductions.register(address, [space], limit())
    expect(registered?.outcome.ok).toBe(true)
    const answer = await bob.services.introductions.query(address, space, { signal: limit() })
    if (!answer.ok) throw new Error(answer.fault.detail)
    const [found] = answer.value.peers
    const relayed = (found?.multiaddrs ?? []).map((one) => one.encapsulate(`/p2p/${alice.peerId.toString()}`))
    const connection = await bob.dial(relayed, { signal: limit() })
    expect(connection.remoteAddr.toString()).toContain('/p2p-circuit')
  })

  it('is found healthy from outside over TCP and over WebSocket', async () => {
    const bootstrap = await start({
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
      relayReservations: 0,
    })
    const addresses = bootstrap.libp2p.getMultiaddrs()
    expect(addresses.length).toBe(2)
    for (const address of addresses) {
      const checked = await checkHealth([address], limit())
      expect(checked.ok && checked.value.peerId).toBe(bootstrap.libp2p.peerId.toString())
    }
    expect(bootstrap.status()).toMatchObject({ registered: 2, queried: 2, refused: {}, brokenOff: 0 })
  })

  it('serves a newcomer while more sockets than it keeps stand half-open', async () => {
    const bootstrap = await start()
    const [address = ''] = bootstrap.addresses()
    const port = Number(/tcp\/(\d+)/.exec(address)?.[1])
    const sockets: Socket[] = []
    stops.push(async () => {
      for (const socket of sockets) socket.destroy()
      await Promise.resolve()
    })
    for (let i = 0; i < BOOTSTRAP_PENDING_CONNECTIONS_MAX + 50; i++) {
      // From several hosts, none of them faster than one may be.
      const localAddress = `127.0.0.${2 + (i % 8)}`
      const socket = connect({ host: '127.0.0.1', port, localAddress })
      socket.on('error', () => {})
      await once(socket, 'connect')
      sockets.push(socket)
    }
    // The handshakes that say nothing are given 3 s; the newcomer does not wait for them to end.
    const checked = await checkHealth([multiaddr(address)], AbortSignal.timeout(2_500))
    expect(checked).toMatchObject({ ok: true })
  })

  it('is found unhealthy when it is gone, another, or no introducer', async () => {
    const bootstrap = await start()
    const alice = await startPlain()
    const [address] = alice.getMultiaddrs()
    const posing = multiaddr(
      address?.decapsulate('/p2p').encapsulate(`/p2p/${bootstrap.libp2p.peerId.toString()}`),
    )
    const gone = bootstrap.libp2p.getMultiaddrs()
    await bootstrap.stop()
    const checks = [gone, [posing], [...alice.getMultiaddrs()], []]
    const codes = []
    for (const addresses of checks) {
      const checked = await checkHealth(addresses, limit())
      codes.push(checked.ok ? 'ok' : checked.fault.code)
    }
    expect(codes).toEqual(['DIAL', 'DIAL', 'REGISTER', 'NO_ADDRESS'])
  })

  it('refuses an address in use in one line and leaves nothing listening', async () => {
    const first = await start()
    const [taken] = first.libp2p.getMultiaddrs().map((one) => one.decapsulate('/p2p').toString())
    const second = await create({ listen: [taken ?? '', '/ip4/127.0.0.1/tcp/0'] })
    expect(second).toEqual({
      ok: false,
      fault: {
        code: 'CANNOT_LISTEN',
        detail: `cannot listen on ${taken}: the port is in use; stop what uses it or choose another with --listen`,
      },
    })
  })

  it('announces what it is told to', async () => {
    const bootstrap = await start({ announce: ['/dns4/bootstrap.example/tcp/4001'] })
    const id = bootstrap.libp2p.peerId.toString()
    expect(bootstrap.addresses()).toEqual([`/dns4/bootstrap.example/tcp/4001/p2p/${id}`])
  })
})
