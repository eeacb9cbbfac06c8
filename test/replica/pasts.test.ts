import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInPast } from '../../src/core/ancestry.ts'
import type { Entry, Graph } from '../../src/core/graph.ts'
import { PASTS_KEPT_MAX } from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { editText } from '../../src/core/types/text/change.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { Pasts } from '../../src/node/replica/pasts.ts'
import { arrivals, arrive } from '../history/arrival.ts'
import { makeDeeds, steps } from '../history/random-items.ts'
import { bob, carol, createHome, dave, forge, grants } from '../cast.ts'

function log(
  author: typeof bob,
  count: number,
  seen: Operation,
  bodyOf: (i: number) => Uint8Array,
): Operation[] {
  const made: Operation[] = []
  for (let i = 0; i < count; i++) {
    const prev = made.at(-1)
    made.push(forge({ author, ...(prev === undefined ? { deps: [seen] } : { prev }), body: [bodyOf(i)] }))
  }
  return made
}

/** Operations read while they are received. */
async function readsOf(before: readonly Operation[], operations: readonly Operation[]): Promise<number> {
  const { store, replica } = (await createHome(before)).hosted
  let reads = 0
  const { at } = store
  store.at = (ordinal) => {
    reads++
    return at.call(store, ordinal)
  }
  const outcomes = await replica.receive(operations, 'a peer')
  expect(outcomes.filter(({ kind }) => kind !== 'admitted')).toEqual([])
  return reads
}

describe('the pasts of operations', () => {
  it('are what a search each would say, forks included, asked in whatever order', async () => {
    let seen = 0
    await fc.assert(
      fc.asyncProperty(
        steps(30),
        arrivals,
        fc.infiniteStream(fc.nat(5)),
        async (planned, arrival, chances) => {
          const { home } = await arrive(makeDeeds(planned), arrival)
          const { store } = home.hosted
          const pasts = new Pasts(store)
          for (let ordinal = 0; ordinal < store.count(); ordinal++) {
            const entry = store.at(ordinal)
            const past = pasts.of(entry)
            const parents = entry.parents.map((parent) => store.at(parent))
            for (let other = 0; other < ordinal; other++) {
              if ((chances.next().value as number) > 1) continue
              const target = store.at(other)
              expect(past.has(target)).toBe(isInPast(store, target, parents))
              seen++
            }
          }
        },
      ),
      { numRuns: 100 },
    )
    expect(seen).toBeGreaterThan(1_000)
  })

  it('are forgotten beyond the bound, and read again', () => {
    const entries: Entry[] = Array.from({ length: 2 * PASTS_KEPT_MAX + 2 }, (_, ordinal) => ({
      ordinal,
      id: new Uint8Array(32).fill(ordinal),
      author: new Uint8Array(32).fill(ordinal),
      seq: 0,
      prev: null,
      jump: ordinal,
      parents: ordinal === 0 ? [] : [0],
      lamport: ordinal === 0 ? 1 : 2,
      time: 0,
      epoch: 0,
      caps: [],
      command: '/op/write',
      path: '',
    }))
    const graph = { at: (ordinal: number) => entries[ordinal] as Entry } as Graph
    const pasts = new Pasts(graph)
    const first = pasts.of(entries[1] as Entry)
    expect(pasts.of(entries[1] as Entry)).toBe(first)
    for (const entry of entries.slice(2)) expect(pasts.of(entry).has(entries[0] as Entry)).toBe(true)
    expect(pasts.of(entries[1] as Entry)).not.toBe(first)
  })
})

describe('a log that has seen little of what is here', () => {
  it('costs its operations and not their square, where it writes over what others wrote long ago', async () => {
    const costs: number[] = []
    for (const count of [100, 200, 400]) {
      const bobs = log(bob, count, grants, (i) => setRegister(`a/${i}`, i))
      const aside = forge({ author: dave, body: [setRegister('z', 1)] })
      const carols = log(carol, count, bobs.at(-1) as Operation, (i) => setRegister(`a/${i}`, -i))
      costs.push(await readsOf([...bobs, aside], carols))
    }
    expect(costs[2]).toBeLessThan(6 * (costs[0] as number))
  })

  it('costs no more where it edits a text by turns with other things', async () => {
    const costs: number[] = []
    for (const count of [100, 200, 400]) {
      const root = forge({ author: dave, body: [editText('t', [[0, 0, 'x']])] })
      const aside = forge({ author: carol, deps: [root], body: [editText('t', [[0, 0, 'y']])] })
      const bobs = log(bob, count, root, (i) =>
        i % 2 === 0 ? setRegister('q', i) : editText('t', [[0, 0, 'z']]),
      )
      costs.push(await readsOf([root, aside], bobs))
    }
    expect(costs[2]).toBeLessThan(6 * (costs[0] as number))
  })
})
