import type { Fault } from '../core/result.ts'
import { FaultError } from '../node/fault-error.ts'
import { StoreError } from '../storage/store-error.ts'

/** What a thrown thing says to the person at the terminal. `BUG` for what nobody but us can mend. */
export function faultOf(error: unknown): Fault {
  if (error instanceof FaultError) return { code: error.code, detail: error.message }
  if (error instanceof StoreError) return error.fault
  if (!(error instanceof Error)) return bug(String(error))
  if (error.name === 'SyncError' && 'code' in error)
    return { code: String(error.code), detail: error.message }
  if (error.name === 'TimeoutError') return { code: 'TIMEOUT', detail: 'it took too long and was given up' }
  if ('syscall' in error) return { code: 'IO', detail: error.message }
  return bug(`${error.name}: ${error.message}`)
}

const bug = (what: string): Fault => ({
  code: 'BUG',
  detail: `internal error, please report it: ${what} (HANSE_DEBUG=1 shows where)`,
})

/** The exit codes of `hanse`. */
export const EXIT = {
  ok: 0,
  /** Understood, and not done: not there, not allowed, nobody reached, not in sync. */
  failed: 1,
  /** What was given cannot be used: a flag, a path, a link, a file, the configuration, the data directory. */
  badInput: 2,
  /** Ctrl-C, as shells have it. */
  interrupted: 130,
} as const

/** Faults of what the user gave. */
const BAD_INPUT = new Set([
  'USAGE',
  'AMBIGUOUS',
  'BAD_ADDRESS',
  'BAD_CLOCK',
  'BAD_CONFIG',
  'BAD_CURSOR',
  'BAD_DATA',
  'BAD_DID',
  'BAD_DURATION',
  'BAD_EDGE',
  'BAD_EDIT',
  'BAD_FIELD_NAME',
  'BAD_FILE',
  'BAD_HISTORY',
  'BAD_ID',
  'BAD_INVITE',
  'BAD_KEY',
  'BAD_KIND',
  'BAD_NAME',
  'BAD_PATH',
  'BAD_PEER',
  'BAD_POINT',
  'BAD_POSITION',
  'BAD_REQUEST',
  'BAD_ROLE',
  'BAD_TABLE',
  'BAD_VALUE',
  'FILE_VERSION',
  'LIMIT',
  'NO_DATA',
  'NO_FILE',
  'NO_SPACE',
  'NO_SQL',
  'NO_TABLE',
  'SQL_ERROR',
  'SQL_FORBIDDEN',
  'SQL_PARAMETERS',
  'STORE_CORRUPT',
  'STORE_FOREIGN',
  'STORE_VERSION',
  'WRONG_SPACE',
])

/** The exit code for a fault. */
export function exitCodeOf({ code }: Fault): number {
  if (code === 'INTERRUPTED') return EXIT.interrupted
  return BAD_INPUT.has(code) ? EXIT.badInput : EXIT.failed
}
