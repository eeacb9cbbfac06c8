import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fail, ok, type Result } from '../../core/result.ts'
import type { BlobStore } from '../blob-store.ts'
import type { StoreFault } from '../store-error.ts'
import { BLOB_SCHEMA, BLOBS_APPLICATION_ID } from './blob-schema.ts'
import { syncFolder } from './create.ts'
import { Database, faultOf } from './database.ts'
import { readFileHeader, sizeOf } from './file-header.ts'
import { NODE_SCHEMA_VERSION } from './schema.ts'
import { SqliteBlobStore } from './sqlite-blob-store.ts'

/** Bytes of a page: a chunk takes sixteen and some, with SQLite's own 4 KiB 65; larger ones are written whole for each small piece. */
const PAGE_BYTES = 16_384

/** Which file, and how much it may hold. */
export interface SqliteBlobStoreOptions {
  readonly file: string
  /** Bytes of all pieces together. */
  readonly quotaBytes: number
}

/**
 * Opens the file of a node's blobs, or makes it. One that is not ours, damaged or newer than us is refused and left untouched. One process
 * at a time writes it, as with a space's file.
 */
export function openSqliteBlobStore({
  file,
  quotaBytes,
}: SqliteBlobStoreOptions): Result<BlobStore, StoreFault> {
  try {
    if (!existsSync(file)) {
      if (sizeOf(`${file}-wal`) > 0)
        return fail(
          'STORE_CORRUPT',
          `${file} is gone, but its log ${file}-wal is still there: move that away too`,
        )
      createFile(file)
    }
    const header = readFileHeader(file, BLOBS_APPLICATION_ID)
    if (!header.ok) return header.fault.code === 'STORE_CORRUPT' ? damaged(file, header.fault.detail) : header
    const database = new Database(file)
    try {
      return ok(new SqliteBlobStore(database, quotaBytes))
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    const fault = faultOf(error, file)
    if (fault === null) throw error
    return { ok: false, fault }
  }
}

/** What is lost can be fetched again, so nobody has to join again for it. */
function damaged(file: string, detail: string) {
  const [why = ''] = detail.split('. It was left')
  return fail(
    'STORE_CORRUPT',
    `${why}. It was left as it is; move ${file} away: what others have is fetched again from them`,
  )
}

/** Under a name of its own first, and renamed when it is whole and on disk. */
function createFile(file: string): void {
  const unfinished = `${file}.new`
  for (const ending of ['', '-wal', '-shm']) rmSync(unfinished + ending, { force: true })
  const database = new DatabaseSync(unfinished)
  try {
    database.exec(`
      PRAGMA page_size = ${PAGE_BYTES};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      BEGIN;
      PRAGMA application_id = ${BLOBS_APPLICATION_ID};
      PRAGMA user_version = ${NODE_SCHEMA_VERSION};
      ${BLOB_SCHEMA}
      COMMIT;`)
  } finally {
    database.close()
  }
  renameSync(unfinished, file)
  syncFolder(dirname(file))
}
