import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { TABLE_STATEMENTS_CACHED_MAX } from '../../core/limits.ts'
import type { SqlValue } from './sql-value.ts'

/** Prepared statements of one connection by their text; rows come as arrays, integers as bigints. */
export class Statements {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  all(sql: string, ...parameters: readonly SQLInputValue[]): readonly (readonly SqlValue[])[] {
    return this.#prepare(sql).all(...parameters) as unknown as readonly (readonly SqlValue[])[]
  }

  /** The first row. */
  first(sql: string, ...parameters: readonly SQLInputValue[]): readonly SqlValue[] | undefined {
    return this.#prepare(sql).get(...parameters) as unknown as readonly SqlValue[] | undefined
  }

  /** Gives how many rows were changed. */
  run(sql: string, ...parameters: readonly SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const statement = this.#db.prepare(sql, { returnArrays: true })
    statement.setReadBigInts(true)
    if (this.#prepared.size >= TABLE_STATEMENTS_CACHED_MAX)
      this.#prepared.delete(this.#prepared.keys().next().value as string)
    this.#prepared.set(sql, statement)
    return statement
  }
}
