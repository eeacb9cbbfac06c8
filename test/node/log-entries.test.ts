import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FaultError } from '../../src/node/fault-error.ts'
import { itemAt, listItems } from '../../src/node/space/item.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import { lastEntries, listEntries } from '../../src/node/space/log-entries.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { bob, createHome, NOW_MS } from '../cast.ts'

const append = (value: unknown, path = 'log'): ItemEdit => ({ kind: 'append', path, value })

/** A space with a log of so many entries, a moment apart but for groups of one operation, among other items. */
async function createLog(groups: readonly number[]): Promise<SpaceStore> {
  const { hosted } = await createHome()
  const others: readonly ItemEdit[] = [
    { kind: 'put', path: 'log', value: 1 },
    { kind: 'tag', path: 'log', add: ['a'] },
    append('below', 'log/below'),
    append('before', 'a'),
  ]
  hosted.write(others, { author: bob, timeMs: NOW_MS - 2_000_000 })
  let first = 0
  for (const [i, size] of groups.entries()) {
    const edits = numbers(first, first + size).map((entry) => append(entry))
    first += size
    hosted.write(edits, { author: bob, timeMs: NOW_MS - 1_000_000 + i * 200 })
  }
  return hosted.store
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('the entries of a log', () => {
  it('come in order, all of them or those after one, at most as many as are wanted', async () => {
    const store = await createLog([300, 1, 1, 300, 5])
    const all = [...listEntries('log', store, {})]
    expect(all.map(({ value }) => value)).toEqual(numbers(0, 607))
    for (const at of [0, 255, 256, 299, 300, 605, 606]) {
      const after = all[at] as (typeof all)[number]
      expect([...listEntries('log', store, { after })].map(({ value }) => value)).toEqual(
        numbers(at + 1, 607),
      )
      const some = [...listEntries('log', store, { after, limit: 3 })].map(({ value }) => value)
      expect(some).toEqual(numbers(at + 1, Math.min(607, at + 4)))
    }
    expect([...listEntries('nowhere', store, {})]).toEqual([])
    expect([...listEntries('log', store, { limit: 0 })]).toEqual([])
    const unknown = { id: '0'.repeat(64), index: 0 }
    expect(() => [...listEntries('log', store, { after: unknown })]).toThrow(FaultError)
  })

  it('are the last ones, however many share a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        fc.integer({ min: 0, max: 200 }),
        async (groups, count) => {
          const store = await createLog(groups)
          const length = groups.reduce((sum, size) => sum + size, 0)
          const last = lastEntries('log', count, store).map(({ value }) => value)
          expect(last).toEqual(numbers(Math.max(0, length - count), length))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('at the end of a long log cost as much as those of a short one, give or take a logarithm', async () => {
    const rowsRead = async (groups: readonly number[]) => {
      const store = await createLog(groups)
      let rows = 0
      const cells = store.cells.bind(store)
      store.cells = (range) => {
        const page = cells(range)
        rows += page.length
        return page
      }
      expect(lastEntries('log', 10, store)).toHaveLength(10)
      return rows
    }
    const [short, long] = [
      await rowsRead(numbers(0, 100).map(() => 1)),
      await rowsRead(numbers(0, 4_000).map(() => 1)),
    ]
    expect(long).toBeLessThan(short + 100)
    expect(long).toBeLessThan(700)
  })

  it('are left out of a list but for the last, and are not read where another type at their path is', async () => {
    const store = await createLog([600])
    const listed = [...listItems('log', store, { entriesMax: 10 })]
    expect(listed.map(({ path, type, omitted }) => [path, type, omitted])).toEqual([
      ['log', 'log', 590],
      ['log', 'register', undefined],
      ['log', 'set', undefined],
      ['log/below', 'log', undefined],
    ])
    expect(listed[0]?.value).toMatchObject(numbers(590, 600).map((value) => ({ value })))
    let rows = 0
    const cells = store.cells.bind(store)
    store.cells = (range) => {
      const page = cells(range)
      rows += page.length
      return page
    }
    expect(itemAt('log', 'register', store)?.value).toBe(1)
    expect(rows).toBe(0)
    expect(itemAt('log', 'map', store)).toBeUndefined()
    expect(rows).toBeLessThan(257)
  })
})
