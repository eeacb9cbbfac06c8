import { describe, expect, it } from 'vitest'
import {
  BAD_SIGNATURE_FORGIVEN_MS,
  BAD_SIGNATURES_PER_PEER_MAX,
  VERIFICATIONS_MAX,
  VERIFICATIONS_PER_PEER_MAX,
} from '../../src/core/limits.ts'
import { type Forgiveness, VerificationBudget } from '../../src/node/replica/verification-budget.ts'

const GOOD = 'good'
const FORGED = 'forged'
/** A check that finds what it is told, and holds it against the peer. */
const judge = async (isForged: boolean, forgiveness: Forgiveness) => {
  await Promise.resolve()
  if (isForged) forgiveness.take()
  return isForged ? FORGED : GOOD
}
const many = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Checks that end when the test says so. */
function createChecks() {
  const open: (() => void)[] = []
  const log: string[] = []
  return {
    log,
    open,
    check: (name: string) => async () => {
      log.push(name)
      const { promise, resolve } = Promise.withResolvers<void>()
      open.push(resolve)
      await promise
      return GOOD
    },
  }
}

/** Lets everything run that waits for nothing but its turn. */
const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('a budget of verifications', () => {
  it('gives the verdicts in the order of the batch, whatever order the checks end in', async () => {
    const budget = new VerificationBudget(() => 0)
    const verdicts = await budget.checkAll('alice', many(100), async (i) => {
      for (let turn = 0; turn < (i * 7) % 11; turn++) await Promise.resolve()
      return i
    })
    expect(verdicts).toEqual(many(100))
    expect(budget.load).toEqual({ running: 0, waiting: 0 })
  })

  it('checks as many of one peer at a time as the limit says, over all its batches, and no more', async () => {
    const budget = new VerificationBudget(() => 0)
    const { check, log, open } = createChecks()
    const batches = many(3).map(async () => await budget.checkAll('mallory', many(10), check('mallory')))
    await settle()
    expect(log).toHaveLength(VERIFICATIONS_PER_PEER_MAX)
    open.shift()?.()
    await settle()
    expect(log).toHaveLength(VERIFICATIONS_PER_PEER_MAX + 1)
    for (let done = 0; done < 30; done++) {
      open.shift()?.()
      await settle()
    }
    await Promise.all(batches)
    expect(log).toHaveLength(30)
  })

  it('checks as many of all peers at a time as the limit says, and then lets them take turns', async () => {
    const budget = new VerificationBudget(() => 0)
    const { check, log, open } = createChecks()
    const peers = many(VERIFICATIONS_MAX / VERIFICATIONS_PER_PEER_MAX).map((i) => `mallory ${i}`)
    for (const peer of peers) void budget.checkAll(peer, many(1_000), check(peer))
    await settle()
    expect(log).toHaveLength(VERIFICATIONS_MAX)
    void budget.checkAll('alice', many(1), check('alice'))
    await settle()
    expect(log).not.toContain('alice')
    // Each of the others has its turn at most once before alice.
    for (let i = 0; i <= peers.length; i++) {
      open.shift()?.()
      await settle()
    }
    expect(log.slice(VERIFICATIONS_MAX)).toContain('alice')
  })

  it('looks at nothing more of a peer after the bad signatures the limit says', async () => {
    const budget = new VerificationBudget(() => 0)
    let looks = 0
    const forged = async (_: number, forgiveness: Forgiveness) => {
      looks++
      return await judge(true, forgiveness)
    }
    const verdicts = await budget.checkAll('mallory', many(1_024), forged)
    expect(looks).toBeGreaterThanOrEqual(BAD_SIGNATURES_PER_PEER_MAX)
    expect(looks).toBeLessThan(BAD_SIGNATURES_PER_PEER_MAX + VERIFICATIONS_PER_PEER_MAX)
    expect(verdicts.filter((verdict) => verdict === null)).toHaveLength(1_024 - looks)
    const before = looks
    expect(await budget.checkAll('mallory', many(10), forged)).toEqual(Array(10).fill(null))
    expect(looks).toBe(before)
  })

  it('keeps looking at a peer one bad signature before the limit, and at others whatever she does', async () => {
    const budget = new VerificationBudget(() => 0)
    const batch = many(50).map((i) => i < BAD_SIGNATURES_PER_PEER_MAX - 1)
    expect(await budget.checkAll('mallory', batch, judge)).not.toContain(null)
    expect(await budget.checkAll('mallory', [true, false], judge)).toEqual([FORGED, GOOD])
    expect(await budget.checkAll('mallory', [false], judge)).toEqual([null])
    expect(await budget.checkAll('alice', [false], judge)).toEqual([GOOD])
  })

  it('forgives one after the time the limit says, and not before', async () => {
    let nowMs = 0
    const budget = new VerificationBudget(() => nowMs)
    await budget.checkAll('mallory', Array(BAD_SIGNATURES_PER_PEER_MAX).fill(true), judge)
    nowMs = BAD_SIGNATURE_FORGIVEN_MS - 1
    expect(await budget.checkAll('mallory', [false], judge)).toEqual([null])
    nowMs = BAD_SIGNATURE_FORGIVEN_MS
    expect(await budget.checkAll('mallory', [false], judge)).toEqual([GOOD])
  })

  it('gives a turn back when a check fails', async () => {
    const budget = new VerificationBudget(() => 0)
    const failing = async () => await Promise.reject(new Error('the disk is full'))
    await expect(budget.checkAll('alice', many(20), failing)).rejects.toThrow('the disk is full')
    await settle()
    expect(budget.load).toEqual({ running: 0, waiting: 0 })
  })
})
