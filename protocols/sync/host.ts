import type { PeerId } from '@libp2p/interface'
import type { Operation } from '../../src/core/operation/operation.ts'
import type { Fault } from '../../src/core/result.ts'
import type { VerifySignature } from '../../src/core/signature.ts'
import type { HandshakeBinding, OwnReadProof } from '../../src/core/sync/handshake.ts'
import type { LinkScopes, ReadingRules, ReadScope } from '../../src/core/sync/read-scope.ts'
import type { SyncView } from '../../src/core/sync/view.ts'

/** A space as the sync protocol needs it. */
export interface SyncSpace {
  readonly spaceId: Uint8Array
  /** Public key of the space: the root of all authority in it. */
  readonly spaceKey: Uint8Array
  /** sha256 that names the space to those who know it (src/core/space-topic.ts). */
  readonly topic: Uint8Array
  /** What decides about a reader besides its chains. */
  readonly reading: ReadingRules
  /** What one session reads; a new one for each link. `scopes`: what its two ends may read. */
  createView(scopes: LinkScopes): SyncView
  /** This node's proof that it may read; null where it holds no capability. */
  prove(binding: HandshakeBinding): OwnReadProof | null
  /** What a proof made now would show: the same object until something about it changes. */
  ownScope(): ReadScope
  /** This node's reader signs that it holds a clock root (src/core/sync/receipt.ts). */
  signReceipt(clockRoot: Uint8Array, timeMs: number): Uint8Array
  /**
   * Runs a batch through the pipeline and stores what it admits; `faults` are places of the batch that were no operation.
   * Batches of one peer are stored in the order in which they are given, without waiting for the one before to be asked for.
   * Resolves to the number of operations and bodies gained; rejects only when storing fails.
   */
  admit(operations: readonly Operation[], faults: readonly Fault[], peer: PeerId): Promise<number>
}

/** The node behind the sync protocol. */
export interface SyncHost {
  readonly peerId: PeerId
  readonly verify: VerifySignature
  /** This node's clock, ms since 1970. */
  now(): number
  /** The space of that topic, if this node holds it. */
  spaceByTopic(topic: Uint8Array): SyncSpace | undefined
  /** A peer broke a rule before there was an operation to blame: counted, and held against the peer. */
  onFault(peer: PeerId, space: SyncSpace | null, fault: Fault, bytes: Uint8Array): void
}
