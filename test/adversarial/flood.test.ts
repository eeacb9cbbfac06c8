import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BAD_SIGNATURES_PER_PEER_MAX, BATCH_OPERATIONS_MAX } from '../../src/core/limits.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { seedNamed } from '../cast.ts'
import { until } from '../node/federation.ts'
import { type FloodedNode, startFloodedNode, type Usage } from './flooded-node.ts'
import {
  badSignatures,
  bombs,
  type Flood,
  halfOpen,
  messages,
  openStreams,
  slowReaders,
  subscriptions,
} from './floods.ts'

/** Old space of the flooded node, in MiB. It runs in a quarter of that. */
const HEAP_MIB = 128
/** All its memory, buffers and code included. */
const RSS_MAX = 480 * 1024 * 1024
/** How long each flood lasts at least. */
const FLOOD_MS = 4_000

let alice: FloodedNode
const newcomers: HanseNode[] = []

beforeAll(async () => {
  alice = await startFloodedNode(HEAP_MIB)
})

afterEach(async () => {
  await Promise.all(newcomers.splice(0).map(async (node) => await node.stop()))
})

afterAll(async () => {
  const code = await alice.stop()
  expect([code, alice.complaints()]).toEqual([0, ''])
})

/** Somebody honest who meets alice only now. */
async function join(name: string): Promise<Space> {
  const node = await createNode({
    seeds: { peer: seedNamed(`peer of ${name}`), author: seedNamed(name) },
    listen: [],
    dht: false,
    relay: false,
    antiEntropyIntervalMs: 1_000,
  })
  newcomers.push(node)
  return node.join(alice.invite)
}

/** Floods alice; bob, who is there already, and carol, who comes in the middle, sync with her. What she said of herself meanwhile. */
async function flood(
  name: string,
  flooding: Flood,
): Promise<{ readonly sent: number; readonly usage: readonly Usage[] }> {
  const bob = await join(`bob in ${name}`)
  await until(bob, () => bob.name === 'the square', 'bob is in before the flood')
  const before = alice.usage.length
  const enough = new AbortController()
  const atLeast = setTimeout(FLOOD_MS)
  const flooded = flooding(alice, enough.signal)
  let sent = 0
  try {
    await until(bob, () => alice.usage.length > before + FLOOD_MS / 400, 'the flood is on')
    const carol = await join(`carol in ${name}`)
    alice.put(`of-alice/${name}`)
    const has = (space: Space) => space.get(`of-alice/${name}`) !== undefined
    await until(bob, () => has(bob), 'her write reaches bob in the flood')
    await until(carol, () => has(carol), 'her write reaches carol in the flood')
    await atLeast
  } finally {
    enough.abort()
    sent = await flooded
  }
  return { sent, usage: alice.usage.slice(before) }
}

describe('a node in a bounded heap keeps its memory bounded and syncs with who was there and who comes', () => {
  test.each<readonly [string, Flood, number]>([
    ['bad signatures', badSignatures, 2_048],
    ['compressed bombs', bombs, 6],
    ['slow readers', slowReaders, 4_096],
    ['streams', openStreams, 64],
    ['half-open handshakes', halfOpen, 400],
    ['subscriptions', subscriptions, 4],
    ['messages', messages, 4],
  ])('in a flood of %s', async (name, flooding, atLeast) => {
    const { sent, usage } = await flood(name, flooding)
    // A flood that did not come proves nothing.
    expect(sent).toBeGreaterThanOrEqual(atLeast)
    expect(alice.child.exitCode).toBeNull()
    const most = (key: 'rss' | 'heapUsed') => Math.max(...usage.map((one) => one[key]))
    expect(most('rss')).toBeLessThan(RSS_MAX)
    expect(most('heapUsed')).toBeLessThan(HEAP_MIB * 1024 * 1024)
    if (flooding !== badSignatures) return
    const looks = usage.at(-1)?.refused['BAD_SIGNATURE'] ?? 0
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThanOrEqual((sent / BATCH_OPERATIONS_MAX + 1) * BAD_SIGNATURES_PER_PEER_MAX)
  })
})
