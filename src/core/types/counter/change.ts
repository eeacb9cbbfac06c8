import { encodeChange, invalid, isMap, type Change, type ChangeFault } from '../../changes/change.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'

/**
 * A tally: the sum of the increments of everybody, each counted once. Deleting it clears every increment in the deleter's past; increments
 * made at the same time stay, and so does the counter.
 */
export const COUNTER = 'counter'
const VERSION = 1

/** The change that adds `by` to the counter at `path`: a whole number within ±(2^53 - 1), zero also brings the counter to be. */
export function addToCounter(path: string, by: number): Uint8Array {
  return encodeChange({ type: COUNTER, version: VERSION, path, payload: { add: by } })
}

/** The change that clears the counter at `path` of all that its author has seen. */
export function clearCounter(path: string): Uint8Array {
  return encodeChange({ type: COUNTER, version: VERSION, path, payload: { clear: true } })
}

/** Reads the payload: a map with exactly one of `add` (a whole number) and `clear` (true). */
export function readCounter(
  { payload, path }: Change,
  index: number,
): Result<readonly CellEdit[], ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 1)
    return invalid('a counter change has either add or clear')
  const key = { path, type: COUNTER, field: '', index } as const
  const by = payload['add']
  if (Number.isSafeInteger(by)) return ok([{ ...key, kind: 'add', by: by as number }])
  if (payload['clear'] === true) return ok([{ ...key, kind: 'clear' }])
  return invalid('add of a counter is a whole number within ±(2^53 - 1), and clear is true')
}
