import { afterEach, describe, expect, test } from 'vitest'
import type { HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, until, untilEqual, WAIT_MS } from '../node/federation.ts'

const federation = createFederation()
afterEach(async () => await federation.stopAll())

const within = () => AbortSignal.timeout(WAIT_MS)
const transports: readonly (readonly [string, NodeOptions])[] = [
  ['libp2p’s memory transport', {}],
  ['TCP on loopback', { listen: ['/ip4/127.0.0.1/tcp/0'], transport: {} }],
]

/** Alice's node with a space, and bob's, who joined by an invite. */
async function pair(
  options: NodeOptions = {},
): Promise<{ alice: HanseNode; bob: HanseNode; hers: Space; his: Space }> {
  const alice = await federation.start('alice', options)
  const hers = alice.createSpace({ name: 'the square' })
  const bob = await federation.start('bob', options)
  const his = bob.join(hers.invite({ role: 'writer' }))
  return { alice, bob, hers, his }
}

describe.each(transports)('two nodes over %s', (_name, options) => {
  test('come together by an invite, write both ways, and prove that they are in sync', async () => {
    const { alice, bob, hers, his } = await pair(options)
    hers.put('docs/a', 'from alice')
    await until(his, () => his.get('docs/a') !== undefined, 'bob has what alice wrote')
    await until(
      hers,
      () => hers.hosted.store.heads(bob.author.publicKey).length === 1,
      'bob’s tokens are published',
    )
    his.put('docs/b', 'from bob')
    await untilEqual(his, hers)
    expect(hers.get('docs/b')?.value).toBe('from bob')
    const reports = await hers.sync(undefined, within())
    expect([...reports.values()].map(({ inSync }) => inSync)).toEqual([true])
    const [peer] = hers.status().peers
    expect(peer).toMatchObject({
      peer: bob.peerId,
      connected: true,
      inSync: true,
      weLack: 0,
      theyLack: 0,
      refused: {},
    })
    // Whoever spoke first in the last round hears last that it was the last.
    const hears = () => his.status().peers.find((one) => one.peer === alice.peerId)?.inSync === true
    await until(his, hears, 'bob knows it too')
  })

  test('bring a newcomer everything at once, in few bytes and few rounds', async () => {
    const alice = await federation.start('alice', options)
    const hers = alice.createSpace({ name: 'the square' })
    for (let i = 0; i < 1_500; i++) hers.put(`notes/${i}`, `note number ${i}`)
    const bob = await federation.start('bob', options)
    const his = bob.join(hers.invite({ role: 'writer' }))
    let bytes = 0
    his.addEventListener('sync', ({ detail }) => {
      bytes = Math.max(bytes, detail.traffic.bytesReceived)
    })
    await until(his, () => his.hosted.store.count() >= 1_501, 'everything arrived')
    await untilEqual(hers, his)
    await until(his, () => bytes > 0, 'the run is reported')
    expect([...his.list('notes')]).toHaveLength(1_500)
    // 1,500 operations, a signature of 64 bytes each that cannot be compressed.
    expect(bytes).toBeLessThan(1_500 * 140)
  })
})

describe('a federation', () => {
  test('of three converges when the third knows only the second', async () => {
    const { hers, his, bob } = await pair()
    const carol = await federation.start('carol')
    await until(his, () => his.name !== '', 'bob has the space')
    await until(hers, () => hers.hosted.store.heads(bob.author.publicKey).length === 1, 'bob may write')
    const theirs = carol.join(hers.invite({ role: 'writer' }))
    hers.put('a', 1)
    his.put('b', 2)
    await until(theirs, () => theirs.hosted.store.heads(carol.author.publicKey).length === 1, 'carol is in')
    theirs.put('c', 3)
    await untilEqual(hers, theirs)
    await untilEqual(hers, his)
    expect([...his.list()].map(({ path }) => path)).toEqual(['a', 'b', 'c'])
  })

  test('whose two ends ask at once both get a report', async () => {
    const { alice, bob, hers, his } = await pair()
    await until(his, () => his.name !== '', 'bob has the space')
    await until(hers, () => hers.hosted.store.heads(bob.author.publicKey).length === 1, 'bob is in')
    for (let i = 0; i < 5; i++) {
      hers.put('x', i)
      his.put('y', i)
      const [one, other] = await Promise.all([
        hers.sync(bob.peerId ?? '', within()),
        his.sync(alice.peerId ?? '', within()),
      ])
      expect(one.size + other.size).toBe(2)
    }
    await untilEqual(hers, his)
  })

  test('tells who waits when the peer is not there', async () => {
    const { bob, hers, his } = await pair()
    await until(his, () => his.name !== '', 'bob has the space')
    const gone = bob.peerId ?? ''
    await bob.stop()
    await expect(hers.sync(gone, AbortSignal.timeout(2_000))).rejects.toThrow()
  })
})
