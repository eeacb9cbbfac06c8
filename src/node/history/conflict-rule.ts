import { compareBytes } from '../../core/bytes.ts'
import { compareStamps, type CellType, type WriteStamp } from '../../core/types/cell.ts'
import { foldOf } from '../../core/types/fold.ts'

/**
 * Why one of two concurrent writes shows (DESIGN §3): of a claim the first, of everything else the last, by time, then lamport, then id
 * and the place in one operation.
 */
export type WinningRule =
  | 'later time'
  | 'greater lamport'
  | 'greater id'
  | 'later change'
  | 'earlier time'
  | 'smaller lamport'
  | 'smaller id'
  | 'earlier change'
  /** The winner was deleted, and a deletion takes the place with it. */
  | 'deleted'
  /** Whoever deleted had not seen it. */
  | 'not seen by the deletion'

/** The first thing in which the winner's place in the order differs from the loser's. */
export function ruleOf(type: CellType, winner: WriteStamp, loser: WriteStamp): WinningRule {
  const isFirst = foldOf(type) === 'first'
  if (compareStamps(winner, loser) > 0 === isFirst)
    throw new Error('bug: a write that lost stands where it should have won')
  if (winner.time !== loser.time) return isFirst ? 'earlier time' : 'later time'
  if (winner.lamport !== loser.lamport) return isFirst ? 'smaller lamport' : 'greater lamport'
  if (compareBytes(winner.id, loser.id) !== 0) return isFirst ? 'smaller id' : 'greater id'
  return isFirst ? 'earlier change' : 'later change'
}
