import type { Fault } from '../core/result.ts'

/**
 * Why a file cannot be used:
 * - `STORE_CORRUPT`: it is ours and damaged;
 * - `STORE_FOREIGN`: it is not a Hanse file, or another space's;
 * - `STORE_VERSION`: a newer Hanse wrote it;
 * - `STORE_IO`: the operating system or another program is in the way (missing, no permission, locked, disk full).
 */
export type StoreFault = Fault<'STORE_CORRUPT' | 'STORE_FOREIGN' | 'STORE_VERSION' | 'STORE_IO'>

/** Thrown by an open store when the disk fails it: nobody's bug, and nothing a peer did. The transaction did not happen. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly fault: StoreFault

  constructor(fault: StoreFault, cause?: unknown) {
    super(fault.detail, { cause })
    this.fault = fault
  }
}

/** What is thrown where a row does not hold together: the file was changed by somebody else, or its disk forgets. */
export function damagedRow(what: string): StoreError {
  const detail = `the database holds a damaged row: ${what}; "hanse verify" says what is wrong`
  return new StoreError({ code: 'STORE_CORRUPT', detail })
}
