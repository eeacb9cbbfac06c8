import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { STORE_BUSY_TIMEOUT_MS, STORE_PAGE_CACHE_KIB } from '../../core/limits.ts'
import { StoreError, type StoreFault } from '../store-error.ts'

/** A prepared statement with the types of what goes in and of the columns that come out. */
export interface Query<P extends readonly SQLInputValue[], R extends readonly unknown[] = never> {
  get(...parameters: P): R | undefined
  all(...parameters: P): R[]
  run(...parameters: P): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint }
}

/**
 * One open SQLite file, for writing by this process alone. Other programs may read it meanwhile (`hanse sql`, any client),
 * which is why the locking mode stays NORMAL.
 *
 * Durability. In WAL mode a commit appends to the log file. `synchronous=NORMAL` leaves it to the operating system when that
 * reaches the disk: a killed process loses nothing, a power cut may lose the last commits, and never more than a tail of
 * them. `FULL` syncs the log file before the commit returns; as the log is one file written in order, that also makes
 * every earlier commit durable. So a `power` transaction needs FULL for itself alone.
 */
export class Database {
  /** Where it lies. */
  readonly file: string
  readonly #db: DatabaseSync
  readonly #dataVersion: Query<[], [number]>
  readonly #begin: Query<[]>
  readonly #commit: Query<[]>
  #durability: 'power' | 'process' = 'process'
  readonly #lastDataVersion: number

  /** Opens a file that is known to be ours. Throws SQLite's errors. */
  constructor(file: string) {
    this.file = file
    this.#db = new DatabaseSync(file, { timeout: STORE_BUSY_TIMEOUT_MS })
    try {
      this.#db.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA cache_size = -${STORE_PAGE_CACHE_KIB};
        PRAGMA temp_store = MEMORY;
        PRAGMA cell_size_check = ON;
        PRAGMA trusted_schema = OFF;`)
      this.#dataVersion = this.query('PRAGMA data_version')
      this.#begin = this.query('BEGIN IMMEDIATE')
      this.#commit = this.query('COMMIT')
      this.#lastDataVersion = this.#readDataVersion()
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Prepares a statement once; rows come as arrays. The types are the caller's claim about its own SQL. */
  query<P extends readonly SQLInputValue[], R extends readonly unknown[] = never>(sql: string): Query<P, R> {
    return this.#db.prepare(sql, { returnArrays: true }) as unknown as Query<P, R>
  }

  /**
   * Begins to write. Throws a StoreError when another program holds the file for longer than STORE_BUSY_TIMEOUT_MS, or has
   * written to it: what we keep in memory would not be true any more.
   */
  begin(durability: 'power' | 'process'): void {
    if (durability !== this.#durability) {
      this.#db.exec(`PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`)
      this.#durability = durability
    }
    this.#begin.run()
    if (this.#readDataVersion() === this.#lastDataVersion) return
    this.rollback()
    throw new StoreError({
      code: 'STORE_IO',
      detail: `another program has written to ${this.file} while it was open here; stop the other one and start again`,
    })
  }

  /** The same file once more, in a transaction that only reads: it sees what is there when it reads first, for as long as it is open. */
  openMoment(): Database {
    const moment = new Database(this.file)
    moment.#db.exec('BEGIN')
    return moment
  }

  commit(): void {
    this.#commit.run()
  }

  /** Takes back what was written since `begin`, where SQLite has not done so itself (it does when the disk is full). */
  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  /** Turns SQLite's errors into a StoreError that says what to do; anything else stays as it is. */
  explain(error: unknown): unknown {
    const fault = faultOf(error, this.file)
    return fault === null ? error : new StoreError(fault, error)
  }

  close(): void {
    this.#db.close()
  }

  /** Changes only when another connection commits. */
  #readDataVersion(): number {
    return (this.#dataVersion.get() as [number])[0]
  }
}

const SQLITE_PERM = 3
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_READONLY = 8
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_CANTOPEN = 14
const SQLITE_NOTADB = 26

/** What an error of SQLite means for the user; null where it is not one. */
export function faultOf(error: unknown, file: string): StoreFault | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  switch (error.errcode & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
        code: 'STORE_IO',
        detail: `another program has held ${file} locked for ${STORE_BUSY_TIMEOUT_MS} ms; close it and try again`,
      }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {
        code: 'STORE_CORRUPT',
        detail: `${file} is damaged (${error.message}); move it away and join the space again, or restore a backup`,
      }
    case SQLITE_FULL:
      return { code: 'STORE_IO', detail: `the disk of ${file} is full; free some space and try again` }
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return {
        code: 'STORE_IO',
        detail: `${file} cannot be opened for writing (${error.message}); check that it and its folder are writable`,
      }
    default:
      return { code: 'STORE_IO', detail: `${file}: ${error.message}; check the disk` }
  }
}
