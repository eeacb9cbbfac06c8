import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, type Federation, until, WAIT_MS } from './federation.ts'

describe('a sync with every peer', () => {
  let federation: Federation
  let space: Space
  let bob: HanseNode
  let carol: HanseNode

  beforeEach(async () => {
    federation = createFederation()
    const alice = await federation.start('alice')
    space = alice.createSpace({ name: 'lab' })
    bob = await federation.start('bob')
    carol = await federation.start('carol')
    for (const guest of [bob, carol]) guest.join(space.invite({ role: 'writer' }))
    const hasJoined = (guest: HanseNode) => space.hosted.store.heads(guest.author.publicKey).length === 1
    await until(space, () => hasJoined(bob) && hasJoined(carol), 'both have joined')
  })

  afterEach(async () => federation.stopAll())

  it('leaves out a peer that goes in the middle of it, and reports of the others', async () => {
    const reports = space.sync(undefined, AbortSignal.timeout(WAIT_MS))
    const gone = carol.network?.stop()
    expect([...(await reports).keys()]).toContain(bob.peerId)
    await gone
  })

  it('says why where a peer that was named cannot be reached', async () => {
    const { peerId } = carol
    await carol.stop()
    await expect(space.sync(peerId, AbortSignal.timeout(WAIT_MS))).rejects.toThrow()
  })
})
