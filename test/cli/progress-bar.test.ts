import { describe, expect, it } from 'vitest'
import { BYTES, formatPace } from '../../src/cli/output/progress-bar.ts'

describe('how fast something goes', () => {
  it('is said with how long the rest takes, once it can be told', () => {
    expect(formatPace(1_000, 400, 9_000)).toBe('')
    expect(formatPace(0, 4_000, 9_000)).toBe('')
    expect(formatPace(1_000, 1_000, 9_000)).toBe(', 1,000/s, 9.0 s left')
    expect(formatPace(1_500_000, 2_000, 98_500_000)).toBe(', 750,000/s, 2 min 11 s left')
    expect(formatPace(2 ** 21, 1_000, 2 ** 22, BYTES)).toBe(', 2.0 MiB/s, 2.0 s left')
  })
})
