import type { ForkProof } from '../../core/graph.ts'
import type { SyncProgress, SyncReport } from '../../core/sync/session.ts'
import type { LinkTraffic } from '../../../protocols/sync/index.ts'
import type { Conflict } from '../history/conflict.ts'
import type { Admission } from '../replica/admission-step.ts'
import type { OutdatedKind } from '../replica/outdated.ts'

/** What a space tells while it is open. */
export interface SpaceEvents {
  /** Operations were admitted, with the cells they touched. */
  change: CustomEvent<Admission>
  /** A run with a peer has ended. */
  sync: CustomEvent<{
    readonly peer: string
    readonly report: SyncReport
    /** Of the link, since it was opened. */
    readonly traffic: LinkTraffic
    /** Of this run. */
    readonly runTraffic: LinkTraffic
  }>
  /** Both sides have proved to be equal: end of stored. */
  eose: CustomEvent<{ readonly peer: string; readonly clockRoot: string }>
  progress: CustomEvent<{ readonly peer: string; readonly progress: SyncProgress }>
  /** An author has forked; the proof is kept. */
  fork: CustomEvent<ForkProof>
  /** Changes of a type or version were admitted that this node does not know; once for each. */
  outdated: CustomEvent<OutdatedKind>
  /** Concurrent writes have met in a cell that an operation touched; again whenever the sides change. */
  conflict: CustomEvent<Conflict>
}
