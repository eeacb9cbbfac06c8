import type { Mask } from '../space-store.ts'
import type { Database, Query } from './database.ts'

/** Which operations are masked, whole in memory: some 50 bytes each, and there are none until somebody revokes. */
export class Masks {
  readonly #all: Query<[], [number, number]>
  readonly #put: Query<[number, number]>
  readonly #remove: Query<[number]>
  readonly #severed = new Map<number, boolean>()

  constructor(database: Database) {
    this.#all = database.query('SELECT ordinal, severed FROM masks')
    this.#put = database.query('INSERT OR REPLACE INTO masks VALUES (?, ?)')
    this.#remove = database.query('DELETE FROM masks WHERE ordinal = ?')
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#severed.clear()
    for (const [ordinal, severed] of this.#all.all()) this.#severed.set(ordinal, severed === 1)
  }

  of(ordinal: number): Mask | undefined {
    const isSevered = this.#severed.get(ordinal)
    return isSevered === undefined ? undefined : { isSevered }
  }

  ordinals(): Iterable<number> {
    return this.#severed.keys()
  }

  put(ordinal: number, mask: Mask | null): void {
    if (mask === null) {
      if (this.#severed.delete(ordinal)) this.#remove.run(ordinal)
      return
    }
    this.#severed.set(ordinal, mask.isSevered)
    this.#put.run(ordinal, mask.isSevered ? 1 : 0)
  }
}
