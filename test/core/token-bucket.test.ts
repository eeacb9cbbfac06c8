import { describe, expect, it } from 'vitest'
import { TokenBuckets } from '../../src/core/token-bucket.ts'

describe('token buckets', () => {
  it('allows a burst and refuses one past it', () => {
    const buckets = new TokenBuckets({ burst: 3, perSecond: 1 }, 10)
    expect([1, 2, 3, 4].map(() => buckets.take('mallory', 0))).toEqual([true, true, true, false])
  })

  it('refills at its rate and never beyond the burst', () => {
    const buckets = new TokenBuckets({ burst: 2, perSecond: 4 }, 10)
    expect([1, 2, 3].map(() => buckets.take('alice', 0))).toEqual([true, true, false])
    expect(buckets.take('alice', 249)).toBe(false)
    expect(buckets.take('alice', 250)).toBe(true)
    expect([1, 2, 3].map(() => buckets.take('alice', 1_000_000))).toEqual([true, true, false])
  })

  it('keeps keys apart', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 10)
    expect([buckets.take('mallory', 0), buckets.take('mallory', 0), buckets.take('alice', 0)]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('gives nothing for a clock that runs backwards', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, 10)
    expect(buckets.take('alice', 5_000)).toBe(true)
    expect(buckets.take('alice', 1_000)).toBe(false)
  })

  it('forgets the key used longest ago, one past the keys it may hold', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 0 }, 2)
    buckets.take('alice', 0)
    buckets.take('bob', 0)
    buckets.take('alice', 0)
    buckets.take('carol', 0)
    expect(buckets.size).toBe(2)
    expect(buckets.take('alice', 0)).toBe(false)
    expect(buckets.take('bob', 0)).toBe(true)
  })
})
