import type { DatabaseSync } from 'node:sqlite'
import { FIELD_BYTES_MAX, TABLE_KEY_COLUMNS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { SharedColumns } from './merge-row.ts'

/** A shared table as its database declares it now. */
export interface TableSchema {
  /** As it is declared. */
  readonly table: string
  readonly columns: SharedColumns
  /** Columns that turn every number into a REAL. */
  readonly reals: ReadonlySet<string>
  /** The expression of each column's default, as SQL; `NULL` where it has none. */
  readonly defaults: ReadonlyMap<string, string>
  /** Columns by which a row of another key may be replaced (`REPLACE`), with their collations; one list for each unique index. */
  readonly uniques: readonly (readonly { readonly column: string; readonly collation: string }[])[]
  /** True where an index on expressions, or on a part of the rows, makes rows unique: whom a REPLACE takes away cannot be told beforehand. */
  readonly hasOpaqueUnique: boolean
  /** True where foreign keys change or delete rows by themselves. */
  readonly hasForeignKeyActions: boolean
  /** True where SQLite chooses the keys of new rows, and so chooses the same on every node. */
  readonly hasChosenKeys: boolean
  readonly userVersion: number
}

/** An identifier as SQL takes it, whatever is in it. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

interface ColumnInfo {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  readonly pk: number
  readonly hidden: number
}

/**
 * How a table stands in its database. `chosen`: names of columns to share, besides the primary key; null for all. Generated columns are left
 * out. Refused with `NO_TABLE` or `BAD_TABLE`: a view or virtual table, one without a declared primary key, a column name that is no field's, a
 * chosen column that is not there, a column left out that has no default and must not be NULL.
 */
export function inspectTable(
  db: DatabaseSync,
  name: string,
  chosen: readonly string[] | null,
): Result<TableSchema, Fault<'NO_TABLE' | 'BAD_TABLE'>> {
  const found = db
    .prepare(`SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`)
    .get(name) as { readonly name: string; readonly type: string } | undefined
  if (found === undefined)
    return fail('NO_TABLE', `there is no table ${JSON.stringify(name)} in this database`)
  const table = found.name
  const says = (what: string) => fail('BAD_TABLE', `${JSON.stringify(table)} cannot be shared: ${what}`)
  if (found.type !== 'table') return says(`it is a ${found.type}, and only ordinary tables can`)
  if (/^(?:sqlite_|_hanse_)/i.test(table)) return says('it is a table of SQLite or Hanse itself')
  const info = db.prepare(`PRAGMA table_xinfo(${quoted(table)})`).all() as unknown as readonly ColumnInfo[]
  const key = info.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk)
  if (key.length === 0) {
    return says(
      'it declares no primary key, so its rows have no name that other nodes could know them by: make a new table with a PRIMARY KEY (a UUID in a TEXT column serves best), copy the rows into it, and share that',
    )
  }
  if (key.length > TABLE_KEY_COLUMNS_MAX)
    return says(`its primary key has ${key.length} columns, at most ${TABLE_KEY_COLUMNS_MAX} are allowed`)
  const missing = chosen?.find((column) => !info.some((one) => isNamed(one, column)))
  if (missing !== undefined) return says(`it has no column ${JSON.stringify(missing)}`)
  const isChosen = (one: ColumnInfo) => one.pk > 0 || (chosen?.some((column) => isNamed(one, column)) ?? true)
  const shared = info.filter((one) => isChosen(one) && one.hidden === 0)
  const unnamed = shared.find(({ name: column }) => isNoField(column))
  if (unnamed !== undefined)
    return says(`no field can be called ${JSON.stringify(unnamed.name.slice(0, 40))}`)
  const demanding = info.find(
    (one) => !isChosen(one) && one.hidden === 0 && one.notnull === 1 && one.dflt_value === null,
  )
  if (demanding !== undefined)
    return says(
      `the column ${JSON.stringify(demanding.name)} must not be NULL and has no default: share it too`,
    )
  const uniques = uniquesOf(db, table)
  return ok({
    table,
    columns: {
      key: key.map(({ name: column }) => column),
      others: shared.filter(({ pk }) => pk === 0).map(({ name: column }) => column),
    },
    reals: new Set(shared.filter(({ type }) => isReal(type)).map(({ name: column }) => column)),
    defaults: new Map(shared.map(({ name: column, dflt_value }) => [column, dflt_value ?? 'NULL'])),
    ...uniques,
    hasForeignKeyActions: hasForeignKeyActions(db, table),
    hasChosenKeys: key.length === 1 && key[0]?.type.toUpperCase() === 'INTEGER' && !isWithoutRowid(db, table),
    userVersion: versionOf(db),
  })
}

/** The application's version of its own schema. */
function versionOf(db: DatabaseSync): number {
  const { user_version } = db.prepare('PRAGMA user_version').get() as { readonly user_version: number }
  return user_version
}

function uniquesOf(db: DatabaseSync, table: string): Pick<TableSchema, 'uniques' | 'hasOpaqueUnique'> {
  const indexes = db.prepare(`PRAGMA index_list(${quoted(table)})`).all() as unknown as readonly {
    readonly name: string
    readonly unique: number
    readonly partial: number
    readonly origin: string
  }[]
  const uniques: { readonly column: string; readonly collation: string }[][] = []
  let hasOpaqueUnique = false
  for (const index of indexes.filter(({ unique }) => unique === 1)) {
    const parts = (
      db.prepare(`PRAGMA index_xinfo(${quoted(index.name)})`).all() as unknown as readonly {
        readonly name: string | null
        readonly coll: string
        readonly key: number
      }[]
    ).filter(({ key }) => key === 1)
    // Rows of one key are one row, unless the key's collation makes two spellings equal.
    if (index.origin === 'pk' && parts.every(({ coll }) => coll === 'BINARY')) continue
    const named = parts.flatMap(({ name, coll }) =>
      name === null ? [] : [{ column: name, collation: coll }],
    )
    if (index.partial === 1 || named.length < parts.length) hasOpaqueUnique = true
    else uniques.push(named)
  }
  return { uniques, hasOpaqueUnique }
}

function hasForeignKeyActions(db: DatabaseSync, table: string): boolean {
  const keys = db.prepare(`PRAGMA foreign_key_list(${quoted(table)})`).all() as unknown as readonly {
    readonly on_update: string
    readonly on_delete: string
  }[]
  return keys.some(({ on_update, on_delete }) =>
    [on_update, on_delete].some((action) => action !== 'NO ACTION' && action !== 'RESTRICT'),
  )
}

function isWithoutRowid(db: DatabaseSync, table: string): boolean {
  const row = db.prepare(`SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?`).get(table)
  return (row as { readonly wr: number } | undefined)?.wr === 1
}

/** SQLite's rules for the affinity of a declared type (https://sqlite.org/datatype3.html §3.1), as far as REAL goes. */
const isReal = (type: string): boolean =>
  !/INT|CHAR|CLOB|TEXT|BLOB/i.test(type) && /REAL|FLOA|DOUB/i.test(type)

const isNamed = ({ name }: ColumnInfo, wanted: string): boolean => name.toLowerCase() === wanted.toLowerCase()

const isNoField = (name: string): boolean =>
  name === '' || name === '__proto__' || !name.isWellFormed() || Buffer.byteLength(name) > FIELD_BYTES_MAX
