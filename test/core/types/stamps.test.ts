import { expect, it } from 'vitest'
import { compareStamps } from '../../../src/core/types/cell.ts'

const stamp = { time: 5, lamport: 5, id: Uint8Array.of(5), index: 5 }
const less = { time: 4, lamport: 4, id: Uint8Array.of(4), index: 4 }
const greater = { time: 6, lamport: 6, id: Uint8Array.of(6), index: 6 }

it.each([
  ['the later time', { ...less, time: 6 }],
  ['at one time the greater lamport: a write wins over what it has seen', { ...less, time: 5, lamport: 6 }],
  ['of one lamport the greater id', { ...less, time: 5, lamport: 5, id: Uint8Array.of(6) }],
  ['within one operation the later change', { ...stamp, index: 6 }],
])('of two writes wins %s, whatever else is less', (_, winner) => {
  expect(compareStamps(winner, stamp)).toBeGreaterThan(0)
  expect(compareStamps(stamp, winner)).toBeLessThan(0)
})

it.each([
  ['the earlier time', { ...greater, time: 4 }],
  ['at one time the lesser lamport', { ...greater, time: 5, lamport: 4 }],
  ['of one lamport the lesser id', { ...greater, time: 5, lamport: 5, id: Uint8Array.of(4) }],
])('of two writes loses %s, whatever else is greater', (_, loser) => {
  expect(compareStamps(loser, stamp)).toBeLessThan(0)
  expect(compareStamps(stamp, loser)).toBeGreaterThan(0)
})
