import type { Clock } from '../clock.ts'
import type { Graph } from '../graph.ts'
import type { Operation } from '../operation/operation.ts'
import type { Standing } from './message.ts'

/** What a session reads of the replica. All synchronous; it may grow between two steps, never shrink. */
export interface SyncView {
  readonly graph: Graph
  readonly clock: Clock
  standing(): Standing
  /** An admitted operation, whole. */
  operation(ordinal: number): Operation
  /** Ids of admitted operations whose body has not arrived, at most `limit`. */
  absentBodies(limit: number): readonly Uint8Array[]
  /**
   * True where this session is to ask for a head that this node lacks: not when it is refused for ever, and not while another
   * session is bringing it. From then on others leave it to this one, until it releases its claims or they are too old.
   */
  claim(id: Uint8Array): boolean
  /** Gives up the claims of this session: its run has ended. */
  release(): void
}
