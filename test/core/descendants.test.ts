import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Descendants } from '../../src/core/admission/descendants.ts'
import { hasWayDown, jumpOf, PastReader } from '../../src/core/ancestry.ts'
import type { Entry, Graph } from '../../src/core/graph.ts'
import { DESCENDANTS_KEPT_MAX } from '../../src/core/limits.ts'

/** A graph of which only ordinals, authors and parents matter; counts what is read of it. */
class SmallGraph {
  readonly entries: Entry[] = []
  reads = 0
  /** By author: its last operation. */
  readonly #last = new Map<number, number>()
  /** By ordinal: all of its past, itself included. */
  readonly #pasts: ReadonlySet<number>[] = []

  get graph(): Graph {
    return this as unknown as Graph
  }

  at(ordinal: number): Entry {
    this.reads++
    return this.entries[ordinal] as Entry
  }

  add(author: number, deps: readonly number[]): Entry {
    const ordinal = this.entries.length
    const prev = this.#last.get(author) ?? null
    const parents = [...new Set(prev === null ? deps : [prev, ...deps])]
    const before = prev === null ? null : (this.entries[prev] as Entry)
    const entry = {
      ordinal,
      author: Uint8Array.of(author >> 8, author & 255),
      seq: before === null ? 0 : before.seq + 1,
      prev,
      parents,
      jump: before === null ? ordinal : jumpOf(this.graph, before),
    } as unknown as Entry
    this.entries.push(entry)
    this.#last.set(author, ordinal)
    this.#pasts.push(new Set([ordinal, ...parents.flatMap((parent) => [...(this.#pasts[parent] ?? [])])]))
    return entry
  }

  isInPast(target: number, parents: readonly Entry[]): boolean {
    return parents.some(({ ordinal }) => this.#pasts[ordinal]?.has(target) === true)
  }
}

test('who has seen what is known as a search for it would find, in whatever order it is asked', () => {
  const step = fc.record({ author: fc.nat(4), deps: fc.array(fc.nat(30), { maxLength: 3 }) })
  const question = fc.record({ target: fc.nat(40), parents: fc.array(fc.nat(40), { maxLength: 3 }) })
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 2, maxLength: 40 }),
      fc.array(question, { maxLength: 60 }),
      (steps, questions) => {
        const small = new SmallGraph()
        for (const [i, { author, deps }] of steps.entries())
          small.add(author, i === 0 ? [] : deps.map((dep) => i - 1 - (dep % i)))
        const descendants = new Descendants(small.graph)
        for (const { target, parents } of questions) {
          const [wanted, from] = [target % steps.length, parents.map((one) => one % steps.length)]
          const entries = from.map((ordinal) => small.entries[ordinal] as Entry)
          const past = new PastReader(small.graph, entries)
          const answer = descendants.has(small.entries[wanted] as Entry, entries, past)
          expect(answer).toBe(small.isInPast(wanted, entries))
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a way down leads to what is in the past and to nothing else, by whatever is known of others', () => {
  const step = fc.record({ author: fc.nat(4), deps: fc.array(fc.nat(6), { maxLength: 3 }) })
  let found = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 40, maxLength: 80 }),
      fc.nat(30),
      fc.nat(),
      (steps, target, known) => {
        const small = new SmallGraph()
        for (const [i, { author, deps }] of steps.entries())
          small.add(author, i === 0 ? [] : deps.map((dep) => i - 1 - (dep % i)))
        const wanted = small.entries[target] as Entry
        const descendants = small.entries.filter(
          (one) => (one.ordinal + known) % 7 === 0 && small.isInPast(target, [one]),
        )
        const ordinals = new Set(descendants.map(({ ordinal }) => ordinal))
        for (const from of small.entries) {
          if (!hasWayDown(small.graph, wanted, from, ordinals)) continue
          found++
          expect(small.isInPast(target, [from])).toBe(true)
        }
      },
    ),
    { numRuns: 300 },
  )
  expect(found).toBeGreaterThan(1_000)
})

test('that 3,000 authors have seen who let them in costs a few reads each, not one for each operation since', () => {
  const small = new SmallGraph()
  const publisher = small.add(0, [])
  const descendants = new Descendants(small.graph)
  small.reads = 0
  for (let author = 1; author <= 3_000; author++) {
    const parents = [small.entries.at(-1) as Entry]
    expect(descendants.has(publisher, parents, new PastReader(small.graph, parents))).toBe(true)
    small.add(author, [author - 1])
  }
  expect(small.reads).toBeLessThan(3_000 * 8)
})

test('that a member of old has seen who let it in is found by way of the logs in between, not by a search of all since', () => {
  const small = new SmallGraph()
  const publisher = small.add(0, [])
  for (let i = 1; i < 2_000; i++) small.add(1 + (i % 10), [i - 1])
  const newest = small.entries.at(-1) as Entry
  small.reads = 0
  const past = new PastReader(small.graph, [newest])
  expect(new Descendants(small.graph).has(publisher, [newest], past)).toBe(true)
  expect(small.reads).toBeLessThan(10 * 40)
})

test('the same where several histories go on side by side, as many as are remembered', () => {
  const small = new SmallGraph()
  const publisher = small.add(0, [])
  const ends = Array.from({ length: DESCENDANTS_KEPT_MAX - 1 }, (_, i) => small.add(i + 1, [0]).ordinal)
  const descendants = new Descendants(small.graph)
  small.reads = 0
  const authors = 2_000
  for (let i = 0; i < authors; i++) {
    const branch = i % ends.length
    const parents = [small.entries[ends[branch] as number] as Entry]
    expect(descendants.has(publisher, parents, new PastReader(small.graph, parents))).toBe(true)
    ends[branch] = small.add(1_000 + i, [ends[branch] as number]).ordinal
  }
  expect(small.reads).toBeLessThan(authors * 8)
})
