import { encodeCanonical } from '../../canonical-cbor.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import { writeElementRefs } from '../element-refs.ts'

/**
 * What exists once, such as a version that exactly one may promote: of the claims that nobody has released, the first by (time, lamport,
 * operation id, index) holds. Provisional: another replica may still bring an earlier one, and clocks are their authors', so every value
 * of it says `final: false` until validators decide (DESIGN §9).
 */
export const CLAIM = 'claim'
const VERSION = 1

/** The change that claims what `path` names. `value`: anything DAG-CBOR can express. */
export function makeClaim(path: string, value: unknown): Uint8Array {
  return encodeChange({ type: CLAIM, version: VERSION, path, payload: { claim: value } })
}

/** The change that releases claims on `path`, by naming those that were seen. */
export function releaseClaim(path: string, observed: readonly ElementRef[]): Uint8Array {
  const payload = { release: writeElementRefs(observed) }
  return encodeChange({ type: CLAIM, version: VERSION, path, payload })
}

/** Reads the payload: a map with exactly one of `claim` (any value) and `release` (elements). */
export function readClaim(
  { payload, path }: Change,
  index: number,
): Result<readonly CellEdit[], ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 1)
    return invalid('a claim change has either claim or release')
  const key = { path, type: CLAIM, field: '', index } as const
  if ('claim' in payload) return ok([{ ...key, kind: 'set', value: encodeCanonical(payload['claim']) }])
  const observed = readElementRefs(payload['release'])
  if (observed === null) return invalid('release of a claim names elements [operation id, index]')
  return ok([{ ...key, kind: 'remove', observed }])
}
