import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { Clock } from '../../src/core/clock.ts'
import { sha256 } from '../../src/core/hash.ts'
import { CLOCK_LISTING_BYTES_MAX, SHORT_DIGEST_BYTES } from '../../src/core/limits.ts'
import { ClockWalk, type WalkStep } from '../../src/core/sync/walk.ts'

/** Authors by number, some of whose keys begin alike, with the head of that number. */
const authorOf = (n: number) => {
  const key = new Uint8Array(sha256(new TextEncoder().encode(`author ${n}`)))
  if (n % 7 === 0) key.fill(9, 0, (n % 5) + 1)
  return key
}
const headOf = (n: number, version: number) => sha256(new TextEncoder().encode(`head ${n} ${version}`))

function clockOf(versions: ReadonlyMap<number, number>): Clock {
  const clock = new Clock()
  for (const [n, version] of versions) clock.set(authorOf(n), [{ seq: version, id: headOf(n, version) }])
  return clock
}

interface Walked {
  readonly differing: readonly (readonly Uint8Array[])[]
  readonly steps: readonly WalkStep[]
}

/** Lets two clocks walk; every step is counted. */
function walk(clocks: readonly [Clock, Clock], digestBytes: number): Walked {
  const walks = clocks.map((clock) => new ClockWalk(clock, digestBytes))
  const steps: WalkStep[] = []
  let step: WalkStep | null = (walks[0] as ClockWalk).begin()
  for (let turn = 1; step !== null; turn = 1 - turn) {
    steps.push(step)
    const answer = (walks[turn] as ClockWalk).answer(step)
    if (typeof answer === 'string') throw new Error(answer)
    step = answer
  }
  expect(walks.map(({ isOver }) => isOver)).toEqual([true, true])
  return { differing: walks.map(({ differingAuthors }) => differingAuthors), steps }
}

const isAscending = (keys: readonly string[]) =>
  keys.every((key, i) => i === 0 || (keys[i - 1] as string) < key)
const bytesIn = ({ steps }: Walked) =>
  steps.reduce((sum, step) => sum + step.differing.length + step.listing.length, 0)

describe('a walk', () => {
  const versions = fc
    .array(fc.tuple(fc.nat(400), fc.nat(2)), { maxLength: 500 })
    .map((pairs) => new Map(pairs))
  const changed = (base: ReadonlyMap<number, number>, changes: ReadonlyMap<number, number>) =>
    new Map([...base, ...changes].filter(([, version]) => version > 0))
  /** By comparing author by author. */
  const naive = (one: ReadonlyMap<number, number>, other: ReadonlyMap<number, number>) =>
    [...one]
      .filter(([n, version]) => other.get(n) !== version)
      .map(([n]) => toHex(authorOf(n)))
      .toSorted()

  test('tells each side which of its own authors the other has not, or has otherwise, and no others', () => {
    fc.assert(
      fc.property(
        versions,
        versions,
        versions,
        fc.constantFrom(SHORT_DIGEST_BYTES, 32),
        (base, a, b, digestBytes) => {
          const sides = [changed(base, a), changed(base, b)] as const
          const { differing } = walk([clockOf(sides[0]), clockOf(sides[1])], digestBytes)
          expect(differing.map((authors) => authors.map(toHex))).toEqual([
            naive(sides[0], sides[1]),
            naive(sides[1], sides[0]),
          ])
          for (const authors of differing) expect(isAscending(authors.map(toHex))).toBe(true)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('whose digests are too short misses some of what differs, which whole digests find', () => {
    const base = new Map(Array.from({ length: 300 }, (_, n) => [n, 1]))
    const other = new Map(Array.from({ length: 300 }, (_, n) => [n, 2]))
    const clocks = [clockOf(base), clockOf(other)] as const
    const found = (digestBytes: number) => walk(clocks, digestBytes).differing[0]?.length
    expect(found(1)).toBeLessThan(300)
    expect(found(32)).toBe(300)
  })

  test('among ten thousand authors costs what differs, and grows with the number of authors by its logarithm', () => {
    const cost = (authors: number, differ: number) => {
      const base = new Map(Array.from({ length: authors }, (_, n) => [n, 1]))
      const other = new Map([...base, ...Array.from({ length: differ }, (_, n) => [n * 7 + 1, 2] as const)])
      const walked = walk([clockOf(base), clockOf(other)], SHORT_DIGEST_BYTES)
      expect(walked.differing.map(({ length }) => length)).toEqual([differ, differ])
      return { bytes: bytesIn(walked), steps: walked.steps.length }
    }
    expect(cost(250, 1)).toEqual({ bytes: 2 + 250 * 4 + 32, steps: 2 })
    expect(cost(10_000, 1).steps).toBe(4)
    expect(cost(10_000, 1).bytes).toBeLessThan(1_250)
    expect(cost(10_000, 100).steps).toBe(4)
    expect(cost(10_000, 100).bytes).toBeLessThan(9_000)
  })

  test('lists no more than its bound in one message, and the rest another time', () => {
    const authors = 20_000
    const sides = [1, 2].map((version) =>
      clockOf(new Map(Array.from({ length: authors }, (_, n) => [n, version]))),
    )
    const walked = walk([sides[0] as Clock, sides[1] as Clock], 32)
    for (const { listing } of walked.steps)
      expect(listing.length).toBeLessThanOrEqual(CLOCK_LISTING_BYTES_MAX)
    const found = walked.differing.map(({ length }) => length)
    for (const count of found) {
      expect(count).toBeGreaterThan(1_000)
      expect(count).toBeLessThan(authors)
    }
  })
})
