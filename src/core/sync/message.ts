import type { ClockEntry } from '../clock.ts'
import type { TrieDigest } from '../trie.ts'
import type { Operation } from '../operation/operation.ts'
import type { Fault } from '../result.ts'

/** Where a replica stands. Sent by both sides at the beginning of every round. */
export interface Standing {
  readonly clockRoot: Uint8Array
  /** Of the state that both sides of the link may read (src/core/state/selection-root.ts). */
  readonly stateRoot: Uint8Array
  /** Number of authors in the clock. */
  readonly authors: number
  /** Number of admitted operations. */
  readonly operations: number
  /** Admitted operations whose body has not arrived, although this side may read it. */
  readonly absentBodies: number
}

/** Where this side stands, with what it never sends. */
export interface OwnStanding extends Standing {
  /** Seq of the last operation of this node's own author in that clock; null where there is none, or a fork. */
  readonly ownSeq: number | null
}

/** One node of the clock trie: digests of its sixteen children. */
export interface NodeListing {
  /** Nibbles from the root. */
  readonly prefix: readonly number[]
  readonly children: readonly TrieDigest[]
}

/** A head that the sender of the message lacks. */
export interface WantedHead {
  readonly author: Uint8Array
  readonly id: Uint8Array
}

/**
 * What travels in a session after the handshake (docs/protocol.md §4). Both sides send the same kinds at the same steps; only
 * `operations`, `ack`, `probe` and `probed` go at each side's own pace.
 */
export type SyncMessage =
  /** Where I stand; `admitted` is how many operations the last round brought me. */
  | {
      readonly kind: 'compare'
      readonly round: number
      readonly standing: Standing
      readonly admitted: number
    }
  /** My children of the nodes we both walk now. */
  | { readonly kind: 'nodes'; readonly nodes: readonly NodeListing[] }
  /** My clock below the prefixes that differ, in one or more parts. */
  | { readonly kind: 'entries'; readonly entries: readonly ClockEntry[]; readonly last: boolean }
  /** The heads and the bodies I lack, in one or more parts. */
  | {
      readonly kind: 'want'
      readonly heads: readonly WantedHead[]
      readonly bodies: readonly Uint8Array[]
      readonly last: boolean
    }
  /** Which of these, ascending along one chain, do you have? */
  | { readonly kind: 'probe'; readonly probe: number; readonly ids: readonly Uint8Array[] }
  /** I have the first `known` of them. */
  | { readonly kind: 'probed'; readonly probe: number; readonly known: number }
  /** How many operations I shall send in this round. */
  | { readonly kind: 'offer'; readonly operations: number }
  /** A batch; `faults` are the places of a received batch that could not be read as an operation. */
  | {
      readonly kind: 'operations'
      readonly operations: readonly Operation[]
      readonly faults: readonly Fault[]
    }
  /** One more of your batches is admitted, or refused, for good. */
  | { readonly kind: 'ack' }
  /** End of stored: I sent so many operations in this round. */
  | { readonly kind: 'eose'; readonly operations: number }
