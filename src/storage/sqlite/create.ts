import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StoreFault } from '../store-error.ts'
import { corrupt, sizeOf } from './file-header.ts'
import type { SpaceIdentity } from './inspect.ts'
import { SCHEMA, SCHEMA_VERSION, SPACE_APPLICATION_ID } from './schema.ts'

/**
 * Makes the file of a new space under a name of its own and renames it when it is whole and on disk, so that a file of the right
 * name is never half made. A log without its file is refused: SQLite would take it for the new file's. Throws the errors of
 * SQLite and of the file system.
 */
export function createSpaceFile(file: string, { spaceId, spaceKey }: SpaceIdentity): StoreFault | null {
  if (sizeOf(`${file}-wal`) > 0)
    return corrupt(file, `it is gone, but its log ${file}-wal is still there`).fault
  const unfinished = `${file}.new`
  for (const ending of ['', '-wal', '-shm']) rmSync(unfinished + ending, { force: true })
  const database = new DatabaseSync(unfinished)
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      BEGIN;
      PRAGMA application_id = ${SPACE_APPLICATION_ID};
      PRAGMA user_version = ${SCHEMA_VERSION};
      ${SCHEMA}`)
    database.prepare('INSERT INTO space VALUES (?, ?)').run(spaceId, spaceKey)
    database.exec('COMMIT')
  } finally {
    // Also moves the log into the file and syncs it.
    database.close()
  }
  renameSync(unfinished, file)
  syncFolder(dirname(file))
  return null
}

/** Makes a rename durable, where the system lets folders be synced. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
