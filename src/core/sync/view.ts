import type { Clock } from '../clock.ts'
import type { Graph } from '../graph.ts'
import type { Operation } from '../operation/operation.ts'
import type { OwnStanding } from './message.ts'

/**
 * What a session reads of the replica, for one peer. All synchronous. Between two steps the graph may grow, never shrink; of the
 * clock heads may also go (severed operations), and stay in the graph.
 */
export interface SyncView {
  readonly graph: Graph
  readonly clock: Clock
  /** Where this side stands, but for the root of its state. */
  standing(): Omit<OwnStanding, 'stateRoot'>
  /** The root of the state that both sides may read. The first one costs a look at all of it, later ones what has changed. */
  stateRoot(): Uint8Array
  /** True where that costs little. */
  isStateRootAtHand(): boolean
  /** An admitted operation, whole. */
  operation(ordinal: number): Operation
  /** True where the peer may read the body of an operation at that path, now. Control operations are not asked about. */
  mayRead(path: string): boolean
  /** Ids of admitted operations whose body has not arrived, although this side may read it; at most `limit`. */
  absentBodies(limit: number): readonly Uint8Array[]
  /**
   * True where this session is to ask for a head that this node lacks: not when it is refused for ever, and not while another
   * session is bringing it. From then on others leave it to this one, until it releases its claims or they are too old. `author`:
   * whose head the peer says it is. Both as they were listed: whole, or by their first bytes.
   */
  claim(id: Uint8Array, author?: Uint8Array): boolean
  /** Gives up the claims of this session: its run has ended. */
  release(): void
}
