import type { Fault } from '../core/result.ts'

/**
 * A fault that a person caused, thrown across the library's interface: bad input, missing authority, something that is not
 * there. `message` says what is wrong and what to do; `code` is stable.
 */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly code: string
  /** Of a fault of one edit among several: the path that it is about. */
  readonly path: string | null

  constructor(fault: Fault, path: string | null = null) {
    super(fault.detail)
    this.code = fault.code
    this.path = path
  }
}

/** Unwraps a result, or throws its fault. */
export function orThrow<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault },
): T {
  if (result.ok) return result.value
  throw new FaultError(result.fault)
}
