import { compareBytes, utf8 } from '../../core/bytes.ts'
import { TABLE_OUTDATED_COLUMNS_MAX, TABLE_BATCH_ROWS_MAX } from '../../core/limits.ts'
import { type Fields, isShown } from './merge-row.ts'
import { decodeRowKey } from './row-key.ts'
import { areSame, type RowState } from './row-state.ts'
import { keyAt, type Share } from './share.ts'
import { fingerprint } from './sql-value.ts'

/** What a comparison of the whole has found beside the rows that differ. */
export interface Comparison {
  /** Rows in the space. */
  rows: number
  /** Maps that have fields and not the whole primary key: what is left of a row that was deleted while another changed it. */
  incomplete: number
  /** Maps below the prefix whose path is no key of this table. */
  foreign: number
}

/**
 * The keys of the rows whose map is not what it was when it was last applied, or for the first time, ascending; of a whole table, a page of each side in
 * memory at a time. `found` is filled on the way.
 */
export function* differingKeys(share: Share, found: Comparison): Generator<string> {
  const states = rememberedRows(share)
  let state = states.next()
  for (const { path, type, value } of share.space.list(share.prefix)) {
    const key = type === 'map' ? keyAt(share.prefix, path) : null
    if (key === null) continue
    while (state.done !== true && compareKeys(state.value.key, key) < 0) {
      yield state.value.key
      state = states.next()
    }
    const known = state.done !== true && state.value.key === key ? state.value.state : undefined
    if (known !== undefined) state = states.next()
    if (isNews(share, key, value as Fields, known, found)) yield key
  }
  for (; state.done !== true; state = states.next()) yield state.value.key
}

/** Notes fields for which the table has no column. */
export function noteOutdated({ schema, outdated }: Share, fields: Fields): void {
  const { key, others } = schema.columns
  for (const field of Object.keys(fields)) {
    if (outdated.size >= TABLE_OUTDATED_COLUMNS_MAX) return
    if (!key.includes(field) && !others.includes(field)) outdated.add(field)
  }
}

function isNews(
  share: Share,
  key: string,
  fields: Fields,
  state: RowState | undefined,
  found: Comparison,
): boolean {
  const { columns } = share.schema
  if (!decodeRowKey(key, columns.key.length).ok) {
    found.foreign++
    return false
  }
  if (!isShown(columns, fields)) {
    found.incomplete++
    return state !== undefined
  }
  found.rows++
  noteOutdated(share, fields)
  if (state === undefined) return true
  return [...columns.key, ...columns.others].some((column) => {
    const field = Object.hasOwn(fields, column) ? fingerprint(fields[column]) : null
    return !areSame(field, state.get(column)?.remote ?? null)
  })
}

function* rememberedRows({ store }: Share): Generator<{ readonly key: string; readonly state: RowState }> {
  let after = ''
  for (;;) {
    const page = store.states(after, TABLE_BATCH_ROWS_MAX)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.key
  }
}

const compareKeys = (a: string, b: string): number => compareBytes(utf8(a), utf8(b))
