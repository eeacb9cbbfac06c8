import { FaultError, orThrow } from '../fault-error.ts'
import { Capture, isPrepared, prepareDatabase, removeCapture } from './capture.ts'
import { type Fields, isShown, type Row, stateYielding } from './merge-row.ts'
import { decodeRowKey } from './row-key.ts'
import { areSame } from './row-state.ts'
import type { ShareConfig } from './share-config.ts'
import { fieldsOf, keyAt, type Share, type SharingSpace } from './share.ts'
import { ShareStore } from './share-store.ts'
import { fingerprint } from './sql-value.ts'
import type { TableFile } from './table-file.ts'
import { TableRows } from './table-rows.ts'
import { inspectTable } from './table-schema.ts'

/** A share ready for use, and whether changes on either side may have gone unnoticed until now. */
export interface OpenedShare {
  readonly share: Share
  readonly mustCompare: boolean
}

/**
 * Looks at the schema, and makes in the database what is missing: everything at the beginning, or where the database was put back from before that;
 * triggers where a migration has taken them along. Throws a FaultError: `NO_TABLE`, `BAD_TABLE`, `TAKEN`.
 */
export function openShare(space: SharingSpace, config: ShareConfig, file: TableFile): OpenedShare {
  const schema = orThrow(inspectTable(file.db, config.table, config.columns))
  const { statements } = file
  return file.transaction(() => {
    prepareDatabase(file.db)
    const known = numberOf(file, config)
    const number = known ?? addShare(file, config)
    const store = new ShareStore(statements, number)
    const share: Share = {
      space,
      prefix: config.prefix,
      file,
      schema,
      store,
      rows: new TableRows(statements, schema),
      capture: new Capture(file.db, statements, schema, number),
      outdated: new Set(listIn(store.record().outdated)),
    }
    const hasMade = share.capture.install()
    const columns = JSON.stringify([schema.columns.key, schema.columns.others])
    const before = store.record().columns
    if (before !== '' && keyIn(before) !== JSON.stringify(schema.columns.key)) {
      throw new FaultError({
        code: 'BAD_TABLE',
        detail: `the primary key of ${JSON.stringify(schema.table)} has changed: its rows have other names now; "hanse table remove", then add it again under another --path`,
      })
    }
    const mustCompare = hasMade || before !== columns
    if (known === null && config.prefer === 'space') yieldToSpace(share)
    if (mustCompare) {
      share.capture.markAll()
      markVanished(share)
      store.put('columns', columns)
      store.put('cursor', '')
    }
    return { share, mustCompare }
  })
}

/** Rows that both sides have, with different values in a column that both have. */
export function countDiffering(space: SharingSpace, config: ShareConfig, file: TableFile): number {
  const schema = orThrow(inspectTable(file.db, config.table, config.columns))
  const rows = new TableRows(file.statements, schema)
  let differing = 0
  for (const { row, fields } of commonRows({ space, prefix: config.prefix, schema, rows })) {
    const differs = (column: string) =>
      Object.hasOwn(fields, column) && !areSame(fingerprint(fields[column]), fingerprint(row.get(column)))
    if (schema.columns.others.some(differs)) differing++
  }
  return differing
}

/** Takes what belongs to a share out of a database; nothing where somebody else has taken it over. */
export function releaseShare(file: TableFile, id: string): void {
  release(file, 'share = ?', id)
}

/** Takes what belongs to the share of a table out of a database, whoever shares it. */
export function releaseTable(file: TableFile, table: string): void {
  release(file, 'name = ? COLLATE NOCASE', table)
}

function release(file: TableFile, condition: string, parameter: string): void {
  if (!isPrepared(file.db)) return
  file.transaction(() => {
    const found = file.statements.first(`SELECT number FROM _hanse_tables WHERE ${condition}`, parameter)
    if (found !== undefined) removeCapture(file.db, Number(found[0]))
  })
}

/** Marks the rows that are remembered and not in the table any more. */
export function markVanished({ store, rows, capture, schema }: Share): void {
  let after = ''
  for (;;) {
    const page = store.states(after, VANISHED_PAGE)
    for (const { key } of page) {
      const values = decodeRowKey(key, schema.columns.key.length)
      if (values.ok && rows.read(values.value) === undefined) capture.mark(values.value)
    }
    const last = page.at(-1)
    if (last === undefined) return
    after = last.key
  }
}

const VANISHED_PAGE = 1_000

/** The number of the share in the database; null where it is not noted there. Throws `TAKEN`. */
function numberOf({ statements, path }: TableFile, { id, table }: ShareConfig): number | null {
  const own = statements.first('SELECT number FROM _hanse_tables WHERE share = ?', id)
  if (own !== undefined) return Number(own[0])
  const other = statements.first('SELECT number FROM _hanse_tables WHERE name = ? COLLATE NOCASE', table)
  if (other === undefined) return null
  throw new FaultError({
    code: 'TAKEN',
    detail: `${JSON.stringify(table)} of ${path} is shared already, by another node or in another space: remove it there first ("hanse table remove"), or, where that node is no more, add it with --take-over`,
  })
}

function addShare({ statements }: TableFile, { id, table }: ShareConfig): number {
  statements.run('INSERT INTO _hanse_tables (share, name) VALUES (?, ?)', id, table)
  return Number(statements.first('SELECT number FROM _hanse_tables WHERE share = ?', id)?.[0])
}

function yieldToSpace(share: Share): void {
  for (const { key, row, fields } of commonRows(share))
    share.store.putState(key, stateYielding(share.schema.columns, row, fields))
}

function* commonRows({
  space,
  prefix,
  schema,
  rows,
}: Pick<Share, 'space' | 'prefix' | 'schema' | 'rows'>): Generator<{
  readonly key: string
  readonly row: Row
  readonly fields: Fields
}> {
  for (const { path, type } of space.list(prefix)) {
    const key = type === 'map' ? keyAt(prefix, path) : null
    const values = key === null ? null : decodeRowKey(key, schema.columns.key.length)
    if (key === null || values?.ok !== true) continue
    const row = rows.read(values.value)
    const fields = fieldsOf({ space, prefix }, key)
    if (row !== undefined && isShown(schema.columns, fields)) yield { key, row, fields }
  }
}

function listIn(json: string): readonly string[] {
  return json === '' ? [] : (JSON.parse(json) as readonly string[])
}

const keyIn = (columns: string): string => JSON.stringify((JSON.parse(columns) as readonly unknown[])[0])
