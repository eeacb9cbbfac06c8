import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { NotFoundError } from '@libp2p/interface'
import { BaseDatastore } from 'datastore-core/base'
import { type Batch, Key, type KeyQuery, type Pair, type Query } from 'interface-datastore'
import { DATASTORE_PAGE_ROWS, STORE_BUSY_TIMEOUT_MS } from '../core/limits.ts'
import { ok, type Result } from '../core/result.ts'
import { faultOf } from './sqlite/database.ts'
import { readFileHeader, sizeOf } from './sqlite/file-header.ts'
import { NODE_APPLICATION_ID, NODE_SCHEMA_VERSION } from './sqlite/schema.ts'
import type { StoreFault } from './store-error.ts'

/** Opens or makes the node's own file; one that is not ours or newer than us is refused and left untouched. */
export function openSqliteDatastore(file: string): Result<SqliteDatastore, StoreFault> {
  if (sizeOf(file) > 0) {
    const header = readFileHeader(file, NODE_APPLICATION_ID)
    if (!header.ok) return header
  }
  try {
    return ok(new SqliteDatastore(file))
  } catch (error) {
    const fault = faultOf(error, file)
    if (fault === null) throw error
    return { ok: false, fault }
  }
}

/**
 * What libp2p keeps (peer store, certificates) in one table of the node's own SQLite file. Reason: one file for the node that any
 * SQLite client can read, and no native module, which the level and LMDB datastores would bring.
 *
 * Not synced to disk at every write, since all of it can be learned again; the node's own notes are.
 */
export class SqliteDatastore extends BaseDatastore {
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #get: StatementSync
  readonly #delete: StatementSync
  readonly #pageFrom: StatementSync
  readonly #pageAfter: StatementSync

  /** Throws SQLite's errors; {@link openSqliteDatastore} looks at the file first. */
  constructor(file: string) {
    super()
    const isNew = sizeOf(file) === 0
    this.#database = new DatabaseSync(file, { timeout: STORE_BUSY_TIMEOUT_MS })
    // Made before the log is switched on: what says whose file it is must be in the file itself, also if the process is killed
    // before the first checkpoint.
    if (isNew) {
      this.#database.exec(`
        BEGIN;
        PRAGMA application_id = ${NODE_APPLICATION_ID};
        PRAGMA user_version = ${NODE_SCHEMA_VERSION};
        CREATE TABLE datastore (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
        COMMIT;`)
    }
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO datastore VALUES (?, ?)')
    this.#get = this.#database.prepare('SELECT value FROM datastore WHERE key = ?')
    this.#delete = this.#database.prepare('DELETE FROM datastore WHERE key = ?')
    const asArrays = { returnArrays: true }
    const page = (from: string) => `SELECT key, value FROM datastore WHERE key ${from} ? ORDER BY key LIMIT ?`
    this.#pageFrom = this.#database.prepare(page('>='), asArrays)
    this.#pageAfter = this.#database.prepare(page('>'), asArrays)
  }

  override put(key: Key, value: Uint8Array): Key {
    this.#put.run(key.toString(), value)
    return key
  }

  override get(key: Key): Uint8Array {
    const row = this.#get.get(key.toString())
    if (row === undefined) throw new NotFoundError(`nothing is stored under ${key.toString()}`)
    return row['value'] as Uint8Array
  }

  override has(key: Key): boolean {
    return this.#get.get(key.toString()) !== undefined
  }

  override delete(key: Key): void {
    this.#delete.run(key.toString())
  }

  /** Keeps a note of the node's own under a key that libp2p does not use; on disk when this returns. */
  putNote(key: string, value: Uint8Array): void {
    this.#database.exec('PRAGMA synchronous = FULL')
    this.#put.run(key, value)
    this.#database.exec('PRAGMA synchronous = NORMAL')
  }

  /** What was kept last under that key. */
  note(key: string): Uint8Array | undefined {
    return this.#get.get(key)?.['value'] as Uint8Array | undefined
  }

  /** All of a batch or nothing. */
  override batch(): Batch {
    const writes: (() => void)[] = []
    return {
      put: (key, value) => void writes.push(() => this.put(key, value)),
      delete: (key) => void writes.push(() => this.delete(key)),
      commit: () => {
        this.#database.exec('BEGIN IMMEDIATE')
        try {
          for (const write of writes.splice(0)) write()
          this.#database.exec('COMMIT')
        } catch (error) {
          this.#database.exec('ROLLBACK')
          throw error
        }
      },
    }
  }

  override *_all(query: Query): Generator<Pair> {
    for (const [key, value] of this.#rows(query.prefix)) yield { key: new Key(key, false), value }
  }

  override *_allKeys(query: KeyQuery): Generator<Key> {
    for (const [key] of this.#rows(query.prefix)) yield new Key(key, false)
  }

  close(): void {
    this.#database.close()
  }

  /** Ascending by key, a page at a time: a consumer may write, or take its time, between two rows. */
  *#rows(prefix = ''): Generator<[string, Uint8Array]> {
    // A key equal to the prefix counts, so the first page begins with it; the others begin after the last key.
    let rows = this.#pageFrom.all(prefix, DATASTORE_PAGE_ROWS) as unknown as [string, Uint8Array][]
    for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
      for (const row of rows) {
        if (!row[0].startsWith(prefix)) return
        yield row
      }
      rows = this.#pageAfter.all(last[0], DATASTORE_PAGE_ROWS) as unknown as [string, Uint8Array][]
    }
  }
}
