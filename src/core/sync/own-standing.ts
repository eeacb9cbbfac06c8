import { equalBytes } from '../bytes.ts'
import { PUSHED_OPERATIONS_MAX } from '../limits.ts'
import type { OwnStanding, Standing } from './message.ts'
import type { SyncView } from './view.ts'

/** How far a run is when this side says where it stands. */
export interface RunMoment {
  readonly round: number
  /** From round 1 on: where this side stood at the beginning of the round before, and how many operations and bodies that brought it. */
  readonly mine: Standing | null
  readonly gained: number
  /** True once both are known to have the same clock root. */
  readonly saysAgain: boolean
}

/**
 * Where this side stands, as it says so now. The first state root of a large replica is a matter of seconds, and worth nothing while clock roots
 * differ, which they mostly do while others write. So it is left out, unless asked for (`saysAgain`),
 * 1. in answer to a peer (`theirs`) that has another clock root, or has left out its own;
 * 2. where it is not at hand, at the beginning of a run and where operations came by other ways during the round before.
 */
export function ownStanding(view: SyncView, theirs: Standing | null, moment: RunMoment): OwnStanding {
  const standing = view.standing()
  if (theirs !== null && !equalBytes(standing.clockRoot, theirs.clockRoot))
    return { ...standing, stateRoot: null }
  const { round, mine, gained, saysAgain } = moment
  const isGuess = round === 0 || standing.operations !== (mine?.operations ?? 0) + gained
  const isLeftOut =
    !saysAgain && (theirs === null ? isGuess && !view.isStateRootAtHand() : theirs.stateRoot === null)
  return { ...standing, stateRoot: isLeftOut ? null : view.stateRoot() }
}

/** True where both have said the roots of their states, and these are equal. */
export function haveEqualStates({ stateRoot: mine }: Standing, { stateRoot: theirs }: Standing): boolean {
  return mine !== null && theirs !== null && equalBytes(mine, theirs)
}

/**
 * True where the peer has more operations, few enough to be sent unasked and at least one for each of so many authors that differ: so it
 * knows, most likely, every head this side has of them, and this side lacks what came after.
 */
export function isLittleBehind(mine: Standing, theirs: Standing, authors: number): boolean {
  const lacking = theirs.operations - mine.operations
  return mine.absentBodies === 0 && authors <= lacking && lacking <= PUSHED_OPERATIONS_MAX
}
