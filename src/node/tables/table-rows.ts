import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { Row } from './merge-row.ts'
import { isSameKey, type KeyValues } from './row-key.ts'
import { type SqlValue, toFieldValue, toSqlValue } from './sql-value.ts'
import type { Statements } from './statements.ts'
import { quoted, type TableSchema } from './table-schema.ts'

/** Reads and writes single rows of a shared table by their primary key. Errors of SQLite are passed on. */
export class TableRows {
  readonly #statements: Statements
  readonly #schema: TableSchema
  readonly #names: readonly string[]
  readonly #where: string

  constructor(statements: Statements, schema: TableSchema) {
    this.#statements = statements
    this.#schema = schema
    this.#names = [...schema.columns.key, ...schema.columns.others]
    this.#where = schema.columns.key.map((column) => `${quoted(column)} = ?`).join(' AND ')
  }

  /** The row of exactly that key: one whose key is equal only to the column's collation is another. */
  read(values: KeyValues): Row | undefined {
    const columns = this.#names.map(quoted).join(', ')
    const found = this.#statements
      .all(`SELECT ${columns} FROM ${this.#table} WHERE ${this.#where}`, ...values)
      .find((row) => isSameKey(row.slice(0, values.length), values))
    return found === undefined ? undefined : this.#toRow(found)
  }

  /** True where a column of a row holds what the table gives by itself. */
  isDefault(values: KeyValues, column: string): boolean {
    const isSame = `SELECT ${quoted(column)} IS (${this.#defaultOf(column)}) FROM ${this.#table} WHERE ${this.#where}`
    try {
      return this.#statements.first(isSame, ...values)?.[0] === 1n
    } catch {
      // A default that is not the same twice, or that only the program can work out.
      return false
    }
  }

  delete(values: KeyValues): void {
    this.#statements.run(`DELETE FROM ${this.#table} WHERE ${this.#where}`, ...values)
  }

  /** Inserts a row; columns that `set` does not name take their defaults. `KEPT_AS_ANOTHER` where the table keeps its key as another. */
  insert(values: KeyValues, set: ReadonlyMap<string, unknown>): Result<void> {
    const { key } = this.#schema.columns
    const others = this.#schema.columns.others.filter((column) => set.has(column))
    const given = this.#sqlValues(others, set)
    if (!given.ok) return given
    const columns = [...key, ...others].map(quoted)
    const marks = columns.map(() => '?').join(', ')
    const sql = `INSERT INTO ${this.#table} (${columns.join(', ')}) VALUES (${marks}) RETURNING ${key.map(quoted).join(', ')}`
    const inserted = this.#statements.all(sql, ...values, ...given.value)[0]
    if (inserted === undefined) return fail('IGNORED', 'a trigger of the table left the row out')
    if (isSameKey(inserted, values)) return ok(undefined)
    return fail(
      'KEPT_AS_ANOTHER',
      'the table keeps this primary key as another: its columns are of another type here',
    )
  }

  /** Sets columns of a row that is there; undefined: to the default. */
  update(values: KeyValues, set: ReadonlyMap<string, unknown>): Result<void> {
    const given = this.#sqlValues(
      [...set.keys()].filter((column) => set.get(column) !== undefined),
      set,
    )
    if (!given.ok) return given
    const assignments = [...set].map(([column, value]) =>
      value === undefined ? `${quoted(column)} = (${this.#defaultOf(column)})` : `${quoted(column)} = ?`,
    )
    const sql = `UPDATE ${this.#table} SET ${assignments.join(', ')} WHERE ${this.#where}`
    this.#statements.run(sql, ...given.value, ...values)
    return ok(undefined)
  }

  get #table(): string {
    return quoted(this.#schema.table)
  }

  #toRow(values: readonly SqlValue[]): Row {
    return new Map(
      this.#names.map((name, index) => [
        name,
        toFieldValue(values[index] ?? null, this.#schema.reals.has(name)),
      ]),
    )
  }

  #sqlValues(
    columns: readonly string[],
    set: ReadonlyMap<string, unknown>,
  ): Result<readonly SqlValue[], Fault<'NO_SQL_VALUE'>> {
    const values: SqlValue[] = []
    for (const column of columns) {
      const value = toSqlValue(set.get(column))
      if (!value.ok) return value
      values.push(value.value)
    }
    return ok(values)
  }

  #defaultOf(column: string): string {
    return this.#schema.defaults.get(column) ?? 'NULL'
  }
}
