import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'
import { faultOf } from './database.ts'

/** One thing that waits, with its place in the order in which it is asked for again. */
export interface Waiting {
  readonly rank: number
  /** The place where it was found; tells things of one rank apart. */
  readonly place: number
  readonly bytes: Uint8Array
}

/**
 * Things put aside in any order and taken out ascending by (rank, place), each once. They are in a file that nobody else sees and that is gone
 * when it is closed, however the process ends; a few MiB are in memory, however many there are. Throws a StoreError where the disk
 * is full.
 */
export class WaitingSpool {
  readonly #database = new DatabaseSync('')
  readonly #insert: StatementSync
  readonly #next: StatementSync
  #size = 0

  constructor() {
    this.#database.exec(`
      PRAGMA journal_mode = OFF;
      PRAGMA synchronous = OFF;
      PRAGMA cache_size = -4096;
      CREATE TABLE waiting (rank INTEGER, place INTEGER, bytes BLOB, PRIMARY KEY (rank, place)) WITHOUT ROWID;`)
    this.#insert = this.#database.prepare('INSERT INTO waiting VALUES (?, ?, ?)')
    this.#next = this.#database.prepare(
      'SELECT rank, place, bytes FROM waiting WHERE (rank, place) > (?, ?) ORDER BY rank, place LIMIT ?',
    )
  }

  get size(): number {
    return this.#size
  }

  add({ rank, place, bytes }: Waiting): void {
    explained(() => this.#insert.run(rank, place, bytes))
    this.#size++
  }

  /** What comes after a place in the order, at most `limit`. */
  after(last: Pick<Waiting, 'rank' | 'place'> | null, limit: number): readonly Waiting[] {
    const { rank, place } = last ?? { rank: -1, place: -1 }
    return explained(() => this.#next.all(rank, place, limit) as unknown as readonly Waiting[])
  }

  close(): void {
    this.#database.close()
  }
}

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const fault = faultOf(error, 'a temporary file')
    if (fault === null) throw error
    throw new StoreError(fault, error)
  }
}
