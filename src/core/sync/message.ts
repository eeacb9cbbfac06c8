import type { Operation } from '../operation/operation.ts'
import type { Fault } from '../result.ts'
import type { SharedHeads } from './shared-heads.ts'
import type { WalkStep } from './walk.ts'

/** Where a replica stands. Sent by both sides at the beginning of every round. */
export interface Standing {
  readonly clockRoot: Uint8Array
  /** Of the state that both sides of the link may read (src/core/state/selection-root.ts); null where it is not said. */
  readonly stateRoot: Uint8Array | null
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

/** A head as it is listed. */
export interface ListedHead {
  readonly seq: number
  /** Whole, or its first SHORT_ID_BYTES. */
  readonly id: Uint8Array
}

/** What one side lists of an author whose heads differ. */
export interface ListedEntry {
  /** Its key: whole, or its first SHORT_KEY_BYTES. */
  readonly author: Uint8Array
  /** Ascending by (seq, id), never empty. */
  readonly heads: readonly ListedHead[]
}

/**
 * What travels in a session after the handshake (docs/protocol.md §4). The sides take turns in the walk, and in what they list; only
 * `operations`, `ack`, `probe` and `probed` go at each side's own pace.
 */
export type SyncMessage =
  /** Where I stand; `admitted` is how many operations the last round brought me. `answers`: I had yours of this round before. */
  | {
      readonly kind: 'compare'
      readonly round: number
      readonly standing: Standing
      readonly admitted: number
      readonly answers: boolean
    }
  /** What differs of what you listed, and what I have there. */
  | ({ readonly kind: 'nodes' } & WalkStep)
  /** My heads of authors that differ, in one or more parts; and the bodies I lack, in the last. */
  | {
      readonly kind: 'entries'
      readonly entries: readonly ListedEntry[]
      readonly bodies: readonly Uint8Array[]
      readonly last: boolean
    }
  /** In place of the first entries of a run: the first SHORT_DIGEST_BYTES of the leaf of each of my authors that differ, ascending. */
  | { readonly kind: 'leaves'; readonly leaves: Uint8Array }
  /** I do not know all of your leaves: list the heads. */
  | { readonly kind: 'spell' }
  /** Of the heads you listed, in that order, those I lack: a bit for each, the first in the highest bit. */
  | { readonly kind: 'want'; readonly heads: Uint8Array }
  /** Which of these, ascending along one chain, do you have? */
  | { readonly kind: 'probe'; readonly probe: number; readonly ids: readonly Uint8Array[] }
  /** I have the first `known` of them. */
  | { readonly kind: 'probed'; readonly probe: number; readonly known: number }
  /** How many operations I shall send in this round. */
  | { readonly kind: 'offer'; readonly operations: number }
  /**
   * A batch; `faults` are the places of a received batch that could not be read as an operation, `misread` how many were not looked at,
   * because the sender took this side's leaves for others than they are.
   */
  | {
      readonly kind: 'operations'
      readonly operations: readonly Operation[]
      readonly misread?: number
      /** For the sender: what the receiver has listed and the sender has too. */
      readonly shared?: SharedHeads
      readonly faults: readonly Fault[]
    }
  /** One more of your batches is admitted, or refused, for good. */
  | { readonly kind: 'ack' }
  /** End of stored: I sent so many operations in this round. */
  | { readonly kind: 'eose'; readonly operations: number }
