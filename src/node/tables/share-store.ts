import { utf8 } from '../../core/bytes.ts'
import type { SqlValue } from './sql-value.ts'
import type { Statements } from './statements.ts'
import { decodeRowState, encodeRowState, type RowState } from './row-state.ts'

/** Why a row is not the same in table and space. */
export interface Conflict {
  /** The primary key, as the path below the prefix. */
  readonly key: string
  /** `in`: the table does not take the space's row. `out`: the space does not take the table's. */
  readonly direction: 'in' | 'out'
  readonly code: string
  readonly detail: string
}

interface ShareRecord {
  /** Columns shared when table and space were last compared whole, as JSON. */
  readonly columns: string
  /** Up to where everything of the space was applied; empty where it has to be compared whole. */
  readonly cursor: string
  /** Fields of rows for which the table has no column, as JSON. */
  readonly outdated: string
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const textOf = (value: SqlValue | undefined): string =>
  value instanceof Uint8Array ? decoder.decode(value) : String(value ?? '')

/**
 * What Hanse keeps of a shared table in the user's database, beside the table: so that it is written in the transaction that writes the rows, and a
 * database put back from a backup goes on from where it was then.
 */
export class ShareStore {
  readonly #sql: Statements
  readonly number: number

  constructor(statements: Statements, number: number) {
    this.#sql = statements
    this.number = number
  }

  record(): ShareRecord {
    const row = this.#sql.first(
      'SELECT columns, cursor, outdated FROM _hanse_tables WHERE number = ?',
      this.number,
    )
    return { columns: textOf(row?.[0]), cursor: textOf(row?.[1]), outdated: textOf(row?.[2]) }
  }

  put(field: keyof ShareRecord, value: string): void {
    this.#sql.run(
      `UPDATE _hanse_tables SET ${field} = ?1 WHERE number = ?2 AND ${field} <> ?1`,
      value,
      this.number,
    )
  }

  state(key: string): RowState | undefined {
    const row = this.#sql.first(
      'SELECT state FROM _hanse_rows WHERE number = ? AND key = ?',
      this.number,
      utf8(key),
    )
    return row === undefined ? undefined : decodeRowState(row[0] as Uint8Array)
  }

  putState(key: string, state: RowState | undefined): void {
    if (state === undefined)
      this.#sql.run('DELETE FROM _hanse_rows WHERE number = ? AND key = ?', this.number, utf8(key))
    else
      this.#sql.run(
        'INSERT OR REPLACE INTO _hanse_rows VALUES (?, ?, ?)',
        this.number,
        utf8(key),
        encodeRowState(state),
      )
  }

  /** Remembered rows after a key, in the order of UTF-8 bytes, at most `limit`. */
  states(after: string, limit: number): readonly { readonly key: string; readonly state: RowState }[] {
    const sql = 'SELECT key, state FROM _hanse_rows WHERE number = ? AND key > ? ORDER BY key LIMIT ?'
    return this.#sql
      .all(sql, this.number, utf8(after), limit)
      .map(([key, state]) => ({ key: textOf(key), state: decodeRowState(state as Uint8Array) }))
  }

  putConflict({ key, direction, code, detail }: Conflict): void {
    const sql = 'INSERT OR REPLACE INTO _hanse_conflicts VALUES (?, ?, ?, ?, ?)'
    this.#sql.run(sql, this.number, utf8(key), direction, code, detail)
  }

  /** True where there was one. */
  clearConflict(key: string, direction: Conflict['direction']): boolean {
    const sql = 'DELETE FROM _hanse_conflicts WHERE number = ? AND key = ? AND direction = ?'
    return this.#sql.run(sql, this.number, utf8(key), direction) > 0
  }

  /** True where the space does not take the row. */
  isRefusedBySpace(key: string): boolean {
    const sql = `SELECT 1 FROM _hanse_conflicts WHERE number = ? AND key = ? AND direction = 'out'`
    return this.#sql.first(sql, this.number, utf8(key)) !== undefined
  }

  /** Conflicts after a key, at most `limit`. */
  conflicts(after: string, limit: number): readonly Conflict[] {
    const sql =
      'SELECT key, direction, code, detail FROM _hanse_conflicts WHERE number = ? AND key > ? ORDER BY key LIMIT ?'
    return this.#sql.all(sql, this.number, utf8(after), limit).map(([key, direction, code, detail]) => ({
      key: textOf(key),
      direction: direction === 'in' ? 'in' : 'out',
      code: textOf(code),
      detail: textOf(detail),
    }))
  }

  conflictCount(): number {
    return Number(this.#sql.first('SELECT count(*) FROM _hanse_conflicts WHERE number = ?', this.number)?.[0])
  }
}
