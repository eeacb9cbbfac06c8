import { getRandomValues } from 'node:crypto'
import { existsSync } from 'node:fs'
import { equalBytes, toHex } from '../../core/bytes.ts'
import { STORE_ENDS_TAIL_MAX, STORE_ID_TAIL_MAX } from '../../core/limits.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import type { SpaceStore } from '../space-store.ts'
import { StoreError, type StoreFault } from '../store-error.ts'
import { createSpaceFile } from './create.ts'
import { Database, faultOf } from './database.ts'
import { corrupt, foreign } from './file-header.ts'
import { inspectSpaceFile } from './inspect.ts'
import { SqliteSpaceStore } from './sqlite-space-store.ts'

/** Which file, and which space is expected in it. */
export interface SqliteSpaceStoreOptions {
  readonly file: string
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
  /** Makes the file where there is none. */
  readonly create: boolean
  /**
   * Ids of the newest operations kept in memory before they are sealed into the index; STORE_ID_TAIL_MAX unless told. Smaller:
   * sealed more often, each time touching the whole index. Larger: longer pauses and a longer start.
   */
  readonly idTailMax?: number
  /**
   * Newest operations whose heads, frontier and successors are kept in memory before they are written; STORE_ENDS_TAIL_MAX unless told.
   * Smaller: small transactions write more pages. Larger: a longer start, and slower views of heads.
   */
  readonly endsTailMax?: number
}

/**
 * Opens the file of a space, after `inspectSpaceFile` has found nothing wrong with it; a file that is refused is left untouched
 * byte for byte. One process at a time writes a file: the owner of the data directory sees to that with a lock, and a store
 * whose file another one has written to refuses its next transaction.
 */
export function openSqliteSpaceStore(options: SqliteSpaceStoreOptions): Result<SpaceStore, StoreFault> {
  const { file } = options
  try {
    if (!existsSync(file)) {
      if (!options.create) return fail('STORE_IO', `there is no file ${file}; create or join the space first`)
      const fault = createSpaceFile(file, options)
      if (fault !== null) return { ok: false, fault }
    }
    const inspected = inspectSpaceFile(file)
    if (!inspected.ok) return inspected
    const { spaceId, spaceKey } = inspected.value
    if (!equalBytes(spaceId, options.spaceId)) {
      return foreign(file, `it holds the space ${toHex(spaceId)}, not ${toHex(options.spaceId)}`)
    }
    if (!equalBytes(spaceKey, options.spaceKey)) return corrupt(file, 'it names another key for this space')
    return ok(open(options))
  } catch (error) {
    if (error instanceof StoreError)
      return { ok: false, fault: { ...error.fault, detail: `${file}: ${error.fault.detail}` } }
    const fault = faultOf(error, file) ?? systemFault(error, file)
    if (fault === null) throw error
    return { ok: false, fault }
  }
}

function open(options: SqliteSpaceStoreOptions): SpaceStore {
  const database = new Database(options.file)
  try {
    const [a, b] = getRandomValues(new Uint32Array(2)) as unknown as [number, number]
    return new SqliteSpaceStore({
      database,
      spaceId: new Uint8Array(options.spaceId),
      spaceKey: new Uint8Array(options.spaceKey),
      idTailMax: options.idTailMax ?? STORE_ID_TAIL_MAX,
      endsTailMax: options.endsTailMax ?? STORE_ENDS_TAIL_MAX,
      idSeeds: [a, b],
    })
  } catch (error) {
    database.close()
    throw error
  }
}

/** An error of the file system (no permission, no such folder, disk full) as a fault. */
function systemFault(error: unknown, file: string): StoreFault | null {
  if (!(error instanceof Error) || !('syscall' in error)) return null
  return fail('STORE_IO', `${file} cannot be opened: ${error.message}`).fault
}
