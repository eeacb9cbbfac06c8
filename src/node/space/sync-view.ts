import { equalBytes } from '../../core/bytes.ts'
import type { Clock } from '../../core/clock.ts'
import { HASH_BYTES } from '../../core/hash.ts'
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
  const prefixes = () => sharedPrefixes(readers.mine(), readers.theirs(), now())
  return {
    graph: store,
    clock: replica.clock,
    standing: () => ({
      clockRoot: replica.clockRoot(),
      authors: replica.clock.digest().count,
      operations: store.count(),
      absentBodies: space.absent.missingCount(readers.mine(), now()),
      ownSeq: readers.author === null ? null : ownSeqOf(replica.clock, readers.author),
    }),
    stateRoot: () => selectionRoot(prefixes(), (path) => replica.stateRootAt(path)),
    isStateRootAtHand: () => replica.state.isAtHand || prefixes().length === 0,
    operation: (ordinal) => space.operation(ordinal),
    mayRead: (path) => readers.theirs().mayRead(path, now()),
    absentBodies: (limit) => space.absent.missing(readers.mine(), now(), limit).map(({ id }) => id),
    claim: (id, author) => {
      if (id.length === HASH_BYTES && replica.isRefused(id)) return false
      const listed = author === undefined ? null : wholeKey(author, readers.author)
      if (listed !== null) onListed(listed)
      return claims.claim(id)
    },
    release: () => claims.release(),
  }
}

/** The key that a listed author means: of those that are not here, this node's own is the one that matters. */
function wholeKey(author: Uint8Array, own: Uint8Array | null): Uint8Array | null {
  if (author.length === HASH_BYTES) return author
  return own !== null && equalBytes(own.subarray(0, author.length), author) ? own : null
}

/** Seq of the one head of an author in a clock; null where there is none, or a fork. */
export function ownSeqOf(clock: Clock, author: Uint8Array): number | null {
  const [head, other] = clock.heads(author)
  return head === undefined || other !== undefined ? null : head.seq
}
