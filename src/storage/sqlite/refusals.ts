import { REFUSALS_REMEMBERED_MAX } from '../../core/limits.ts'
import type { Refusal } from '../space-store.ts'
import type { Database, Query } from './database.ts'

/** The latest refusals, one for each id, and how many there ever were of each code. */
export class Refusals {
  readonly #find: Query<[Uint8Array], [string, string, string, number]>
  readonly #remove: Query<[Uint8Array]>
  readonly #insert: Query<[Uint8Array, string, string, string, number]>
  readonly #removeOldest: Query<[]>
  readonly #countRemembered: Query<[], [number]>
  readonly #increment: Query<[string]>
  readonly #counts: Query<[], [string, number]>
  #remembered = 0

  constructor(database: Database) {
    this.#find = database.query('SELECT code, detail, peer, time FROM refused WHERE id = ?')
    this.#remove = database.query('DELETE FROM refused WHERE id = ?')
    this.#insert = database.query('INSERT INTO refused (id, code, detail, peer, time) VALUES (?, ?, ?, ?, ?)')
    this.#removeOldest = database.query(
      'DELETE FROM refused WHERE refusal = (SELECT min(refusal) FROM refused)',
    )
    this.#countRemembered = database.query('SELECT count(*) FROM refused')
    this.#increment = database.query(
      'INSERT INTO refusal_counts VALUES (?, 1) ON CONFLICT (code) DO UPDATE SET count = count + 1',
    )
    this.#counts = database.query('SELECT code, count FROM refusal_counts')
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#remembered = (this.#countRemembered.get() as [number])[0]
  }

  refusal(id: Uint8Array): Refusal | undefined {
    const row = this.#find.get(id)
    if (row === undefined) return undefined
    const [code, detail, peer, timeMs] = row
    return { id, code, detail, peer, timeMs }
  }

  counts(): ReadonlyMap<string, number> {
    return new Map(this.#counts.all())
  }

  put({ id, code, detail, peer, timeMs }: Refusal): void {
    this.#remembered -= Number(this.#remove.run(id).changes)
    this.#insert.run(id, code, detail, peer, timeMs)
    this.#remembered++
    if (this.#remembered > REFUSALS_REMEMBERED_MAX)
      this.#remembered -= Number(this.#removeOldest.run().changes)
    this.#increment.run(code)
  }
}
