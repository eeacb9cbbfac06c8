import { concatBytes } from '../bytes.ts'
import { encodeCanonical } from '../canonical-cbor.ts'
import { STATE_SELECTION_TAG } from '../domain-tags.ts'
import { sha256 } from '../hash.ts'
import { ROOT_PATH } from '../path.ts'

/**
 * The root that stands for the state at and below some prefixes: where that is everything, the state root itself; else
 * sha256(tag ‖ canonical [[prefix, root of its subtree or null], …]), prefixes ascending by bytes. docs/protocol.md §5.
 * `rootAt`: root of the subtree at a path, null where nothing is there.
 */
export function selectionRoot(
  prefixes: readonly string[],
  rootAt: (path: string) => Uint8Array | null,
): Uint8Array {
  const whole = prefixes[0] === ROOT_PATH ? rootAt(ROOT_PATH) : null
  if (whole !== null) return whole
  const roots = prefixes.map((prefix) => [prefix, rootAt(prefix)])
  return sha256(concatBytes(STATE_SELECTION_TAG, encodeCanonical(roots)))
}
