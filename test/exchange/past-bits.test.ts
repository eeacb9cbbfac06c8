import fc from 'fast-check'
import { expect, it } from 'vitest'
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import type { KnownLog } from '../../src/core/clock-text.ts'
import { pastOf } from '../../src/node/exchange/past-bits.ts'
import { compareClocks } from '../../src/node/remotes/compare-clocks.ts'
import { createHome, forge, bob, carol } from '../cast.ts'
import { makeHistory, plans } from '../random-history.ts'

it('is what a clock names and all before it, however authors fork, and what comes before its first is in it', async () => {
  await fc.assert(
    fc.asyncProperty(plans(25), fc.array(fc.nat(1_000), { maxLength: 4 }), async (made, numbers) => {
      const events = makeHistory(made)
      const { store } = (await createHome(events.map(({ operation }) => operation))).hosted
      const ends = numbers.flatMap((n) => events[n % events.length] ?? [])
      const expected = new Set(ends.flatMap(({ operation, past }) => [toHex(operation.id), ...past]))
      // Whole, as a node tells it: then little is walked over.
      const named = [...store.authors()].map(({ author }): KnownLog => {
        const own = Array.from({ length: store.count() }, (_, ordinal) => store.at(ordinal)).filter(
          (entry) => equalBytes(entry.author, author) && expected.has(toHex(entry.id)),
        )
        return { author, seq: null, heads: own.map(({ id }) => ({ seq: null, id })) }
      })
      const bare = ends.map(
        ({ operation: { id, header } }): KnownLog => ({
          author: header.author,
          seq: null,
          heads: [{ seq: null, id }],
        }),
      )
      for (const clock of [named, bare]) {
        const past = await pastOf(store, clock)
        const found = Array.from({ length: store.count() }, (_, ordinal) => ordinal).filter((ordinal) =>
          past.has(ordinal),
        )
        expect(found.map((ordinal) => toHex(store.at(ordinal).id)).sort()).toEqual([...expected].sort())
      }
    }),
    { numRuns: 200 },
  )
})

it('is not walked over again by whoever lacks only what came last', async () => {
  let prev = forge({ author: bob })
  const log = [prev, forge({ author: carol })]
  for (let i = 0; i < 50; i++) {
    prev = forge({ author: bob, prev })
    log.push(prev)
  }
  const { store } = (await createHome(log)).hosted
  const known = [...store.authors()].map(({ author, heads }) => ({ author, heads, seq: null }))
  const before = known.map(({ author, heads, seq }) => {
    const [{ seq: last } = { seq: 0 }] = heads
    return last > 10 ? { author, seq: last - 3, heads: [] } : { author, seq, heads }
  })
  expect((await pastOf(store, before)).first).toBe(store.count() - 3)
  expect(await compareClocks(store, before)).toEqual({ ahead: 3, behind: 0 })
  expect(await compareClocks(store, known)).toEqual({ ahead: 0, behind: 0 })
})
