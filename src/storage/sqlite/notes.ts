import type { Database, Query } from './database.ts'

/** Small values by name. */
export class Notes {
  readonly #find: Query<[string], [Uint8Array]>
  readonly #replace: Query<[string, Uint8Array]>

  constructor(database: Database) {
    this.#find = database.query('SELECT value FROM notes WHERE name = ?')
    this.#replace = database.query('INSERT OR REPLACE INTO notes VALUES (?, ?)')
  }

  note(name: string): Uint8Array | undefined {
    return this.#find.get(name)?.[0]
  }

  put(name: string, value: Uint8Array): void {
    this.#replace.run(name, value)
  }
}
