/**
 * What a decision gives back: a value, or the fault that prevented it. Peers and users cause faults, which are returned;
 * we cause bugs, which are thrown.
 */
export type Result<T, F = Fault> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: F }

/**
 * A refusal with its evidence. `code` may cross the wire and is stable; `detail` says what was expected, what was found and
 * where, for the person reading this node's output, and never leaves this node.
 */
export interface Fault<Code extends string = string> {
  readonly code: Code
  readonly detail: string
}

/** Wraps a value as a success. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

/** Makes a failure of one code, with the evidence in `detail`. */
export function fail<Code extends string>(
  code: Code,
  detail: string,
): { readonly ok: false; readonly fault: Fault<Code> } {
  return { ok: false, fault: { code, detail } }
}
