import type { Turn } from '../space-store.ts'
import type { Database, Query } from './database.ts'

/** What changed operations after their admission, in order. */
export class Turns {
  readonly #from: Query<[number, number], [number, number, number, Turn['kind']]>
  readonly #insert: Query<[number, number, string]>

  constructor(database: Database) {
    this.#from = database.query(
      'SELECT turn, at, ordinal, kind FROM turns WHERE turn >= ? ORDER BY turn LIMIT ?',
    )
    this.#insert = database.query('INSERT INTO turns SELECT coalesce(max(turn) + 1, 0), ?, ?, ? FROM turns')
  }

  from(turn: number, limit: number): readonly Turn[] {
    return this.#from
      .all(turn, limit)
      .map(([number, at, ordinal, kind]) => ({ turn: number, at, ordinal, kind }))
  }

  put(at: number, ordinal: number, kind: Turn['kind']): void {
    this.#insert.run(at, ordinal, kind)
  }
}
