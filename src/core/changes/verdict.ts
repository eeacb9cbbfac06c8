import { compareBytes } from '../bytes.ts'
import { HASH_BYTES } from '../hash.ts'
import { CUT_IDS_MAX, ENDORSED_OPERATIONS_MAX } from '../limits.ts'
import { ok, type Result } from '../result.ts'
import { encodeChange, invalid, isMap, type Change, type ChangeFault } from './change.ts'

/** Ends a delegation for all that is not in the past of a cut (DESIGN §5). In operations with the command `/cap/revoke`. */
export const CAP_REVOKE = 'cap.revoke'
/** Gives operations their effect back that a revocation masks. In operations with the command `/cap/endorse`. */
export const CAP_ENDORSE = 'cap.endorse'
const VERSION = 1

/** What one `cap.revoke` says. */
export interface RevokeTerms {
  /** Digest of the delegation that ends. */
  readonly target: Uint8Array
  /** Operations that stay, and all before them; ascending, distinct, at most CUT_IDS_MAX. Empty: nothing stays. */
  readonly cut: readonly Uint8Array[]
}

/** The change that revokes a delegation. Sorts the cut. */
export function revokeDelegation({ target, cut }: RevokeTerms): Uint8Array {
  const payload = { target, cut: cut.toSorted(compareBytes) }
  return encodeChange({ type: CAP_REVOKE, version: VERSION, path: '', payload })
}

/** The change that endorses operations by their ids: at least one, at most ENDORSED_OPERATIONS_MAX. Sorts them. */
export function endorseOperations(operations: readonly Uint8Array[]): Uint8Array {
  const payload = { operations: operations.toSorted(compareBytes) }
  return encodeChange({ type: CAP_ENDORSE, version: VERSION, path: '', payload })
}

/** Reads a revocation: exactly `target`, 32 bytes, and `cut`, ascending ids. */
export function readRevocation({ payload }: Change): Result<RevokeTerms, ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 2) return invalid('cap.revoke has target and cut')
  const { target } = payload
  if (!(target instanceof Uint8Array) || target.length !== HASH_BYTES)
    return invalid('the target of cap.revoke is the digest of a delegation')
  const cut = readIds(payload['cut'], CUT_IDS_MAX)
  return cut === null
    ? invalid(`the cut of cap.revoke is a list of at most ${CUT_IDS_MAX} ids, ascending, each once`)
    : ok({ target, cut })
}

/** Reads an endorsement: exactly `operations`, ascending ids, at least one. */
export function readEndorsement({ payload }: Change): Result<readonly Uint8Array[], ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 1) return invalid('cap.endorse has operations')
  const operations = readIds(payload['operations'], ENDORSED_OPERATIONS_MAX)
  return operations === null || operations.length === 0
    ? invalid(`cap.endorse names 1 to ${ENDORSED_OPERATIONS_MAX} ids, ascending, each once`)
    : ok(operations)
}

function readIds(value: unknown, most: number): readonly Uint8Array[] | null {
  if (!Array.isArray(value) || value.length > most) return null
  const ids = value as unknown[]
  for (const [i, id] of ids.entries()) {
    if (!(id instanceof Uint8Array) || id.length !== HASH_BYTES) return null
    if (i > 0 && compareBytes(ids[i - 1] as Uint8Array, id) >= 0) return null
  }
  return ids as Uint8Array[]
}
