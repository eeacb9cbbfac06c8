import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { TABLE_BUSY_TIMEOUT_MS } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { NODE_APPLICATION_ID, SPACE_APPLICATION_ID } from '../../storage/sqlite/schema.ts'
import { Statements } from './statements.ts'

const SQLITE_ERROR = 1
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_READONLY = 8
const SQLITE_TOOBIG = 18
const SQLITE_CONSTRAINT = 19
const SQLITE_MISMATCH = 20
const SQLITE_NOTADB = 26

/**
 * A user's database, opened as one program among others: its journal mode and settings stay as they are, a lock that another program holds is waited for
 * only shortly (the event loop stands still meanwhile), and nothing is made where there is no file. Foreign keys are enforced.
 */
export class TableFile {
  readonly path: string
  readonly db: DatabaseSync
  readonly statements: Statements
  readonly #inode: bigint
  #dataVersion: bigint | null = null
  #schemaVersion: bigint | null = null

  private constructor(path: string, db: DatabaseSync) {
    this.path = path
    this.db = db
    this.statements = new Statements(db)
    this.#inode = inodeOf(path)
  }

  /** Faults: `NO_FILE`; `BAD_FILE` for what is no SQLite database, or one of Hanse's own; `BUSY`. */
  static open(path: string): Result<TableFile> {
    if (inodeOf(path) === 0n) return fail('NO_FILE', `there is no file ${path}: has it been moved?`)
    let db: DatabaseSync | null = null
    try {
      // Read-write, and never made: it may go between the look above and now.
      db = new DatabaseSync(new URL(`${pathToFileURL(path).href}?mode=rw`), {
        timeout: TABLE_BUSY_TIMEOUT_MS,
      })
      const { application_id } = db.prepare('PRAGMA application_id').get() as {
        readonly application_id: number
      }
      if (application_id === SPACE_APPLICATION_ID || application_id === NODE_APPLICATION_ID) {
        db.close()
        return fail('BAD_FILE', `${path} is Hanse's own: its content is shared already`)
      }
      return ok(new TableFile(path, db))
    } catch (error) {
      db?.close()
      const fault = faultOf(error, path)
      if (fault === null) throw error
      return { ok: false, fault }
    }
  }

  /** True where another file stands at the path now, or none. */
  get isReplaced(): boolean {
    return inodeOf(this.path) !== this.#inode
  }

  /** True where another connection has committed since this was asked last; true the first time. */
  hasChanged(): boolean {
    const version = this.statements.first('PRAGMA data_version')?.[0] as bigint
    const hasChanged = version !== this.#dataVersion
    this.#dataVersion = version
    return hasChanged
  }

  /** True where the schema, or the application's version of it, may have changed since this was asked last; true the first time. */
  hasNewSchema(): boolean {
    const version = this.statements.first('PRAGMA schema_version')?.[0] as bigint
    const user = this.statements.first('PRAGMA user_version')?.[0] as bigint
    const both = (version << 32n) | BigInt.asUintN(32, user)
    const hasChanged = both !== this.#schemaVersion
    this.#schemaVersion = both
    return hasChanged
  }

  /** Looks at the schema again the next time it is asked about. */
  forgetSchema(): void {
    this.#schemaVersion = null
    this.#dataVersion = null
  }

  /** Does all of `work` or nothing; no other connection writes meanwhile. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.db.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite has rolled back itself where the disk is full, or a trigger said so.
      if (this.db.isTransaction) this.db.exec('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.db.close()
  }
}

/** What an error of SQLite says about one row that was written; null where it is about the database, or no error of SQLite. */
export function rowFaultOf(error: unknown): Fault | null {
  const code = codeOf(error)
  switch (code === null ? null : code & 0xff) {
    case SQLITE_CONSTRAINT:
      return { code: CONSTRAINTS.get(code as number) ?? 'CONSTRAINT', detail: (error as Error).message }
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:
      return { code: 'NOT_TAKEN', detail: (error as Error).message }
    default:
      return null
  }
}

/** What an error of SQLite means for whoever shares the table; null where it is none. */
export function faultOf(error: unknown, path: string): Fault | null {
  const code = codeOf(error)
  if (code === null) return null
  const { message } = error as Error
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return { code: 'BUSY', detail: `another program holds ${path} locked: this is tried again` }
    case SQLITE_NOTADB:
      return { code: 'BAD_FILE', detail: `${path} is no SQLite database` }
    case SQLITE_READONLY:
      return {
        code: 'BAD_FILE',
        detail: `${path} cannot be written to: check that it and its folder are writable`,
      }
    default:
      return { code: 'BAD_FILE', detail: `${path}: ${message}` }
  }
}

/** Extended result codes of constraints (https://sqlite.org/rescode.html), by what users call them. */
const CONSTRAINTS: ReadonlyMap<number, string> = new Map([
  [275, 'CHECK'],
  [787, 'FOREIGN_KEY'],
  [1299, 'NOT_NULL'],
  [1555, 'UNIQUE'],
  [1811, 'TRIGGER'],
  [2067, 'UNIQUE'],
  [2579, 'UNIQUE'],
  [3091, 'DATA_TYPE'],
])

function codeOf(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : null
}

/** 0 where there is no file. */
function inodeOf(path: string): bigint {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat?.isFile() === true ? stat.ino : 0n
}
