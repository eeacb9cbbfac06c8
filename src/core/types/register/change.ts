import { encodeCanonical } from '../../canonical-cbor.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'

/** A value that is replaced whole: the last writer wins (src/core/types/fold.ts has the laws). */
export const REGISTER = 'register'
const VERSION = 1

/** The change that sets the register at `path`. `value`: anything DAG-CBOR can express. */
export function setRegister(path: string, value: unknown): Uint8Array {
  return encodeChange({ type: REGISTER, version: VERSION, path, payload: { set: value } })
}

/** The change that deletes the register at `path`, by naming the writes that were seen there. */
export function deleteRegister(path: string, observed: readonly ElementRef[]): Uint8Array {
  const refs = observed.map((ref) => [ref.id, ref.index])
  return encodeChange({ type: REGISTER, version: VERSION, path, payload: { delete: refs } })
}

/** Reads the payload: a map with exactly one of `set` (any value) and `delete` (elements). */
export function readRegister(change: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  const { payload, path } = change
  const key = { path, type: REGISTER, field: '', index } as const
  if (!isMap(payload) || Object.keys(payload).length !== 1)
    return invalid('a register change has either set or delete')
  if ('set' in payload) return ok([{ ...key, kind: 'set', value: encodeCanonical(payload['set']) }])
  const observed = readElementRefs(payload['delete'])
  if (observed === null) return invalid('delete of a register names elements [operation id, index]')
  return ok([{ ...key, kind: 'remove', observed }])
}
