import type { Fault } from '../../core/result.ts'

/** Why this node must not sign with a key of its own in a space. */
export type OwnKeyFault = Fault<'RESTORED' | 'OWN_HEAD_BEHIND'>

/** Whoever knows whether the log of this node's own key is whole here. A space asks before it signs, and tells what it sees. */
export interface OwnKeyWatch {
  /** Why an operation by that key must not be made now; null where it may. */
  readonly refusal: (spaceId: Uint8Array, author: Uint8Array) => OwnKeyFault | null
  /** Operations were admitted that this node has not made. */
  readonly onArrived: (spaceId: Uint8Array, author: Uint8Array) => void
  /** A peer lists a head of that author that is not here: it says so, and has not shown it yet. */
  readonly onListed: (spaceId: Uint8Array, author: Uint8Array) => void
}

/** For replicas whose keys are somebody else's care. */
export const NO_WATCH: OwnKeyWatch = { refusal: () => null, onArrived: () => {}, onListed: () => {} }
