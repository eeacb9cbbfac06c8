import { fromHex } from '../../core/bytes.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { entryField, LOG, parseEntryField } from '../../core/types/log/change.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
import { FaultError } from '../fault-error.ts'
import { type LogValue, toLogValue } from './item.ts'

/** An entry of a log by its name: its operation, hexadecimal, and the index of its change there. */
export interface EntryName {
  readonly id: string
  readonly index: number
}

/** Entries read at a time. */
const PAGE = 256

/** The entries of the log at a path, in order; a page of them is in memory at a time. */
export function* listEntries(
  path: string,
  store: SpaceStore,
  { after, limit = Number.POSITIVE_INFINITY }: { readonly after?: EntryName; readonly limit?: number },
): Generator<LogValue, void, void> {
  let key: CellKey = { path, type: LOG, field: after === undefined ? '' : fieldOf(after, store) }
  for (let left = limit; left > 0; ) {
    const rows = rowsAfter(key, Math.min(PAGE, left), store)
    for (const row of rows) yield toLogValue(row, store)
    const last = rows.at(-1)
    if (last === undefined) return
    key = last.key
    left -= rows.length
  }
}

/** The last entries of a log, at most `count`, in order: looked for by time, since a store reads forwards. */
export function lastEntries(path: string, count: number, store: SpaceStore): readonly LogValue[] {
  const whole: CellKey = { path, type: LOG, field: '' }
  if (count <= 0) return []
  const first = rowsAfter(whole, count + 1, store)
  if (first.length <= count) return first.map((row) => toLogValue(row, store))
  /** So many entries and more are after `early`, and fewer after `late`. */
  let early = whole
  let earlyMs = parseEntryField((first[0] as CellRow).key.field).time
  let lateMs = Number.MAX_SAFE_INTEGER
  while (lateMs - earlyMs > 1) {
    const middleMs = earlyMs + Math.floor((lateMs - earlyMs) / 2)
    const key: CellKey = { ...whole, field: beforeTime(middleMs) }
    if (rowsAfter(key, count, store).length < count) lateMs = middleMs
    else {
      early = key
      earlyMs = middleMs
    }
  }
  // Any number may share one time with the first of them.
  let last: readonly CellRow[] = []
  for (let key = early; ; ) {
    const rows = rowsAfter(key, Math.max(PAGE, count), store)
    last = [...last, ...rows].slice(-count)
    const next = rows.at(-1)
    if (next === undefined) return last.map((row) => toLogValue(row, store))
    key = next.key
  }
}

/** A field just before those of all entries of that time. */
function beforeTime(time: number): string {
  return entryField({ time, lamport: 0, id: new Uint8Array(32), index: 0 })
}

/** Rows of one log after a place in it, at most `limit`. */
function rowsAfter(after: CellKey, limit: number, store: SpaceStore): readonly CellRow[] {
  const rows = store.cells({ prefix: after.path, after, limit })
  const end = rows.findIndex(({ key }) => key.path !== after.path || key.type !== LOG)
  return end === -1 ? rows : rows.slice(0, end)
}

function fieldOf({ id, index }: EntryName, store: SpaceStore): string {
  const bytes = fromHex(id)
  const entry = bytes === null ? undefined : store.find(bytes)
  if (entry !== undefined) return entryField({ ...entry, index })
  throw new FaultError({
    code: 'UNKNOWN_OPERATION',
    detail: `there is no operation ${id} here to go on after`,
  })
}
