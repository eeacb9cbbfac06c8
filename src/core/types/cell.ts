import { compareBytes, equalBytes } from '../bytes.ts'
import type { ElementRef } from '../changes/change.ts'

/** The types of items whose state is made of cells. */
export type CellType = 'register' | 'map'

/** Where one value lives: a register has the one field `''`, a map one cell for each field. */
export interface CellKey {
  readonly path: string
  readonly type: CellType
  readonly field: string
}

/** What one change does to one cell. */
export type CellEdit = CellKey & {
  /** Index of the change in its body. */
  readonly index: number
} & (
    | { readonly kind: 'set' /** Canonical DAG-CBOR of the value. */; readonly value: Uint8Array }
    | {
        readonly kind: 'remove' /** The elements that the author saw and removes. */
        readonly observed: readonly ElementRef[]
      }
  )

/** The place of a write in the order of last writer wins (DESIGN §3): `(time, lamport, id)`, and index within one body. */
export interface WriteStamp extends ElementRef {
  readonly time: number
  readonly lamport: number
}

/**
 * The winning write of a cell. Laws, for any set of writes and removals in any order (test/core/convergence.test.ts):
 * 1. the winner is the greatest stamp among all writes; losers never show again;
 * 2. it shows unless a removal names it: a removal that did not see it leaves it alone.
 */
export interface Cell extends WriteStamp {
  readonly value: Uint8Array
  readonly removed: boolean
}

/** Orders writes: the later time wins, then the greater lamport, id and index. Never 0 for two different elements. */
export function compareStamps(a: WriteStamp, b: WriteStamp): number {
  return a.time - b.time || a.lamport - b.lamport || compareBytes(a.id, b.id) || a.index - b.index
}

/** True when both name the same element. */
function isSameElement(a: ElementRef, b: ElementRef): boolean {
  return a.index === b.index && equalBytes(a.id, b.id)
}

/** Folds one write into a cell. `isRemoved` says whether some removal already names that write. */
export function foldWrite(
  current: Cell | undefined,
  write: WriteStamp & { readonly value: Uint8Array },
  isRemoved: boolean,
): Cell {
  if (current !== undefined && compareStamps(current, write) >= 0) return current
  const { id, index, time, lamport, value } = write
  return { id, index, time, lamport, value, removed: isRemoved }
}

/** Folds a removal into a cell: it hides the winner if it names it. */
export function foldRemoval(current: Cell | undefined, observed: readonly ElementRef[]): Cell | undefined {
  if (current === undefined || current.removed) return current
  return observed.some((ref) => isSameElement(ref, current)) ? { ...current, removed: true } : current
}
