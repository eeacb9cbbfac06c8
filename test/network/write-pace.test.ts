import { expect, test } from 'vitest'
import { BUSY_OPERATIONS_PER_SECOND } from '../../src/core/limits.ts'
import { WritePace } from '../../src/node/network/write-pace.ts'

function createPace() {
  const clock = { nowMs: 0 }
  return { clock, pace: new WritePace(() => clock.nowMs) }
}

test('is busy from so many operations in a second, however they come, and calm two seconds after the last', () => {
  const { clock, pace } = createPace()
  pace.note(BUSY_OPERATIONS_PER_SECOND - 1)
  expect(pace.isBusy).toBe(false)
  pace.note(1)
  expect(pace.isBusy).toBe(true)
  clock.nowMs = 1_999
  expect(pace.isBusy).toBe(true)
  clock.nowMs = 3_000
  expect(pace.isBusy).toBe(false)
})

test.each([
  [1, false],
  [2, true],
])('with %i operations at each of 13 moments in a second it stays that way', (count, isBusy) => {
  const { clock, pace } = createPace()
  const states: boolean[] = []
  for (let i = 0; i < 100; i++) {
    clock.nowMs += (1_000 * 1.5) / BUSY_OPERATIONS_PER_SECOND
    pace.note(count)
    if (clock.nowMs > 2_000) states.push(pace.isBusy)
  }
  expect(new Set(states)).toEqual(new Set([isBusy]))
})

test('a burst of long ago does not make it busy', () => {
  const { clock, pace } = createPace()
  pace.note(100_000)
  clock.nowMs = 10_000
  expect(pace.isBusy).toBe(false)
  pace.note(1)
  expect(pace.isBusy).toBe(false)
})
