import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { STORE_BUSY_TIMEOUT_MS, STORE_CHECKED_BYTES_MAX } from '../../core/limits.ts'
import { ok, type Result } from '../../core/result.ts'
import type { StoreFault } from '../store-error.ts'
import { faultOf } from './database.ts'
import { checkVersion, corrupt, type FileHeader, readFileHeader } from './file-header.ts'
import { SCHEMA, SPACE_APPLICATION_ID } from './schema.ts'

/** Whose file it is. */
export interface SpaceIdentity {
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
}

/**
 * Looks at a space's file without changing a byte of it or of its log, and says which space it holds. In this order:
 * 1. the header, as readFileHeader has it;
 * 2. every table, index and view is there, as this program would make it (`STORE_CORRUPT`; further ones are the user's own);
 * 3. files up to STORE_CHECKED_BYTES_MAX pass SQLite's `quick_check` (`STORE_CORRUPT`);
 * 4. one space is written in it (`STORE_CORRUPT`).
 */
export function inspectSpaceFile(file: string): Result<SpaceIdentity, StoreFault> {
  return inspect(file, true)
}

/** The same without the check of every page, for whoever only asks whose file it is: opening it looks at them. */
export function identifySpaceFile(file: string): Result<SpaceIdentity, StoreFault> {
  return inspect(file, false)
}

function inspect(file: string, looksAtPages: boolean): Result<SpaceIdentity, StoreFault> {
  const header = readFileHeader(file, SPACE_APPLICATION_ID)
  if (!header.ok) return header
  try {
    const database = openUntouched(file, header.value)
    try {
      return inspectContent(file, header.value, database, looksAtPages)
    } finally {
      database.close()
    }
  } catch (error) {
    const fault = faultOf(error, file)
    if (fault === null) throw error
    return { ok: false, fault }
  }
}

/**
 * Without a log beside the file, `immutable` keeps SQLite from locking it or making files next to it. With a log, the file
 * alone is not the whole truth: read-only, SQLite reads both and writes to neither.
 */
function openUntouched(file: string, header: FileHeader): DatabaseSync {
  const options = { readOnly: true, timeout: STORE_BUSY_TIMEOUT_MS }
  if (header.hasLog) return new DatabaseSync(file, options)
  const url = pathToFileURL(file)
  url.search = '?immutable=1'
  return new DatabaseSync(url, options)
}

function inspectContent(
  file: string,
  header: FileHeader,
  database: DatabaseSync,
  looksAtPages: boolean,
): Result<SpaceIdentity, StoreFault> {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  const versionFault = checkVersion(file, version)
  if (versionFault !== null) return { ok: false, fault: versionFault }
  const found = new Map(readSchema(database).map(({ name, sql }) => [name, sql]))
  const different = expectedSchema().find(({ name, sql }) => found.get(name) !== sql)
  if (different !== undefined) return corrupt(file, `${different.name} is missing or was altered`)
  if (looksAtPages && header.sizeBytes <= STORE_CHECKED_BYTES_MAX) {
    const [first] = database.prepare('PRAGMA quick_check(1)').all() as { readonly quick_check: string }[]
    if (first?.quick_check !== 'ok') return corrupt(file, first?.quick_check ?? 'the check gave no answer')
  }
  const spaces = database.prepare('SELECT id, key FROM space').all() as { id: Uint8Array; key: Uint8Array }[]
  const [space] = spaces
  if (space === undefined || spaces.length > 1) return corrupt(file, `it names ${spaces.length} spaces`)
  return ok({ spaceId: space.id, spaceKey: space.key })
}

interface SchemaRow {
  readonly name: string
  readonly sql: string
}

/** Names of the tables, indexes and views that every space's file has, in small letters. */
export function namesOfSchema(): ReadonlySet<string> {
  names ??= new Set(expectedSchema().map(({ name }) => name.toLowerCase()))
  return names
}

let expected: readonly SchemaRow[] | null = null
let names: ReadonlySet<string> | null = null

function expectedSchema(): readonly SchemaRow[] {
  if (expected !== null) return expected
  const model = new DatabaseSync(':memory:')
  model.exec(SCHEMA)
  expected = readSchema(model)
  model.close()
  return expected
}

function readSchema(database: DatabaseSync): readonly SchemaRow[] {
  return database
    .prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all() as unknown as SchemaRow[]
}
