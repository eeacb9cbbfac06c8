import type { Fault } from '../core/result.ts'

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
  'BAD_TOKEN',
  'BAD_URL',
  'BAD_VALUE',
  'FILE_VERSION',
  'LIMIT',
  'NO_AGENT',
  'NO_DATA',
  'NO_FILE',
  'NO_REMOTE',
  'NO_SPACE',
  'NO_SQL',
  'NO_TABLE',
  'SQL_ERROR',
  'SQL_FORBIDDEN',
  'SQL_PARAMETERS',
  'STORE_CORRUPT',
  'STORE_FOREIGN',
  'STORE_VERSION',
  'TAKEN',
  'WRONG_SPACE',
])

/** The exit code for a fault. */
export function exitCodeOf({ code }: Fault): number {
  if (code === 'INTERRUPTED') return EXIT.interrupted
  return BAD_INPUT.has(code) ? EXIT.badInput : EXIT.failed
}
