import { PastReader } from '../../core/ancestry.ts'
import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import type { Cell, CellEdit, CellKey, CellType, WriteStamp } from '../../core/types/cell.ts'
import { foldCell } from '../../core/types/fold-cell.ts'
import { foldIncrement, foldOf, foldRemoval, foldWrite } from '../../core/types/fold.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { cellName } from '../../storage/cell-order.ts'
import { BodyEdits, type EvaluationOf } from './body-edits.ts'
import { type CellRecord, Contest, findSiblings } from './contest.ts'
import { isOfText } from './open-text.ts'
import { countOutdated } from './outdated.ts'
import type { Texts } from './texts.ts'

/**
 * Folds the valid changes of one admitted operation into the stored state, within the transaction that admits it (or that brings
 * its body, long after: followers are told by a turn). Void changes do nothing, unknown types are counted. A masked operation is noted in the
 * history of its cells and changes none of them; the delegations it publishes are published, since that is a matter of its bytes.
 * Returns the cells touched; what texts show is written by `texts.write`.
 */
export function materialise(
  entry: Entry,
  evaluation: Evaluation,
  evaluationOf: EvaluationOf,
  store: SpaceStore,
  writer: SpaceWriter,
  texts: Texts,
): readonly CellKey[] {
  const edits: CellEdit[] = []
  const outdated: { readonly type: string; readonly version: number }[] = []
  for (const change of evaluation) {
    if (!change.ok) continue
    switch (change.value.kind) {
      case 'cells':
        edits.push(...change.value.edits)
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
  for (const edit of edits)
    writer.putHistory(edit, { ordinal: entry.ordinal, index: edit.index, kind: edit.kind })
  // What is masked takes its place in a text all the same, since positions count its characters.
  texts.take(entry, edits.filter(isOfText), writer)
  const freed = isLate ? texts.arrived(entry, writer) : []
  if (store.mask(entry.ordinal) !== undefined) return freed
  const others = edits.filter((edit) => !isOfText(edit))
  const bodies = new BodyEdits(evaluationOf)
  const contest = new Contest(entry, store, writer)
  for (const own of Map.groupBy(others, cellName).values()) {
    const isFolded = !isLate && own.every((edit) => applyNewest(entry, edit, contest, store, writer))
    if (!isFolded) refold(own[0] as CellEdit, bodies, store, writer)
  }
  return [...edits.map(({ path, type, field }) => ({ path, type, field })), ...freed]
}

/** Folds a cell again from the beginning of its history, leaving out what is masked. */
export function refold(
  { path, type, field }: CellKey,
  bodies: BodyEdits,
  store: SpaceStore,
  writer: SpaceWriter,
): void {
  const key = { path, type, field }
  const records: CellRecord[] = []
  for (const { ordinal, index } of store.history(key)) {
    if (store.mask(ordinal) !== undefined) continue
    const entry = store.at(ordinal)
    const edit = bodies.find(entry, index, key)
    if (edit !== undefined) records.push({ entry, stamp: stampOf(entry, edit), edit })
  }
  writer.clearCell(key)
  for (const { edit } of records)
    if (edit.kind === 'remove') for (const element of edit.observed) writer.putRemoval(key, element)
  const cell = foldRecords(type, records, store)
  if (cell === undefined) return
  writer.putCell(key, cell)
  const siblings = findSiblings(key, records, cell, store)
  if (siblings.length > 0) writer.putSiblings(key, siblings)
}

/** What the edits of one cell come to. */
export function foldRecords(
  type: CellType,
  records: readonly CellRecord[],
  store: SpaceStore,
): Cell | undefined {
  const clearing = records.flatMap(({ entry, edit }) => (edit.kind === 'clear' ? entry.parents : []))
  const cleared = new PastReader(
    store,
    clearing.map((ordinal) => ({ ordinal })),
  )
  return foldCell(foldOf(type), records, ({ entry }) => cleared.has(entry))
}

/**
 * Folds an edit of the operation admitted last. False where that takes folding the whole cell again, and with it the operation's other
 * edits of that cell.
 */
function applyNewest(
  entry: Entry,
  edit: CellEdit,
  contest: Contest,
  store: SpaceStore,
  writer: SpaceWriter,
): boolean {
  const key: CellKey = { path: edit.path, type: edit.type, field: edit.field }
  const fold = foldOf(edit.type)
  const stamp = stampOf(entry, edit)
  const current = store.cell(key)
  switch (edit.kind) {
    case 'set': {
      const next = foldWrite(fold, current, { ...stamp, value: edit.value }, store.isRemoved(key, stamp))
      if (next !== current) writer.putCell(key, next)
      contest.write(key, edit, current, next)
      return true
    }
    case 'remove': {
      for (const element of edit.observed) writer.putRemoval(key, element)
      const next = foldRemoval(fold, current, edit.observed)
      if (next === 'again') return false
      if (next !== undefined && next !== current) writer.putCell(key, next)
      contest.remove(key, edit.observed)
      return true
    }
    case 'add':
      writer.putCell(key, foldIncrement(current, stamp, edit.by))
      return true
    case 'clear':
      return false
    case 'edit':
      throw new Error('bug: an edit of a text is folded as if it were a write')
  }
}

function stampOf({ id, time, lamport }: Entry, { index }: CellEdit): WriteStamp {
  return { id, index, time, lamport }
}
