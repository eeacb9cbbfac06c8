import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { Machine, type RunningNode } from './hanse.ts'
import { including, matching } from './matchers.ts'

const machine = new Machine()
const AHEAD_MS = 3_600_000

describe('hanse held', () => {
  let alice: string
  let node: RunningNode
  /** A member whose clock is an hour ahead. */
  let bob: HanseNode
  beforeAll(async () => {
    alice = await machine.init('alice')
    await machine.json(alice, 'space', 'create', 'Fleet')
    node = await machine.up(alice)
    const { link } = await machine.json<{ link: string }>(alice, 'invite')
    let aheadMs = 0
    bob = await createNode({ listen: [], now: () => Date.now() + aheadMs })
    const space = bob.join(link)
    await space.sync(node.listening.peerId)
    await space.sync(node.listening.peerId)
    aheadMs = AHEAD_MS
    space.put('notes/tomorrow', 'later')
    await space.sync(node.listening.peerId).catch(() => {})
  })
  afterAll(async () => {
    await bob.stop()
    await machine.remove()
  })

  it('lists what waits in the running node, with what it takes of the bounds', async () => {
    const outcome = await machine.json(alice, 'held')
    expect(outcome).toMatchObject({
      name: 'Fleet',
      running: true,
      totals: { operations: 1, peers: [{ peer: bob.peerId, operations: 1 }] },
      outdated: [],
      held: [including({ code: 'FUTURE', author: bob.did, peer: bob.peerId, path: 'notes/tomorrow' })],
    })
    const { stdout, code } = await machine.hanse(alice, ['held', 'Fleet'])
    expect({ stdout, code }).toEqual({ code: 0, stdout: matching(/FUTURE[^]*1 operation of at most 4,096/) })
  })

  it('says without a running node that nothing can be held, instead of nothing is', async () => {
    await node.stop()
    expect(await machine.json(alice, 'held')).toMatchObject({ running: false, held: [] })
    expect((await machine.hanse(alice, ['held'])).stdout).toMatch(/^No node runs here, so nothing is held/)
  })
})
