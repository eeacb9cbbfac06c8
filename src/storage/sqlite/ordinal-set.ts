import type { Database, Query } from './database.ts'
import { Ordinals } from './ordinals.ts'

/**
 * A set of ordinals that is kept whole in memory and written when a transaction commits: a batch of a thousand operations of one
 * author changes its head a thousand times and writes it once. Iterates ascending, since ordinals are added ascending.
 */
export class OrdinalSet {
  readonly #all: Query<[], [number]>
  readonly #insert: Query<[number]>
  readonly #remove: Query<[number]>
  readonly #replace: Query<[added: number, removed: number]>
  #values = new Ordinals()
  #added = new Ordinals()
  #removed: number[] = []

  /** @param table - has the one column `ordinal` */
  constructor(database: Database, table: 'log_heads' | 'frontier') {
    this.#all = database.query(`SELECT ordinal FROM ${table} ORDER BY ordinal`)
    this.#insert = database.query(`INSERT INTO ${table} VALUES (?)`)
    this.#remove = database.query(`DELETE FROM ${table} WHERE ordinal = ?`)
    this.#replace = database.query(`UPDATE ${table} SET ordinal = ? WHERE ordinal = ?`)
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#values = new Ordinals()
    for (const [ordinal] of this.#all.all()) this.#values.add(ordinal)
    this.#added = new Ordinals()
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
    const removed = this.#removed
    // Mostly one takes the place of one.
    for (const ordinal of this.#added) {
      const replaced = removed.pop()
      if (replaced === undefined) this.#insert.run(ordinal)
      else this.#replace.run(ordinal, replaced)
    }
    for (const ordinal of removed) this.#remove.run(ordinal)
    this.#added = new Ordinals()
    this.#removed = []
  }
}
