import type { Database, Query } from './database.ts'

/**
 * A set of ordinals that is kept whole in memory and written when a transaction commits: a batch of a thousand operations of one
 * author changes its head a thousand times and writes it once. Iterates ascending, since ordinals are added ascending.
 */
export class OrdinalSet {
  readonly #all: Query<[], [number]>
  readonly #insert: Query<[number]>
  readonly #remove: Query<[number]>
  #values = new Set<number>()
  #added = new Set<number>()
  #removed: number[] = []

  /** @param table - has the one column `ordinal` */
  constructor(database: Database, table: 'log_heads' | 'frontier') {
    this.#all = database.query(`SELECT ordinal FROM ${table} ORDER BY ordinal`)
    this.#insert = database.query(`INSERT INTO ${table} VALUES (?)`)
    this.#remove = database.query(`DELETE FROM ${table} WHERE ordinal = ?`)
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#values = new Set(this.#all.all().map(([ordinal]) => ordinal))
    this.#added = new Set()
    this.#removed = []
  }

  values(): Iterable<number> {
    return this.#values
  }

  /** True where it holds that one ordinal and no other. */
  isOnly(ordinal: number): boolean {
    return this.#values.size === 1 && this.#values.has(ordinal)
  }

  /** Adds an ordinal greater than any before. */
  add(ordinal: number): void {
    this.#values.add(ordinal)
    this.#added.add(ordinal)
  }

  delete(ordinal: number): void {
    if (!this.#values.delete(ordinal)) return
    if (!this.#added.delete(ordinal)) this.#removed.push(ordinal)
  }

  /** Writes what changed since the last time. */
  flush(): void {
    for (const ordinal of this.#removed) this.#remove.run(ordinal)
    for (const ordinal of this.#added) this.#insert.run(ordinal)
    this.#added.clear()
    this.#removed = []
  }
}
