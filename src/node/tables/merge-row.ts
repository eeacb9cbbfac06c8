import { areSame, type ColumnState, type RowState } from './row-state.ts'
import { fingerprint } from './sql-value.ts'

/** The shared columns of a table, by their names as fields. */
export interface SharedColumns {
  /** Of the primary key, in its order. */
  readonly key: readonly string[]
  readonly others: readonly string[]
}

/** A row of the table as fields; every shared column is there. */
export type Row = ReadonlyMap<string, unknown>
/** The fields of a row's map in the space. */
export type Fields = Readonly<Record<string, unknown>>

/** What a row's local changes mean for the space, and what is remembered once that is written; `next` undefined: nothing. */
export type LocalDecision =
  | { readonly kind: 'none' | 'delete'; readonly next: RowState | undefined }
  | { readonly kind: 'set'; readonly set: Fields; readonly next: RowState }

/** What the space's state of a row means for the table. */
export type RemoteDecision =
  | { readonly kind: 'none'; readonly next: RowState | undefined }
  /** Changed here without having been published: that comes first. */
  | { readonly kind: 'unpublished' }
  | { readonly kind: 'delete' }
  /** Columns that are not named take their defaults. */
  | { readonly kind: 'insert'; readonly set: ReadonlyMap<string, unknown> }
  /** Undefined: the column's default. */
  | { readonly kind: 'update'; readonly set: ReadonlyMap<string, unknown> }

/**
 * A row exists in the space while its map has every field of the primary key; other fields alone are what a concurrent change left of a row that
 * was deleted, and show in no table.
 */
export function isShown({ key }: SharedColumns, fields: Fields | undefined): fields is Fields {
  return fields !== undefined && key.every((column) => Object.hasOwn(fields, column))
}

/**
 * What to write to the space for a row that may have changed here. Laws:
 * 1. a row that is new here is written whole, so that it stands against a concurrent deletion of its predecessor; in a row that exists in the
 *    space already, only what differs;
 * 2. of a row that was there before, the columns that are not what they were: a row changed on both sides merges by column;
 * 3. deciding again on what was written already (a crash in between) writes nothing;
 * 4. a column that was added since counts as changed where it is not what the table gives to every row (`isDefault`).
 */
export function decideLocal(
  columns: SharedColumns,
  row: Row | undefined,
  state: RowState | undefined,
  fields: Fields | undefined,
  isDefault: (column: string) => boolean,
): LocalDecision {
  if (row === undefined) {
    if (!isHere(columns, state)) return { kind: 'none', next: state }
    return { kind: fields === undefined ? 'none' : 'delete', next: undefined }
  }
  const isEqual = (column: string) =>
    fields !== undefined &&
    Object.hasOwn(fields, column) &&
    areSame(fingerprint(fields[column]), fingerprint(row.get(column)))
  const differs = (column: string): boolean => {
    const known = state?.get(column)
    return known === undefined ? !isDefault(column) : !areSame(known.local, fingerprint(row.get(column)))
  }
  // What only a trigger has made is published once a program has changed it, and then whole.
  const isNew = !isHere(columns, state) || (!isPublished(columns, state) && columns.others.some(differs))
  const isChanged = (column: string): boolean => {
    if (isNew) return !isShown(columns, fields) || !isEqual(column)
    return !columns.key.includes(column) && differs(column) && !isEqual(column)
  }
  const set: Record<string, unknown> = {}
  const next = new Map<string, ColumnState>()
  for (const column of [...columns.key, ...columns.others]) {
    const local = fingerprint(row.get(column))
    if (isChanged(column)) set[column] = row.get(column)
    const isAgreed = Object.hasOwn(set, column) || isEqual(column)
    next.set(column, { local, remote: isAgreed ? local : (state?.get(column)?.remote ?? null) })
  }
  return Object.keys(set).length === 0 ? { kind: 'none', next } : { kind: 'set', set, next }
}

/**
 * What to do to the table for a row whose map may have changed. Only columns whose field is not what it was are touched; where a field is
 * gone, the column takes its default. A row that the space does not have, and never had from here, is left alone.
 */
export function decideRemote(
  columns: SharedColumns,
  row: Row | undefined,
  state: RowState | undefined,
  fields: Fields | undefined,
): RemoteDecision {
  if (hasChangedHere(columns, row, state)) return { kind: 'unpublished' }
  if (!isShown(columns, fields)) {
    if (row === undefined) return { kind: 'none', next: undefined }
    return isPublished(columns, state) ? { kind: 'delete' } : { kind: 'none', next: state }
  }
  if (row === undefined) {
    // A trigger of the table has taken it away again.
    const isSettled =
      state !== undefined &&
      all(columns).every((column) => areSame(remoteOf(state, column), printOf(fields, column)))
    if (isSettled) return { kind: 'none', next: state }
    return { kind: 'insert', set: new Map(known(columns, fields)) }
  }
  const set = new Map<string, unknown>()
  for (const column of columns.others) {
    const remote = printOf(fields, column)
    if (areSame(remote, remoteOf(state, column))) continue
    if (remote !== null && areSame(remote, fingerprint(row.get(column)))) continue
    set.set(column, remote === null ? undefined : fields[column])
  }
  return set.size === 0 ? { kind: 'none', next: stateAfter(columns, row, fields) } : { kind: 'update', set }
}

/** What is remembered of a row to which the space's state was applied, from the row as the table has it now. */
export function stateAfter(
  columns: SharedColumns,
  row: Row | undefined,
  fields: Fields | undefined,
): RowState {
  return new Map(
    all(columns).map((column) => [
      column,
      {
        local: row === undefined ? null : fingerprint(row.get(column)),
        remote: fields === undefined ? null : printOf(fields, column),
      },
    ]),
  )
}

/** What is remembered of a row that changed in consequence of what was applied: it is no change of this side. */
export function stateSettled(
  columns: SharedColumns,
  row: Row | undefined,
  state: RowState | undefined,
): RowState {
  return new Map(
    all(columns).map((column) => [
      column,
      { local: row === undefined ? null : fingerprint(row.get(column)), remote: remoteOf(state, column) },
    ]),
  )
}

/** What is remembered of a row at the beginning, where the space's values are to win: the fields it has are still to be applied. */
export function stateYielding(columns: SharedColumns, row: Row, fields: Fields): RowState {
  const state = new Map<string, ColumnState>()
  for (const column of all(columns)) {
    if (!Object.hasOwn(fields, column)) continue
    const local = fingerprint(row.get(column))
    state.set(column, { local, remote: columns.key.includes(column) ? local : null })
  }
  return state
}

/** True where the table held the row when table and space were last made to agree. */
function isHere({ key }: SharedColumns, state: RowState | undefined): state is RowState {
  return state !== undefined && key.every((column) => (state.get(column)?.local ?? null) !== null)
}

/** True where the space had the row then. */
function isPublished({ key }: SharedColumns, state: RowState | undefined): boolean {
  return state !== undefined && key.every((column) => remoteOf(state, column) !== null)
}

function hasChangedHere(columns: SharedColumns, row: Row | undefined, state: RowState | undefined): boolean {
  if (row === undefined) return isHere(columns, state)
  if (!isHere(columns, state)) return true
  return all(columns).some((column) => {
    const local = state.get(column)?.local
    return local !== undefined && !areSame(local, fingerprint(row.get(column)))
  })
}

const all = ({ key, others }: SharedColumns): readonly string[] => [...key, ...others]

const known = (columns: SharedColumns, fields: Fields): readonly (readonly [string, unknown])[] =>
  all(columns).flatMap((column) => (Object.hasOwn(fields, column) ? [[column, fields[column]] as const] : []))

const remoteOf = (state: RowState | undefined, column: string): Uint8Array | null =>
  state?.get(column)?.remote ?? null

const printOf = (fields: Fields, column: string): Uint8Array | null =>
  Object.hasOwn(fields, column) ? fingerprint(fields[column]) : null
