import { equalBytes } from '../bytes.ts'
import { isWeakKey } from '../signature.ts'
import { ok, type Result } from '../result.ts'
import { encodeChange, invalid, isMap, type Change, type ChangeFault } from './change.ts'

/**
 * A planned rotation: the author says which key it goes on with (docs/protocol.md §3). In operations with the command `/cap/grant`. It
 * informs people; what the next key may do is said by delegations alone.
 */
export const CAP_ROTATE = 'cap.rotate'
const VERSION = 1

/** The change that names the author's next key, 32 bytes. */
export function rotateTo(next: Uint8Array): Uint8Array {
  return encodeChange({ type: CAP_ROTATE, version: VERSION, path: '', payload: { next } })
}

/** Reads a rotation: exactly `next`, a public key that is not weak and not the author's own. */
export function readRotation({ payload }: Change, author: Uint8Array): Result<Uint8Array, ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 1) return invalid('cap.rotate has next')
  const { next } = payload
  if (!(next instanceof Uint8Array) || isWeakKey(next))
    return invalid('the next key of cap.rotate is a public key of 32 bytes')
  if (equalBytes(next, author)) return invalid('the next key of cap.rotate is another than its author')
  return ok(next)
}
