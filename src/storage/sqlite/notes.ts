import type { Database, Query } from './database.ts'

/** Small values by name, each in memory from when it is first read: some are asked for at every operation. The names are ours, and few. */
export class Notes {
  readonly #find: Query<[string], [Uint8Array]>
  readonly #replace: Query<[string, Uint8Array]>
  readonly #read = new Map<string, Uint8Array | undefined>()

  constructor(database: Database) {
    this.#find = database.query('SELECT value FROM notes WHERE name = ?')
    this.#replace = database.query('INSERT OR REPLACE INTO notes VALUES (?, ?)')
  }

  /** Forgets what was not written: after a transaction that failed. */
  load(): void {
    this.#read.clear()
  }

  note(name: string): Uint8Array | undefined {
    const known = this.#read.get(name)
    if (known !== undefined || this.#read.has(name)) return known
    const value = this.#find.get(name)?.[0]
    this.#read.set(name, value)
    return value
  }

  put(name: string, value: Uint8Array): void {
    this.#read.delete(name)
    this.#replace.run(name, value)
  }
}
