import { isAtOrBelow } from '../core/path.ts'
import { compareCellKeys } from './cell-order.ts'
import type { CellRange, CellRow, FrozenSpace, Mask, SpaceStore } from './space-store.ts'

/** One moment of a store as a copy of all that can be read of it: for stores that are in memory anyway. */
export function freezeInMemory(store: Omit<SpaceStore, 'freeze'>): FrozenSpace {
  const count = store.count()
  const entries = store.entriesFrom(0, count)
  const operations = entries.map(({ ordinal }) => store.operation(ordinal))
  const masks = new Map<number, Mask | undefined>()
  for (const ordinal of store.masked()) masks.set(ordinal, store.mask(ordinal))
  const rows = store.cells({ prefix: '', limit: Number.MAX_SAFE_INTEGER })
  return {
    count: () => count,
    entriesFrom: (ordinal, limit) => entries.slice(ordinal, ordinal + limit),
    operation(ordinal) {
      const operation = operations[ordinal]
      if (operation === undefined) throw new Error(`bug: no operation had ordinal ${ordinal}`)
      return operation
    },
    mask: (ordinal) => masks.get(ordinal),
    cells: (range) => pageOf(rows, range),
    close: () => {},
  }
}

/** `rows` ascending. */
function pageOf(rows: readonly CellRow[], { prefix, after, limit }: CellRange): readonly CellRow[] {
  const from = after === undefined ? 0 : firstAfter(rows, (row) => compareCellKeys(row.key, after) > 0)
  const page: CellRow[] = []
  for (let i = from; i < rows.length && page.length < limit; i++) {
    const row = rows[i] as CellRow
    if (isAtOrBelow(row.key.path, prefix)) page.push(row)
  }
  return page
}

/** The first place from which on it holds. */
function firstAfter(rows: readonly CellRow[], holds: (row: CellRow) => boolean): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(rows[middle] as CellRow)) high = middle
    else low = middle + 1
  }
  return low
}
