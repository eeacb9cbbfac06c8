import type { TypedEventTarget } from 'main-event'
import { CONFLICT_EVENTS_MAX } from '../../core/limits.ts'
import { isContestable } from '../../core/types/fold.ts'
import { cellName } from '../../storage/cell-order.ts'
import type { Admission } from '../replica/admission-step.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { type Conflict, conflictIn } from './conflict.ts'

/** A space that tells of conflicts where somebody listens. */
interface ConflictTeller
  extends Pick<TypedEventTarget<{ conflict: CustomEvent<Conflict> }>, 'listenerCount'> {
  readonly hosted: HostedSpace
  safeDispatchEvent(type: 'conflict', detail: CustomEventInit<Conflict>): boolean
}

/**
 * Tells of each conflict in which an operation of a transaction is a side, or whose sides a late body or a revocation may have changed: at
 * least once, and of at most CONFLICT_EVENTS_MAX in one transaction. Nothing is looked at where nobody listens.
 */
export function watchConflicts(space: ConflictTeller): void {
  const { replica, store } = space.hosted
  replica.addEventListener('admitted', ({ detail }) => {
    if (space.listenerCount('conflict') === 0) return
    let told = 0
    for (const conflict of newConflicts(detail, store)) {
      if (told++ === CONFLICT_EVENTS_MAX) return
      space.safeDispatchEvent('conflict', { detail: conflict })
    }
  })
}

function* newConflicts(
  { entries, touched, remasked }: Admission,
  store: HostedSpace['store'],
): Generator<Conflict> {
  const isRederived = entries.length === 0 || remasked.length > 0
  const ids = new Set(entries.map(({ id }) => Buffer.from(id).toString('hex')))
  const keys = new Map(touched.filter(({ type }) => isContestable(type)).map((key) => [cellName(key), key]))
  for (const key of keys.values()) {
    const conflict = conflictIn(key, store)
    if (conflict === null) continue
    const sides = [conflict.winner, ...conflict.losers]
    if (isRederived || sides.some(({ operation }) => ids.has(operation))) yield conflict
  }
}
