import { generateKeyPair } from '@libp2p/crypto/keys'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createBootstrapNode, type BootstrapNode } from '../../bootstrap/node.ts'
import { DHT_PROTOCOL } from '../../src/core/dht-protocol.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { createPlainNode, type PlainNode } from '../bootstrap/plain-node.ts'
import { seedNamed } from '../cast.ts'
import { until, untilEqual } from '../node/federation.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0']
let introducer: BootstrapNode
const nodes: (HanseNode | PlainNode)[] = []

beforeEach(async () => {
  introducer = orThrow(
    await createBootstrapNode({
      privateKey: await generateKeyPair('Ed25519'),
      listen: LOOPBACK,
      announce: [],
      maxConnections: 50,
      registrationTtlSeconds: 3_600,
      relayReservations: 0,
      relayDurationSeconds: 600,
      relayDataBytes: 1024,
    }),
  )
})

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => await node.stop()))
  await introducer.stop()
})

async function start(name: string): Promise<HanseNode> {
  const node = await createNode({
    seeds: { peer: seedNamed(`peer of ${name}`), author: seedNamed(name) },
    listen: LOOPBACK,
    bootstrap: introducer.addresses(),
    relay: false,
    antiEntropyIntervalMs: 500,
    discoveryIntervalMs: 500,
  })
  nodes.push(node)
  return node
}

describe('the DHT', () => {
  test('is served by introduction nodes, and only asked by others', async () => {
    const alice = await start('alice')
    const space = alice.createSpace({ name: 'home' })
    await until(space, () => alice.network?.connectedPeers().length === 1, 'the introducer is there')
    const { libp2p } = alice.network ?? {}
    expect(libp2p?.getProtocols()).not.toContain(DHT_PROTOCOL)
    expect(introducer.libp2p.getProtocols()).toContain(DHT_PROTOCOL)
    await expect(
      introducer.libp2p.dialProtocol(libp2p?.getMultiaddrs()[0] ?? [], DHT_PROTOCOL),
    ).rejects.toThrow()
  })

  test('gives hints and no more: whom it names is nobody until the handshake', async () => {
    const alice = await start('alice')
    const home = alice.createSpace({ name: 'home' })
    await introducer.libp2p.unhandle('/hanse/introduction/1.0.0')
    // Mallory says in the DHT that she has the space. She knows its topic, and nothing more.
    const mallory = await createPlainNode()
    nodes.push(mallory)
    for (const address of introducer.libp2p.getMultiaddrs()) await mallory.dial(address)
    const topic = CID.createV1(0x55, Digest.create(0x12, home.hosted.topic))
    await mallory.contentRouting.provide(topic, { signal: AbortSignal.timeout(10_000) })
    const bob = await start('bob')
    const away = bob.join(home.invite({ role: 'writer', addresses: false }))
    await untilEqual(home, away)
    const id = mallory.peerId.toString()
    await until(
      away,
      () => bob.network?.connectedPeers().some(({ peer }) => peer === id) === true,
      'bob has followed the hint',
    )
    expect(away.status().peers.filter(({ connected }) => connected)).toMatchObject([{ peer: alice.peerId }])
  })

  test('is asked who has a space without dialling whom it names', async () => {
    const alice = await start('alice')
    const home = alice.createSpace({ name: 'home' })
    const topic = CID.createV1(0x55, Digest.create(0x12, home.hosted.topic))
    const providers = await Promise.all(Array.from({ length: 5 }, createPlainNode))
    nodes.push(...providers)
    for (const provider of providers) {
      for (const address of introducer.libp2p.getMultiaddrs()) await provider.dial(address)
      await provider.contentRouting.provide(topic, { signal: AbortSignal.timeout(10_000) })
    }
    // Carol has no space, so nothing but the question would make her dial anybody.
    const carol = await start('carol')
    await until(home, () => carol.network?.connectedPeers().length === 1, 'the introducer is there')
    const { libp2p } = carol.network ?? {}
    const named = new Set<string>()
    await vi.waitFor(
      async () => {
        const found = libp2p?.contentRouting.findProviders(topic, { signal: AbortSignal.timeout(5_000) })
        for await (const { id } of found ?? []) named.add(id.toString())
        expect(named.size).toBeGreaterThanOrEqual(providers.length)
      },
      { timeout: 20_000, interval: 50 },
    )
    // What an answer sets off has begun by the time of the next one.
    for (let i = 0; i < 3; i++)
      await libp2p?.services.ping.ping(introducer.libp2p.peerId, { signal: AbortSignal.timeout(5_000) })
    expect(libp2p?.getDialQueue()).toEqual([])
    expect(libp2p?.getPeers().map(String)).toEqual([introducer.libp2p.peerId.toString()])
  })
})
