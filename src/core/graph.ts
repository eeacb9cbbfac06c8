import type { VerifiedDelegation } from './ucan/delegation.ts'

/**
 * One admitted operation as the graph sees it. `ordinal` is its place in this replica's order of admission, from 0: a local
 * number that never travels, never hashes and never decides, but always grows from parents to children.
 */
export interface Entry {
  readonly ordinal: number
  readonly id: Uint8Array
  readonly author: Uint8Array
  readonly seq: number
  /** Ordinal of the author's previous operation; null at seq 0. */
  readonly prev: number | null
  /** Ordinal of an earlier operation of the same log, so that any ancestor by seq is found in O(log seq) steps. */
  readonly jump: number
  /** Ordinals of `prev` and `deps`. */
  readonly parents: readonly number[]
  readonly lamport: number
  readonly time: number
  readonly epoch: number
  /** Digests of the delegations used, root first. */
  readonly caps: readonly Uint8Array[]
  readonly command: string
  readonly path: string
}

/** What the core reads of the admitted operations of one space. Reads are synchronous: a function that decides does not await. */
export interface Graph {
  /** Author key of the genesis: the root of all authority. */
  readonly spaceKey: Uint8Array
  /** The admitted operation of that id. */
  find(id: Uint8Array): Entry | undefined
  /** The admitted operation at that ordinal; throws where there is none, since ordinals are ours alone. */
  at(ordinal: number): Entry
  /** `at(ordinal).prev`, for whoever walks a whole log and needs nothing else of it. */
  prevOf(ordinal: number): number | null
  /** The operations of an author on which that author has built nothing, ascending by (seq, id); none for an unknown author. */
  heads(author: Uint8Array): readonly Entry[]
  /** The operation of the author admitted first among those that follow `prev`, an ordinal; null: that begin its log. */
  firstAfter(author: Uint8Array, prev: number | null): Entry | undefined
  /** The smallest proof that the author has forked. */
  fork(author: Uint8Array): ForkProof | undefined
  /** A delegation that an admitted operation has published, and by which operations. */
  token(digest: Uint8Array): PublishedDelegation | undefined
}

/**
 * Two operations of one author that both follow the same operation of theirs (or are both at seq 0): the proof that the author
 * has forked. `ids` are ascending. Both headers and signatures are admitted operations, so anyone who holds them can check.
 */
export interface ForkProof {
  readonly author: Uint8Array
  readonly seq: number
  /** Id of the operation that both follow; null at seq 0. */
  readonly prev: Uint8Array | null
  readonly ids: readonly [Uint8Array, Uint8Array]
}

/** A delegation in the graph. */
export interface PublishedDelegation {
  readonly delegation: VerifiedDelegation
  /** Ordinals of the operations that published it, ascending. */
  readonly publishers: readonly number[]
}
