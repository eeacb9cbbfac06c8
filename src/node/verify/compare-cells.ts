import { toHex } from '../../core/bytes.ts'
import type { Cell, CellKey } from '../../core/types/cell.ts'
import { compareCellKeys } from '../../storage/cell-order.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { aboutAll, type Finding } from './finding.ts'

/** Keys read at a time. */
const PAGE_KEYS = 256

/** The keys of all cells of both stores, ascending, each once. */
export function* allCellKeys(a: SpaceStore, b: SpaceStore): Generator<CellKey> {
  const [left, right] = [keysOf(a), keysOf(b)]
  let [x, y] = [left.next(), right.next()]
  while (x.done !== true || y.done !== true) {
    const order = x.done === true ? 1 : y.done === true ? -1 : compareCellKeys(x.value, y.value)
    yield (order <= 0 ? x : y).value as CellKey
    if (order <= 0) x = left.next()
    if (order >= 0) y = right.next()
  }
}

function* keysOf(store: SpaceStore): Generator<CellKey> {
  for (let page = store.cellKeys(null, PAGE_KEYS); page.length > 0; ) {
    yield* page
    page = store.cellKeys(page.at(-1) as CellKey, PAGE_KEYS)
  }
}

/** The winning write of a cell, what is removed from it, and its history. */
export function compareCell(key: CellKey, expected: SpaceStore, found: SpaceStore): readonly Finding[] {
  const what = `${key.type} ${JSON.stringify(key.path)}${key.field === '' ? '' : ` field ${JSON.stringify(key.field)}`}`
  const parts = [
    [`cell ${what}`, describeCell],
    [`removals of ${what}`, describeRemovals],
    [`history of ${what}`, describeHistory],
  ] as const
  return parts.flatMap(([name, describe]) => {
    const [ours, theirs] = [describe(key, expected), describe(key, found)]
    return ours === theirs ? [] : [aboutAll(name, ours, theirs)]
  })
}

/** The operations that the history of a cell names, in either store. */
export function writersOf(key: CellKey, expected: SpaceStore, found: SpaceStore): readonly number[] {
  return [expected, found].flatMap((store) => store.history(key).map(({ ordinal }) => ordinal))
}

function describeCell(key: CellKey, store: SpaceStore): string {
  const cell: Cell | undefined = store.cell(key)
  if (cell === undefined) return 'no write'
  const { id, index, time, lamport, removed, value } = cell
  return `${toHex(value)}${removed ? ', removed' : ''}, by change ${index} of ${toHex(id)}, time ${time}, lamport ${lamport}`
}

function describeRemovals(key: CellKey, store: SpaceStore): string {
  const names = store.removals(key).map(({ id, index }) => `${toHex(id)}/${index}`)
  return names.length === 0 ? 'none' : names.sort().join(' ')
}

function describeHistory(key: CellKey, store: SpaceStore): string {
  const entries = store.history(key).map(({ ordinal, index, kind }) => `${kind} by ${ordinal}/${index}`)
  return entries.length === 0 ? 'none' : entries.join(', ')
}
