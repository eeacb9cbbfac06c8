import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { parseClockText, toClockJson } from '../../src/core/clock-text.ts'
import { deltaSince } from '../../src/node/history/delta.ts'
import { keptHeads } from '../../src/node/replica/severance.ts'
import { type Item, listItems } from '../../src/node/space/item.ts'
import type { Home } from '../cast.ts'
import { createRealmHome, makeOperations, steps } from '../effect/realm.ts'

const clockOf = ({ hosted: { store } }: Home) => {
  const entries = [...store.authors()].map(({ author, heads }) => ({ author, heads }))
  const parsed = parseClockText(JSON.stringify(toClockJson(entries.filter(({ heads }) => heads.length > 0))))
  return parsed.ok ? parsed.value : []
}

const nameOf = ({ path, type }: { readonly path: string; readonly type: string }) => `${path} ${type}`
const itemsOf = ({ hosted: { store } }: Home, prefix: string) =>
  new Map(Array.from(listItems(prefix, store), (item) => [nameOf(item), item]))
const isSame = (a: Item, b: Item) => equalBytes(encodeCanonical(a.value), encodeCanonical(b.value))

describe('the delta since a clock', () => {
  test('is what the items of one replica and of one that has more differ in, whatever was revoked', async () => {
    await fc.assert(
      fc.asyncProperty(steps(25), fc.nat(25), fc.constantFrom('', 'b'), async (planned, seen, prefix) => {
        const operations = makeOperations(planned)
        const before = await createRealmHome(operations.slice(0, seen))
        const after = await createRealmHome(operations)
        const [then, now] = [itemsOf(before, prefix), itemsOf(after, prefix)]
        const delta = await deltaSince(after.hosted, clockOf(before), prefix)
        const names = (items: readonly { readonly path: string; readonly type: string }[]) =>
          items.map(nameOf).sort()
        expect(names(delta.added)).toEqual([...now.keys()].filter((name) => !then.has(name)).sort())
        expect(names(delta.deleted)).toEqual([...then.keys()].filter((name) => !now.has(name)).sort())
        expect(names(delta.updated)).toEqual(
          [...now]
            .filter(([name, item]) => then.has(name) && !isSame(then.get(name) as Item, item))
            .map(([name]) => name)
            .sort(),
        )
      }),
      { numRuns: 120 },
    )
  })

  test('is everything since the beginning, and nothing since now', async () => {
    const home = await createRealmHome(makeOperations(fc.sample(steps(25), { numRuns: 1, seed: 7 })[0] ?? []))
    const whole = await deltaSince(home.hosted, [], '')
    expect(whole.added.map(nameOf).sort()).toEqual([...itemsOf(home, '').keys()].sort())
    expect(whole.updated).toEqual([])
    const { store } = home.hosted
    expect([...store.authors()].some(({ author }) => keptHeads(store, author).length > 0)).toBe(true)
    expect(await deltaSince(home.hosted, clockOf(home), '')).toEqual({ added: [], updated: [], deleted: [] })
  })
})
