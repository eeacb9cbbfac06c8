import { afterEach, describe, expect, test } from 'vitest'
import { LIVE_SPACES_MAX, SYNC_STREAMS_PER_CONNECTION_MAX } from '../../src/core/limits.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation } from './federation.ts'

/** More than five times the live ones, and more than both ends of a connection have streams for. */
const SPACES = 200
/** Longest wait, in ms: links are opened at a pace. */
const WAIT_MS = 60_000

const federation = createFederation()
afterEach(async () => await federation.stopAll())

describe('two nodes that share two hundred spaces', () => {
  test('join all, hear of a write in any of them, and blame nobody', { timeout: 2 * WAIT_MS }, async () => {
    const alice = await federation.start('alice')
    for (let i = 0; i < SPACES; i++) alice.createSpace({ name: `space ${i}` }).put('first', i)
    const bob = await federation.start('bob')
    const pairs = alice.spaces().map((hers) => ({ hers, his: bob.join(hers.invite({ role: 'writer' })) }))
    // The genesis, the first write, and bob's own tokens, on both sides.
    await within(() => pairs.every(({ hers, his }) => has(hers, 3) && has(his, 3)), 'all are joined')
    await within(() => pairs.every(({ hers, his }) => isSynced(hers) && isSynced(his)), 'all are in sync')

    for (const node of [alice, bob]) {
      expect(topics(node)).toBeLessThanOrEqual(LIVE_SPACES_MAX)
      expect(node.network?.standingOf(node === alice ? bob.peerId : alice.peerId).points).toBe(0)
    }
    await within(() => links(alice) <= SYNC_STREAMS_PER_CONNECTION_MAX, 'links of resting spaces are let go')

    // One that rests on both sides, from either of them.
    const resting = pairs.find(({ hers, his }) => !isLive(alice, hers) && !isLive(bob, his))
    if (resting === undefined) throw new Error('no space rests')
    resting.hers.put('from alice', 1)
    await within(() => resting.his.get('from alice') !== undefined, 'a write in a resting space')
    resting.his.put('from bob', 1)
    await within(() => resting.hers.get('from bob') !== undefined, 'and one back')

    for (const { hers } of pairs) hers.put('everywhere', 1)
    await within(() => pairs.every(({ his }) => his.get('everywhere') !== undefined), 'a write in each')
    expect(topics(alice)).toBeLessThanOrEqual(LIVE_SPACES_MAX)
    expect(alice.network?.standingOf(bob.peerId).points).toBe(0)
    expect(bob.network?.standingOf(alice.peerId).points).toBe(0)
  })
})

const has = (space: Space, count: number): boolean => space.hosted.store.count() >= count
const isSynced = (space: Space): boolean => space.status().peers.some(({ inSync }) => inSync)

function topics(node: HanseNode): number {
  return node.network?.libp2p.services.pubsub.getTopics().length ?? 0
}

function isLive(node: HanseNode, space: Space): boolean {
  const names = node.network?.libp2p.services.pubsub.getTopics() ?? []
  return names.some((name) => name.endsWith(Buffer.from(space.hosted.topic).toString('hex')))
}

/** Sync streams of all connections. */
function links(node: HanseNode): number {
  const connections = node.network?.libp2p.getConnections() ?? []
  return connections
    .flatMap(({ streams }) => streams)
    .filter(({ protocol }) => protocol.includes('/hanse/sync/')).length
}

async function within(holds: () => boolean, what: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = setInterval(() => {
    if (holds()) resolve()
  }, 50)
  const limit = setTimeout(() => reject(new Error(`not within ${WAIT_MS} ms: ${what}`)), WAIT_MS)
  try {
    await promise
  } finally {
    clearInterval(look)
    clearTimeout(limit)
  }
}
