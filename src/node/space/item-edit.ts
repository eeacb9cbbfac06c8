import { type CellKey, compareStamps } from '../../core/types/cell.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import { editMap, MAP } from '../../core/types/map/change.ts'
import { deleteRegister, REGISTER, setRegister } from '../../core/types/register/change.ts'
import type { Entry } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** The types of items there are, as users name them. */
export type ItemType = typeof REGISTER | typeof MAP

/** True for an operation that is in the past of the one being made. */
export type HasSeen = (entry: Entry) => boolean

/** What a user wants done to one item. */
export type ItemEdit =
  /** Replaces the register at `path`. */
  | { readonly kind: 'put'; readonly path: string; readonly value: unknown }
  /** Sets some fields of the map at `path` and removes others. */
  | {
      readonly kind: 'edit'
      readonly path: string
      readonly set?: Readonly<Record<string, unknown>>
      readonly remove?: readonly string[]
    }
  /** Deletes the item of that type at `path`, as the author sees it; nothing where there is none. */
  | { readonly kind: 'delete'; readonly path: string; readonly type: ItemType }

/**
 * The encoded changes for edits, made by an author who has seen the operations for which `hasSeen` holds. Deletions name the
 * elements seen; a deletion of what is not there becomes no change.
 */
export function encodeEdits(
  edits: readonly ItemEdit[],
  store: SpaceStore,
  hasSeen: HasSeen,
): readonly Uint8Array[] {
  return edits.flatMap((edit) => {
    const change = encodeEdit(edit, store, hasSeen)
    return change === null ? [] : [change]
  })
}

/**
 * The greatest time, ms since 1970, of what the edits set anew and what was written by an author for whom `isConcurrent` holds: what is
 * not built on is only outdone by a later time. 0 where there is nothing of that kind.
 */
export function latestConcurrent(
  edits: readonly ItemEdit[],
  store: SpaceStore,
  isConcurrent: (author: Uint8Array) => boolean,
): number {
  const times = edits.flatMap((edit): readonly number[] => {
    if (edit.kind === 'delete') return []
    const { path } = edit
    const keys: readonly CellKey[] =
      edit.kind === 'put'
        ? [{ path, type: REGISTER, field: '' }]
        : Object.keys(edit.set ?? {}).map((field) => ({ path, type: MAP, field }))
    return keys.flatMap((key) => {
      const cell = store.cell(key)
      const writer = cell === undefined ? undefined : store.find(cell.id)
      return writer !== undefined && isConcurrent(writer.author) ? [writer.time] : []
    })
  })
  return Math.max(0, ...times)
}

function encodeEdit(edit: ItemEdit, store: SpaceStore, hasSeen: HasSeen): Uint8Array | null {
  switch (edit.kind) {
    case 'put':
      return setRegister(edit.path, edit.value)
    case 'edit': {
      const remove = observedFields(edit.path, edit.remove ?? [], store, hasSeen)
      const isEmpty = Object.keys(edit.set ?? {}).length === 0 && Object.keys(remove).length === 0
      return isEmpty ? null : editMap(edit.path, { set: edit.set ?? {}, remove })
    }
    case 'delete': {
      if (edit.type === REGISTER) {
        const seen = observed({ path: edit.path, type: REGISTER, field: '' }, store, hasSeen)
        return seen === null ? null : deleteRegister(edit.path, [seen])
      }
      const fields = store.cellsAt(edit.path).flatMap(({ key }) => (key.type === MAP ? [key.field] : []))
      const remove = observedFields(edit.path, fields, store, hasSeen)
      return Object.keys(remove).length === 0 ? null : editMap(edit.path, { remove })
    }
  }
}

function observedFields(path: string, fields: readonly string[], store: SpaceStore, hasSeen: HasSeen) {
  const remove: Record<string, readonly ElementRef[]> = {}
  for (const field of fields) {
    const seen = observed({ path, type: MAP, field }, store, hasSeen)
    if (seen !== null) remove[field] = [seen]
  }
  return remove
}

/** The write that shows in a cell to someone who has seen only that much. */
function observed(key: CellKey, store: SpaceStore, hasSeen: HasSeen): ElementRef | null {
  const cell = store.cell(key)
  if (cell === undefined) return null
  if (hasSeen(store.find(cell.id) as Entry)) {
    return cell.removed ? null : { id: cell.id, index: cell.index }
  }
  return observedInPast(key, store, hasSeen)
}

function observedInPast(key: CellKey, store: SpaceStore, hasSeen: HasSeen): ElementRef | null {
  let best: { readonly entry: Entry; readonly index: number } | null = null
  for (const { ordinal, index, kind } of store.history(key)) {
    if (kind !== 'set') continue
    const entry = store.at(ordinal)
    if (best !== null && !isLater(entry, index, best.entry, best.index)) continue
    if (hasSeen(entry)) best = { entry, index }
  }
  return best === null ? null : { id: best.entry.id, index: best.index }
}

function isLater(a: Entry, aIndex: number, b: Entry, bIndex: number): boolean {
  return compareStamps({ ...a, index: aIndex }, { ...b, index: bIndex }) > 0
}
