import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBootstrapNode, type BootstrapNode } from '../../bootstrap/node.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import { until, untilEqual } from '../node/federation.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0']

let introducer: BootstrapNode
let directory: string
const nodes: HanseNode[] = []

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hanse-discovery-'))
  introducer = orThrow(
    await createBootstrapNode({
      privateKey: await generateKeyPair('Ed25519'),
      listen: LOOPBACK,
      announce: [],
      maxConnections: 50,
      registrationTtlSeconds: 3_600,
      relayReservations: 8,
      relayDurationSeconds: 600,
      relayDataBytes: 16 * 1024 * 1024,
    }),
  )
})

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => await node.stop()))
  await introducer.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A node on loopback that knows nothing of the network but the introduction node. */
async function start(name: string, options: NodeOptions = {}): Promise<HanseNode> {
  const node = await createNode({
    dataDirectory: join(directory, name),
    listen: LOOPBACK,
    bootstrap: introducer.addresses(),
    antiEntropyIntervalMs: 500,
    discoveryIntervalMs: 500,
    ...options,
  })
  nodes.push(node)
  return node
}

describe('nodes that know only an introduction node', () => {
  test('find each other, and stay together when it is gone', async () => {
    const alice = await start('alice')
    const home = alice.createSpace({ name: 'home' })
    const bob = await start('bob')
    const away = bob.join(home.invite({ role: 'writer', addresses: false }))
    await untilEqual(home, away)
    await introducer.stop()
    await until(away, () => bob.network?.connectedPeers().length === 1, 'only alice is left')
    home.put('after', 'the introducer')
    await until(away, () => away.get('after')?.value === 'the introducer', 'the write to arrive')
    expect(away.status().peers.filter(({ connected }) => connected)).toHaveLength(1)
  })

  test('find each other again after a restart, from what they remember, without it', async () => {
    const alice = await start('alice')
    const home = alice.createSpace({ name: 'home' })
    const bob = await start('bob')
    const away = bob.join(home.invite({ role: 'writer', addresses: false }))
    await untilEqual(home, away)
    await bob.stop()
    await introducer.stop()
    home.put('meanwhile', 1)
    const again = await start('bob', { bootstrap: [] })
    const back = again.space(home.id)
    await until(back, () => back.get('meanwhile')?.value === 1, 'the write to arrive')
    // Bob's first operation, which publishes his token, may still be on its way.
    await until(home, () => home.status().authors === 3, 'bob is an author')
    expect(back.status().authors).toBe(3)
  })

  test('find each other through the DHT where nobody introduces them', async () => {
    const alice = await start('alice')
    const home = alice.createSpace({ name: 'home' })
    const bob = await start('bob')
    // The introduction protocol is taken away: what is left of the introduction node is its DHT.
    await introducer.libp2p.unhandle('/hanse/introduction/1.0.0')
    const away = bob.join(home.invite({ role: 'writer', addresses: false }))
    await untilEqual(home, away)
    expect(away.name).toBe('home')
  })

  test('reach each other through its relay where neither can be dialled', async () => {
    const alice = await start('alice', { listen: [] })
    const home = alice.createSpace({ name: 'home' })
    const bob = await start('bob', { listen: [] })
    const away = bob.join(home.invite({ role: 'writer', addresses: false }))
    await untilEqual(home, away)
    const [connection] =
      bob.network?.libp2p.getConnections().filter(({ limits }) => limits !== undefined) ?? []
    expect(connection?.remoteAddr.toString()).toContain('/p2p-circuit')
    home.put('through', 'the relay')
    await until(away, () => away.get('through')?.value === 'the relay', 'the write to arrive')
  })

  test('go on without peers when the introduction node cannot be reached', async () => {
    const lost = await start('lost', {
      bootstrap: ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'],
    })
    const space = lost.createSpace({ name: 'alone' })
    space.put('a', 1)
    expect(space.get('a')?.value).toBe(1)
  })
})
