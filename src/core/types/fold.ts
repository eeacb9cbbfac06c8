import { equalBytes } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import type { ElementRef } from '../changes/change.ts'
import { type Cell, type CellType, compareStamps, type WriteStamp } from './cell.ts'

/**
 * How the writes of one cell come to one value, by type. Laws, for any set of writes and removals in any order, any of them several
 * times (test/core/types):
 * - `latest` (register, map, edge, blob, log): the greatest stamp among all writes wins. It shows unless a removal names it; a removal
 *   that did not see it leaves it alone; losers never show again. The cell of an entry of a log has one write, and nobody names it.
 * - `kept` (set): a write that no removal names shows; among several the greatest stamp stands for them.
 * - `first` (claim): of the writes that no removal names, the one with the least stamp.
 * - `sum` (counter): the sum of the increments that are not in the past of a `clear`; the greatest stamp among them stands for them.
 * - `text`: src/core/types/text.
 */
export type Fold = 'latest' | 'kept' | 'first' | 'sum' | 'text'

const FOLDS: Readonly<Record<CellType, Fold>> = {
  register: 'latest',
  map: 'latest',
  edge: 'latest',
  log: 'latest',
  set: 'kept',
  counter: 'sum',
  blob: 'latest',
  claim: 'first',
  text: 'text',
}

/** How cells of a type fold. */
export const foldOf = (type: CellType): Fold => FOLDS[type]

/** True where concurrent writes of one cell push each other out, so that a user may want to see the losers. */
export function isContestable(type: CellType): boolean {
  return type !== 'log' && (foldOf(type) === 'latest' || foldOf(type) === 'first')
}

/** Folds one write into a cell. `isRemoved` says whether some removal already names that write. */
export function foldWrite(
  fold: Fold,
  current: Cell | undefined,
  write: WriteStamp & { readonly value: Uint8Array },
  isRemoved: boolean,
): Cell {
  if (current !== undefined && !isBetter(fold, { ...write, removed: isRemoved }, current)) return current
  const { id, index, time, lamport, value } = write
  return { id, index, time, lamport, value, removed: isRemoved }
}

/**
 * Folds a removal into a cell: what it names shows no more. `again`: the cell is to be folded again, since another write may show
 * instead.
 */
export function foldRemoval(
  fold: Fold,
  current: Cell | undefined,
  observed: readonly ElementRef[],
): Cell | undefined | 'again' {
  if (current === undefined || current.removed) return current
  if (!observed.some((ref) => isSameElement(ref, current))) return current
  return fold === 'latest' ? { ...current, removed: true } : 'again'
}

/** Adds an increment that no clearing covers to a tally. */
export function foldIncrement(current: Cell | undefined, stamp: WriteStamp, by: number): Cell {
  const counts = current !== undefined && !current.removed
  const value = encodeTally((counts ? decodeTally(current.value) : 0n) + BigInt(by))
  const { id, index, time, lamport } =
    counts && compareStamps(current, stamp) > 0 ? (current as WriteStamp) : stamp
  return { id, index, time, lamport, value, removed: false }
}

/** A tally without increments that add up to `taken`, shown as the work of `stamp`. */
export function withoutIncrements(current: Cell, stamp: WriteStamp, taken: bigint): Cell {
  const { id, index, time, lamport } = stamp
  return { id, index, time, lamport, value: encodeTally(decodeTally(current.value) - taken), removed: false }
}

/** True when both name the same element. */
export function isSameElement(a: ElementRef, b: ElementRef): boolean {
  return a.index === b.index && equalBytes(a.id, b.id)
}

type Candidate = WriteStamp & { readonly removed: boolean }

function isBetter(fold: Fold, a: Candidate, b: Candidate): boolean {
  if (fold !== 'latest' && a.removed !== b.removed) return b.removed
  const order = compareStamps(a, b)
  return fold === 'first' ? order < 0 : order > 0
}

/** A tally as it shows: a whole number, or beyond 2^53 - 1 its decimal text, so that no digit is lost in JSON. */
function encodeTally(tally: bigint): Uint8Array {
  const number = Number(tally)
  return encodeCanonical(Number.isSafeInteger(number) ? number : String(tally))
}

function decodeTally(bytes: Uint8Array): bigint {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) throw new Error(`bug: a tally does not decode: ${decoded.fault.detail}`)
  return BigInt(decoded.value as number | string)
}
