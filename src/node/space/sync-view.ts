import type { Clock } from '../../core/clock.ts'
import type { Operation } from '../../core/operation/operation.ts'
import { selectionRoot } from '../../core/state/selection-root.ts'
import { type LinkScopes, sharedPrefixes, WHOLE_SCOPE } from '../../core/sync/read-scope.ts'
import type { SyncView } from '../../core/sync/view.ts'
import type { Replica } from '../replica/replica.ts'
import type { AbsentBodies } from './absent-bodies.ts'

/** For whom a view is. */
export interface ViewReaders extends LinkScopes {
  /** The node's own author: whose last operation a receipt acknowledges. */
  readonly author: Uint8Array | null
}

/** Both ends read everything: for programs that reconcile replicas of their own. Links never use it. */
export const WHOLE_READERS: ViewReaders = { mine: () => WHOLE_SCOPE, theirs: () => WHOLE_SCOPE, author: null }

/** The claims of one session. */
interface Claims {
  claim(id: Uint8Array): boolean
  release(): void
}

/** The parts of a space that a session reads. */
export interface ViewedSpace {
  readonly replica: Replica
  readonly absent: AbsentBodies
  operation(ordinal: number): Operation
}

/** What one session with one peer reads of a space. `onListed`: the peer lists a head of an author that is not here. */
export function createSyncView(
  space: ViewedSpace,
  claims: Claims,
  readers: ViewReaders,
  now: () => number,
  onListed: (author: Uint8Array) => void,
): SyncView {
  const { replica } = space
  const { store } = replica
  return {
    graph: store,
    clock: replica.clock,
    standing: () => ({
      clockRoot: replica.clockRoot(),
      stateRoot: selectionRoot(sharedPrefixes(readers.mine(), readers.theirs(), now()), (path) =>
        replica.stateRootAt(path),
      ),
      authors: replica.clock.digest().count,
      operations: store.count(),
      absentBodies: space.absent.missingCount(readers.mine(), now()),
      ownSeq: readers.author === null ? null : ownSeqOf(replica.clock, readers.author),
    }),
    operation: (ordinal) => space.operation(ordinal),
    mayRead: (path) => readers.theirs().mayRead(path, now()),
    absentBodies: (limit) => space.absent.missing(readers.mine(), now(), limit).map(({ id }) => id),
    claim: (id, author) => {
      if (replica.isRefused(id)) return false
      if (author !== undefined) onListed(author)
      return claims.claim(id)
    },
    release: () => claims.release(),
  }
}

/** Seq of the one head of an author in a clock; null where there is none, or a fork. */
export function ownSeqOf(clock: Clock, author: Uint8Array): number | null {
  const [head, other] = clock.heads(author)
  return head === undefined || other !== undefined ? null : head.seq
}
