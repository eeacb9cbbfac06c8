import { describe, expect, it } from 'vitest'
import { LinkBudget, type QueueHolder, RunBound } from '../../protocols/sync/link-budget.ts'
import {
  LINK_BYTES_BURST_MAX,
  LINK_FRAMES_BURST_MAX,
  LINK_FRAMES_PER_SECOND_MAX,
  LINKS_MAX,
  LINKS_PER_PEER_MAX,
  LINKS_QUEUE_BYTES_MAX,
  SYNC_RUN_FRAMES_MAX,
} from '../../src/core/limits.ts'

describe('all links together', () => {
  it('are as many for one peer as the limit says, and closing one makes room', () => {
    const budget = new LinkBudget()
    for (let i = 0; i < LINKS_PER_PEER_MAX; i++) expect(budget.open('mallory')).toBe(true)
    expect(budget.open('mallory')).toBe(false)
    expect(budget.open('alice')).toBe(true)
    budget.close('mallory')
    expect(budget.open('mallory')).toBe(true)
  })

  it('are as many for all peers as the limit says', () => {
    const budget = new LinkBudget()
    for (let i = 0; i < LINKS_MAX; i++) expect(budget.open(`peer ${i}`)).toBe(true)
    expect(budget.open('alice')).toBe(false)
    budget.close('peer 7')
    expect(budget.open('alice')).toBe(true)
  })

  it('queue as much as the limit says; one byte past it the fullest link of the peer with most ends, and nobody else’s', () => {
    const budget = new LinkBudget()
    const dropped: string[] = []
    const hold = (name: string, peer: string, bytes: number) => {
      const holder: QueueHolder = { peer, bytes, drop: () => dropped.push(name) }
      return budget.hold(holder)
    }
    const share = LINKS_QUEUE_BYTES_MAX / 4
    const honest = hold('alice', 'alice', share)
    hold('mallory 1', 'mallory', share / 2)
    hold('mallory 2', 'mallory', share)
    hold('mallory 3', 'mallory', share)
    hold('bob', 'bob', share / 2)
    budget.makeRoom()
    expect(dropped).toEqual([])
    honest.bytes++
    budget.makeRoom()
    expect(dropped).toEqual(['mallory 2'])
    honest.bytes += share - 1
    budget.makeRoom()
    expect(dropped).toEqual(['mallory 2'])
  })

  it('slow down a peer above its rates of frames and bytes, and no other', () => {
    const budget = new LinkBudget()
    for (let i = 0; i < LINK_FRAMES_BURST_MAX; i++) expect(budget.delayMs('mallory', 10, 0)).toBe(0)
    expect(budget.delayMs('mallory', 10, 0)).toBe(Math.ceil(1_000 / LINK_FRAMES_PER_SECOND_MAX))
    expect(budget.delayMs('alice', LINK_BYTES_BURST_MAX, 0)).toBe(0)
    expect(budget.delayMs('alice', 1, 0)).toBe(1)
    expect(budget.delayMs('bob', 1, 0)).toBe(0)
  })
})

describe('one run', () => {
  it('has as many frames as the limit says, and the next begins anew', () => {
    const bound = new RunBound()
    bound.update(true, 0)
    for (let i = 0; i < SYNC_RUN_FRAMES_MAX; i++) if (!bound.takeFrame()) expect.unreachable()
    expect(bound.takeFrame()).toBe(false)
    bound.update(false, 1)
    bound.update(true, 2)
    expect(bound.takeFrame()).toBe(true)
  })
})
