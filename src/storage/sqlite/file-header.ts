import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { fail, ok, type Result } from '../../core/result.ts'
import type { StoreFault } from '../store-error.ts'
import { NODE_SCHEMA_VERSION, SCHEMA_VERSION, SPACE_APPLICATION_ID } from './schema.ts'

/** Bytes of the header at the start of every SQLite file (sqlite.org/fileformat2.html §1.3). */
const HEADER_BYTES = 100
const MAGIC = 'SQLite format 3\0'
const PAGE_SIZE_OFFSET = 16
const PAGE_COUNT_OFFSET = 28
const USER_VERSION_OFFSET = 60
const APPLICATION_ID_OFFSET = 68

/** What the look at a file's header found. */
export interface FileHeader {
  readonly sizeBytes: number
  /** True when a write-ahead log lies beside the file: the last process that had it open was killed, or still has it open. */
  readonly hasLog: boolean
}

/**
 * Reads the first 100 bytes of a file, without SQLite, so that a file that is refused is not even locked. In this order:
 * 1. it can be read (`STORE_IO`);
 * 2. it is not empty (`STORE_CORRUPT`) and begins as SQLite files do (`STORE_FOREIGN`);
 * 3. its application id is `applicationId` (`STORE_FOREIGN`);
 * 4. its version is neither newer nor older than this program (`STORE_VERSION`) and one that a program of ours wrote (`STORE_CORRUPT`);
 * 5. it is as long as it says, unless a log beside it may hold the rest (`STORE_CORRUPT`).
 */
export function readFileHeader(file: string, applicationId: number): Result<FileHeader, StoreFault> {
  const read = readStart(file)
  if (!read.ok) return read
  const { start, sizeBytes } = read.value
  const hasLog = sizeOf(`${file}-wal`) > 0
  if (sizeBytes === 0) return corrupt(file, 'it is empty')
  if (start.toString('latin1', 0, MAGIC.length) !== MAGIC) return foreign(file, 'it is not a SQLite database')
  if (start.length < HEADER_BYTES) return corrupt(file, `it has ${sizeBytes} bytes, less than a header`)
  const found = start.readUInt32BE(APPLICATION_ID_OFFSET)
  if (found !== applicationId) {
    return foreign(file, `its application id is 0x${found.toString(16)}, not 0x${applicationId.toString(16)}`)
  }
  const version = checkVersion(file, start.readUInt32BE(USER_VERSION_OFFSET), applicationId)
  if (version !== null) return { ok: false, fault: version }
  // 65536 does not fit in two bytes and is written as 1.
  const pageBytes = start.readUInt16BE(PAGE_SIZE_OFFSET) === 1 ? 65_536 : start.readUInt16BE(PAGE_SIZE_OFFSET)
  const pagesBytes = pageBytes * start.readUInt32BE(PAGE_COUNT_OFFSET)
  if (!hasLog && sizeBytes < pagesBytes)
    return corrupt(file, `it has ${sizeBytes} bytes and should have ${pagesBytes}`)
  return ok({ sizeBytes, hasLog })
}

/** The fault of a file whose tables have that version; null when this program reads it. */
export function checkVersion(
  file: string,
  version: number,
  applicationId: number = SPACE_APPLICATION_ID,
): StoreFault | null {
  const expected = applicationId === SPACE_APPLICATION_ID ? SCHEMA_VERSION : NODE_SCHEMA_VERSION
  if (version > expected) {
    return {
      code: 'STORE_VERSION',
      detail: `${file} was written by a newer Hanse (tables ${version}, this one reads ${expected}); update Hanse`,
    }
  }
  if (version >= 1 && version < expected) {
    return {
      code: 'STORE_VERSION',
      detail: `${file} was written by an older Hanse (tables ${version}, this one reads ${expected}); move it away and join the space again: its operations come back from its peers`,
    }
  }
  return version === expected ? null : corrupt(file, `its tables have version ${version}`).fault
}

/** A file of ours that is damaged. Says what to do. */
export function corrupt(file: string, why: string) {
  const detail = `${file} is damaged: ${why}. It was left as it is; move it away and join again, or restore a backup`
  return fail('STORE_CORRUPT', detail)
}

/** A file that is not the one that was meant. Says what to do. */
export function foreign(file: string, why: string) {
  return fail(
    'STORE_FOREIGN',
    `${file} is not the file that belongs here: ${why}. It was left as it is; move it away`,
  )
}

/** Size of a file in bytes; 0 where there is none. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function readStart(file: string): Result<{ readonly start: Buffer; readonly sizeBytes: number }, StoreFault> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    const start = Buffer.alloc(HEADER_BYTES)
    const length = readSync(descriptor, start, 0, HEADER_BYTES, 0)
    return ok({ start: start.subarray(0, length), sizeBytes: fstatSync(descriptor).size })
  } catch (error) {
    return fail(
      'STORE_IO',
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
