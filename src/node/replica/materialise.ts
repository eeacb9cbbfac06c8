import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import type { Cell, CellEdit, CellKey, WriteStamp } from '../../core/types/cell.ts'
import { foldIncrement, foldOf, foldRemoval, foldWrite } from '../../core/types/fold.ts'
import type { FirstWrite, SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { Contest } from './contest.ts'
import { isOfText, type TextCellEdit } from './open-text.ts'
import { countOutdated } from './outdated.ts'
import type { Pasts } from './pasts.ts'
import type { Refolds } from './refolds.ts'
import type { Texts } from './texts.ts'

/**
 * Folds the valid changes of one admitted operation into the stored state, within the transaction that admits it (or that brings
 * its body, long after: followers are told by a turn). Void changes do nothing, unknown types are counted. A masked operation is noted in the
 * history of its cells and changes none of them; the delegations it publishes are published, since that is a matter of its bytes.
 * Returns the cells touched; what texts show is written by `texts.write`, what is to be folded again by `refolds.write`.
 */
export function materialise(
  entry: Entry,
  evaluation: Evaluation,
  store: SpaceStore,
  writer: SpaceWriter,
  { texts, refolds, pasts }: { readonly texts: Texts; readonly refolds: Refolds; readonly pasts: Pasts },
): readonly CellKey[] {
  const edits: CellEdit[] = []
  const outdated: { readonly type: string; readonly version: number }[] = []
  for (const change of evaluation) {
    if (!change.ok) continue
    switch (change.value.kind) {
      case 'cells':
        for (const edit of change.value.edits) edits.push(edit)
        break
      case 'delegations':
        for (const delegation of change.value.delegations) writer.putToken(delegation, entry.ordinal)
        break
      case 'outdated':
        outdated.push(change.value)
        break
      case 'space':
      case 'revocation':
      case 'endorsement':
      case 'rotation':
        break
    }
  }
  countOutdated(outdated, store, writer)
  const isLate = entry.ordinal !== store.count() - 1
  if (isLate) writer.putTurn(entry.ordinal, 'body')
  const isMasked = store.mask(entry.ordinal) !== undefined
  const ofTexts: TextCellEdit[] = []
  const contest = new Contest(entry, store, writer, pasts)
  for (const edit of isLate || isMasked ? edits : putFirst(entry, edits, writer)) {
    writer.putHistory(edit, { ordinal: entry.ordinal, index: edit.index, kind: edit.kind })
    // What is masked takes its place in a text all the same, since positions count its characters.
    if (isOfText(edit)) ofTexts.push(edit)
    else if (isMasked) continue
    else if (isLate) refolds.addWhole(edit)
    else applyNewest(entry, edit, { contest, refolds }, store, writer)
  }
  if (ofTexts.length > 0) texts.take(entry, ofTexts, writer)
  const freed = isLate ? texts.arrived(entry, writer) : []
  if (isMasked) return freed
  const touched: CellKey[] = edits.map(({ path, type, field }) => ({ path, type, field }))
  for (const key of freed) touched.push(key)
  return touched
}

/**
 * Writes the edits of cells that nothing was ever written about, as most are: what {@link applyNewest} comes to where there is nothing to
 * fold them into, to remove them, or to contest them. Returns the others, in their order; whatever comes after the first edit that cannot be
 * of this kind is among them, since it may be of the same cell.
 */
function putFirst(entry: Entry, edits: readonly CellEdit[], writer: SpaceWriter): readonly CellEdit[] {
  const writes: FirstWrite[] = []
  for (const edit of edits) {
    if (edit.kind !== 'set' && edit.kind !== 'add') break
    writes.push({ key: edit, cell: firstOf(entry, edit), kind: edit.kind })
  }
  const others = writer.putFirst(entry.ordinal, writes).map((place) => edits[place] as CellEdit)
  return writes.length === edits.length ? others : [...others, ...edits.slice(writes.length)]
}

/** What a write comes to where there is nothing to fold it into. */
function firstOf(entry: Entry, edit: CellEdit & { readonly kind: 'set' | 'add' }): Cell {
  const stamp = stampOf(entry, edit)
  if (edit.kind === 'add') return foldIncrement(undefined, stamp, edit.by)
  const { id, index, time, lamport } = stamp
  return { id, index, time, lamport, value: edit.value, removed: false }
}

/** Folds an edit of the operation admitted last, or leaves its cell to be folded again. */
function applyNewest(
  entry: Entry,
  edit: CellEdit,
  { contest, refolds }: { readonly contest: Contest; readonly refolds: Refolds },
  store: SpaceStore,
  writer: SpaceWriter,
): void {
  const key: CellKey = { path: edit.path, type: edit.type, field: edit.field }
  const fold = foldOf(edit.type)
  const stamp = stampOf(entry, edit)
  switch (edit.kind) {
    case 'set': {
      if (refolds.has(key)) return
      const current = store.cell(key)
      const next = foldWrite(fold, current, { ...stamp, value: edit.value }, store.isRemoved(key, stamp))
      if (next !== current) writer.putCell(key, next)
      contest.write(key, edit, current, next)
      return
    }
    case 'remove': {
      for (const element of edit.observed) writer.putRemoval(key, element)
      if (refolds.has(key)) return
      const current = store.cell(key)
      const next = foldRemoval(fold, current, edit.observed)
      if (next === 'again') {
        refolds.addRemoved(key)
        return
      }
      if (next !== undefined && next !== current) writer.putCell(key, next)
      contest.remove(key, edit.observed)
      return
    }
    case 'add':
      writer.putCell(key, foldIncrement(store.cell(key), stamp, edit.by))
      return
    case 'clear':
      refolds.addCleared(key, entry)
      return
    case 'edit':
      throw new Error('bug: an edit of a text is folded as if it were a write')
  }
}

function stampOf({ id, time, lamport }: Entry, { index }: CellEdit): WriteStamp {
  return { id, index, time, lamport }
}
