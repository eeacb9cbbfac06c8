import { equalBytes } from '../bytes.ts'
import type { Entry } from '../graph.ts'

/**
 * One revocation that an admitted operation makes (DESIGN §5). Who may revoke what is judged by chains alone, since a delegation
 * does not name its proofs: it reaches an operation whose chain goes on from the revoker's own, over the target.
 */
export interface Revocation {
  /** The operation that revokes; its `caps` say from how high up. */
  readonly entry: Entry
  /** Digest of the delegation that ends. */
  readonly target: Uint8Array
  /** Ordinals of the operations that stay, with all before them. Kept for ever, so no more than that. */
  readonly cut: readonly number[]
}

/**
 * True when a revocation of `target` with the chain `own` reaches another chain: `own` is a proper prefix of it, and the target comes
 * after that prefix. So nobody revokes an equal, or what is above them.
 */
export function reaches(
  own: readonly Uint8Array[],
  target: Uint8Array,
  caps: readonly Uint8Array[],
): boolean {
  if (own.length >= caps.length) return false
  return (
    own.every((digest, i) => equalBytes(digest, caps[i] as Uint8Array)) &&
    caps.slice(own.length).some((digest) => equalBytes(digest, target))
  )
}
