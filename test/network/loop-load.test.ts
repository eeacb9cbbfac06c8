import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLoopLoad } from '../../src/node/network/loop-load.ts'

test('is of the time since it was asked last', async () => {
  const load = createLoopLoad()
  const untilMs = performance.now() + 50
  while (performance.now() < untilMs);
  expect(load()).toBeGreaterThan(0.7)
  // Waits, until it has mostly waited: however busy the machine is, this thread is not.
  let share = 1
  for (let tries = 0; share >= 0.7 && tries < 50; tries++) {
    await pause(50)
    share = load()
  }
  expect(share).toBeLessThan(0.7)
})
