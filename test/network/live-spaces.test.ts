import { expect, test } from 'vitest'
import { LIVE_SPACE_KEPT_MS, LIVE_SPACES_MAX } from '../../src/core/limits.ts'
import { LiveSpaces } from '../../src/node/network/live-spaces.ts'

const FIRST_MS = 1_800_000_000_000

function createSpaces() {
  let nowMs = FIRST_MS
  const joined = new Set<number>()
  const spaces = new LiveSpaces<number>({
    now: () => nowMs,
    onLive: (space) => joined.add(space),
    onRest: (space) => joined.delete(space),
  })
  return {
    spaces,
    joined,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('of more spaces than places those added last are live, and never one more than the limit', () => {
  const { spaces, joined } = createSpaces()
  for (let i = 0; i <= LIVE_SPACES_MAX; i++) spaces.add(i)
  expect(joined.size).toBe(LIVE_SPACES_MAX)
  expect(joined.has(0)).toBe(false)
  expect(spaces.isLive(LIVE_SPACES_MAX)).toBe(true)
  expect(spaces.all().toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: LIVE_SPACES_MAX + 1 }, (_, i) => i),
  )
})

test('a space in which something happens takes the place of the one that has been quiet for longest', () => {
  const { spaces, joined, pass } = createSpaces()
  for (let i = 0; i <= LIVE_SPACES_MAX; i++) spaces.add(i)
  for (let i = 2; i <= LIVE_SPACES_MAX; i++) {
    pass(1)
    spaces.touch(i)
  }
  pass(1)
  expect(spaces.touch(0)).toBe(true)
  expect(joined.has(0)).toBe(true)
  expect(joined.has(1)).toBe(false)
  expect(spaces.all()[0]).toBe(0)
})

test('where all are busy the newcomer stays without a place, until one has been quiet for long enough', () => {
  const { spaces, joined, pass } = createSpaces()
  for (let i = 1; i <= LIVE_SPACES_MAX; i++) {
    spaces.add(i)
    spaces.touch(i)
  }
  spaces.add(0)
  expect(spaces.touch(0)).toBe(false)
  pass(LIVE_SPACE_KEPT_MS - 1)
  expect(spaces.touch(0)).toBe(false)
  pass(1)
  expect(spaces.touch(0)).toBe(true)
  expect(joined.size).toBe(LIVE_SPACES_MAX)
})
