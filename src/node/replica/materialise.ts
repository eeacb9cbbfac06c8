import { type CellEdit, type CellKey, foldRemoval, foldWrite } from '../../core/types/cell.ts'
import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { countOutdated } from './outdated.ts'

/**
 * Folds the valid changes of one admitted operation into the stored state, within the transaction that admits it (or that brings
 * its body). Void changes do nothing, unknown types are counted. A masked operation is noted in the history of its cells and changes none
 * of them; the delegations it publishes are published, since that is a matter of its bytes. Returns the cells touched.
 */
export function materialise(
  entry: Entry,
  evaluation: Evaluation,
  store: SpaceStore,
  writer: SpaceWriter,
): readonly CellKey[] {
  const touched: CellKey[] = []
  const outdated: { readonly type: string; readonly version: number }[] = []
  const isMasked = store.mask(entry.ordinal) !== undefined
  for (const change of evaluation) {
    if (!change.ok) continue
    switch (change.value.kind) {
      case 'cells':
        for (const edit of change.value.edits) {
          writer.putHistory(edit, { ordinal: entry.ordinal, index: edit.index, kind: edit.kind })
          if (isMasked) continue
          applyEdit(entry, edit, store, writer)
          touched.push({ path: edit.path, type: edit.type, field: edit.field })
        }
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
  return touched
}

/** Folds a cell again from the beginning of its history, leaving out what is masked. `evaluationOf`: of an admitted operation. */
export function refold(
  key: CellKey,
  evaluationOf: (entry: Entry) => Evaluation,
  store: SpaceStore,
  writer: SpaceWriter,
): void {
  const history = store.history(key)
  writer.clearCell(key)
  for (const { ordinal, index } of history) {
    if (store.mask(ordinal) !== undefined) continue
    const entry = store.at(ordinal)
    const change = evaluationOf(entry)[index]
    if (change?.ok !== true || change.value.kind !== 'cells') continue
    for (const edit of change.value.edits) if (isOfCell(edit, key)) applyEdit(entry, edit, store, writer)
  }
}

const isOfCell = (edit: CellEdit, key: CellKey): boolean =>
  edit.path === key.path && edit.type === key.type && edit.field === key.field

function applyEdit(entry: Entry, edit: CellEdit, store: SpaceStore, writer: SpaceWriter): void {
  const key: CellKey = { path: edit.path, type: edit.type, field: edit.field }
  const current = store.cell(key)
  if (edit.kind === 'set') {
    const stamp = { id: entry.id, index: edit.index, time: entry.time, lamport: entry.lamport }
    const next = foldWrite(current, { ...stamp, value: edit.value }, store.isRemoved(key, stamp))
    if (next !== current) writer.putCell(key, next)
    return
  }
  for (const element of edit.observed) writer.putRemoval(key, element)
  const next = foldRemoval(current, edit.observed)
  if (next !== undefined && next !== current) writer.putCell(key, next)
}
