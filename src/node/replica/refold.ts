import { PastReader } from '../../core/ancestry.ts'
import type { Cell, CellKey, CellType } from '../../core/types/cell.ts'
import { foldCell } from '../../core/types/fold-cell.ts'
import { foldOf } from '../../core/types/fold.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import type { BodyEdits } from './body-edits.ts'
import { type CellRecord, findSiblings } from './contest.ts'

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
    if (edit !== undefined)
      records.push({ entry, stamp: { id: entry.id, time: entry.time, lamport: entry.lamport, index }, edit })
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
