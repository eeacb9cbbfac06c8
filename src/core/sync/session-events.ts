import type { Operation } from '../operation/operation.ts'
import type { Fault } from '../result.ts'
import type { OwnStanding, Standing, SyncMessage } from './message.ts'

/** What happens to a session. */
export type SyncEvent =
  /** This side wants to compare. Does nothing while a comparison is under way. */
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly message: SyncMessage }
  /** One received batch was decided on and stored; `gained` counts new operations and bodies. */
  | { readonly kind: 'admitted'; readonly gained: number }

/** What a session wants done, in this order. */
export type SyncEffect =
  | { readonly kind: 'send'; readonly message: SyncMessage }
  | { readonly kind: 'admit'; readonly operations: readonly Operation[]; readonly faults: readonly Fault[] }
  | { readonly kind: 'finished'; readonly report: SyncReport }
  /** The peer does not keep to the protocol; the session is over. */
  | { readonly kind: 'violation'; readonly fault: Fault<'PROTOCOL'> }

/** How a session ended, and what it moved. */
export interface SyncReport {
  /**
   * True only as DESIGN §7 has it: equal clock roots, equal roots of the state that both may read, no absent bodies on either side
   * of those it may read; by the standings that both sides sent last.
   */
  readonly inSync: boolean
  readonly rounds: number
  readonly sent: number
  readonly received: number
  readonly gained: number
  readonly mine: OwnStanding
  readonly theirs: Standing
  /** Operations that this side still lacks, and that the peer still lacks, as far as the last round tells. */
  readonly weLack: number
  readonly theyLack: number
}

/** How far the present round is, for a progress bar. */
export interface SyncProgress {
  readonly toSend: number
  readonly sent: number
  readonly toReceive: number
  readonly received: number
}
