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
  /** Operations that stay, with all before them. */
  readonly cut: readonly Entry[]
}

/** One endorsement that an admitted operation makes: these operations keep their effect whatever revokes them. */
export interface Endorsement {
  readonly entry: Entry
  readonly operations: readonly Entry[]
}

/**
 * True when the revocation reaches a chain: its own chain is a proper prefix of it, and its target comes after that prefix. So
 * nobody revokes an equal, or what is above them.
 */
export function reaches({ entry, target }: Revocation, caps: readonly Uint8Array[]): boolean {
  return reachesChain(entry.caps, target, caps)
}

/** The same of a revocation that is made with the chain `own`. */
export function reachesChain(
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
