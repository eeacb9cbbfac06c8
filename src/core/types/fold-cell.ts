import { toHex } from '../bytes.ts'
import type { ElementRef } from '../changes/change.ts'
import type { Cell, CellEdit, WriteStamp } from './cell.ts'
import { type Fold, foldIncrement, foldWrite } from './fold.ts'

/** One edit of a cell, with its place in the order of writes. */
export interface StampedEdit {
  readonly stamp: WriteStamp
  readonly edit: CellEdit
}

/**
 * What edits of one cell come to, from nothing (src/core/types/fold.ts has the laws): the same in whatever order they are given. The state
 * now and the state at any earlier point are this function of different edits. `isCleared`: whether some clearing among them has an
 * increment in its past. Undefined where nothing was written.
 */
export function foldCell<E extends StampedEdit>(
  fold: Fold,
  edits: readonly E[],
  isCleared: (increment: E) => boolean,
): Cell | undefined {
  const removed = removedBy(edits)
  let cell: Cell | undefined
  for (const stamped of edits) {
    const { stamp, edit } = stamped
    if (edit.kind === 'set')
      cell = foldWrite(fold, cell, { ...stamp, value: edit.value }, removed.has(elementName(stamp)))
    else if (edit.kind === 'add' && !isCleared(stamped)) cell = foldIncrement(cell, stamp, edit.by)
  }
  return cell
}

/** The names of the elements that removals among these edits name. */
export function removedBy(edits: readonly StampedEdit[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { edit } of edits)
    if (edit.kind === 'remove') for (const ref of edit.observed) names.add(elementName(ref))
  return names
}

/** One text for each element. */
export function elementName({ id, index }: ElementRef): string {
  return `${toHex(id)}/${index}`
}
