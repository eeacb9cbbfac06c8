import type { ElementRef } from '../../core/changes/change.ts'
import type { Entry } from '../../core/graph.ts'
import { OBSERVED_MAX } from '../../core/limits.ts'
import { type CellKey, type CellType, compareStamps } from '../../core/types/cell.ts'
import { BLOB, type BlobReference, deleteBlob, setBlob } from '../../core/types/blob/change.ts'
import { CLAIM, makeClaim, releaseClaim } from '../../core/types/claim/change.ts'
import { addToCounter, clearCounter, COUNTER } from '../../core/types/counter/change.ts'
import { EDGE, edgeField, parseEdgeField, removeEdge, setEdge } from '../../core/types/edge/change.ts'
import { appendEntry } from '../../core/types/log/change.ts'
import { editMap, MAP } from '../../core/types/map/change.ts'
import { deleteRegister, REGISTER, setRegister } from '../../core/types/register/change.ts'
import { editSet, SET } from '../../core/types/set/change.ts'
import { TEXT } from '../../core/types/text/change.ts'
import type { TextSplice } from '../../core/types/text/delta.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError } from '../fault-error.ts'
import type { TextWriting } from './text-writing.ts'

/** The types of items there are, as users name them. */
export type ItemType = CellType

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
  /** Draws the edge `path –label→ to`, or replaces its value (default null). */
  | {
      readonly kind: 'link'
      readonly path: string
      readonly label: string
      readonly to: string
      readonly value?: unknown
    }
  /** Takes that edge away. */
  | { readonly kind: 'unlink'; readonly path: string; readonly label: string; readonly to: string }
  /** Appends an entry to the log at `path`. */
  | { readonly kind: 'append'; readonly path: string; readonly value: unknown }
  /** Adds members to the set at `path` and removes others. */
  | {
      readonly kind: 'tag'
      readonly path: string
      readonly add?: readonly string[]
      readonly remove?: readonly string[]
    }
  /** Adds a whole number to the counter at `path`. */
  | { readonly kind: 'count'; readonly path: string; readonly by: number }
  /** Claims what `path` names. */
  | { readonly kind: 'claim'; readonly path: string; readonly value: unknown }
  /** Refers to the content of an attachment at `path`, replacing what was there. */
  | { readonly kind: 'attach'; readonly path: string; readonly reference: BlobReference }
  /** Edits the text at `path`: splices of what shows, each of the text that the ones before it leave. Creates it where it is not there. */
  | { readonly kind: 'text'; readonly path: string; readonly splices: readonly TextSplice[] }
  /**
   * Removes single writes, by name, from what the last writer wins or from a claim. Those that the author has not seen are left out; where
   * none was, nothing is removed, and the change says that its author has looked.
   */
  | {
      readonly kind: 'remove'
      readonly path: string
      readonly type: ItemType
      readonly field: string
      /** At most OBSERVED_MAX. */
      readonly observed: readonly ElementRef[]
    }
  /** Deletes the item of that type at `path`, as the author sees it; nothing where there is none. A log cannot be deleted. */
  | { readonly kind: 'delete'; readonly path: string; readonly type: ItemType }

/**
 * The encoded changes for edits, made by an author who has seen the operations for which `hasSeen` holds. Deletions name the
 * elements seen; a deletion of what is not there becomes no change.
 */
export function encodeEdits(
  edits: readonly ItemEdit[],
  store: SpaceStore,
  hasSeen: HasSeen,
  texts: TextWriting,
): readonly Uint8Array[] {
  return joinSplices(edits).flatMap((edit) => encodeEdit(edit, new SeenCells(store, hasSeen), texts))
}

/** One edit for each text: positions on the wire are those of a text that nothing else of the operation has changed yet. */
function joinSplices(edits: readonly ItemEdit[]): readonly ItemEdit[] {
  const joined = new Map<string, TextSplice[]>()
  const rest = edits.filter((edit) => {
    if (edit.kind !== 'text') return true
    const known = joined.get(edit.path)
    known?.push(...edit.splices)
    joined.set(edit.path, known ?? [...edit.splices])
    return false
  })
  const contrary = rest.find((edit) => edit.kind === 'delete' && edit.type === TEXT && joined.has(edit.path))
  if (contrary !== undefined) {
    throw new FaultError({
      code: 'BAD_VALUE',
      detail: `one write both edits and deletes the text at ${JSON.stringify(contrary.path)}: make two writes of it`,
    })
  }
  return [...rest, ...Array.from(joined, ([path, splices]) => ({ kind: 'text' as const, path, splices }))]
}

/**
 * The greatest time, ms since 1970, of what the edits set anew and what was written by an author whose fork is proved: what is
 * not built on is only outdone by a later time. 0 where there is nothing of that kind.
 */
export function latestNotBuiltOn(edits: readonly ItemEdit[], store: SpaceStore): number {
  // As nearly always: then no cell need be looked for, and the cell of a new item mostly is not there.
  if (store.forks().length === 0) return 0
  const times = edits.flatMap(cellsSetBy).flatMap((key) => {
    const cell = store.cell(key)
    const writer = cell === undefined ? undefined : store.find(cell.id)
    return writer !== undefined && store.fork(writer.author) !== undefined ? [writer.time] : []
  })
  return Math.max(0, ...times)
}

/** The cells in which the last writer wins and which an edit sets. */
function cellsSetBy(edit: ItemEdit): readonly CellKey[] {
  const { kind, path } = edit
  if (kind === 'put') return [{ path, type: REGISTER, field: '' }]
  if (kind === 'attach') return [{ path, type: BLOB, field: '' }]
  if (kind === 'edit') return Object.keys(edit.set ?? {}).map((field) => ({ path, type: MAP, field }))
  return kind === 'link' ? [{ path, type: EDGE, field: edgeField(edit) }] : []
}

function encodeEdit(edit: ItemEdit, seen: SeenCells, texts: TextWriting): readonly Uint8Array[] {
  const { path } = edit
  switch (edit.kind) {
    case 'put':
      return [setRegister(path, edit.value)]
    case 'edit': {
      const remove = observedFields(path, MAP, edit.remove ?? [], seen)
      const isEmpty = Object.keys(edit.set ?? {}).length === 0 && Object.keys(remove).length === 0
      return isEmpty ? [] : [editMap(path, { set: edit.set ?? {}, remove })]
    }
    case 'link':
      return [setEdge(path, edit, edit.value ?? null)]
    case 'unlink':
      return removeEdges(path, [edgeField(edit)], seen)
    case 'append':
      return [appendEntry(path, edit.value)]
    case 'tag':
      return encodeTags(path, edit.add ?? [], edit.remove ?? [], seen)
    case 'count':
      return [addToCounter(path, edit.by)]
    case 'claim':
      return [makeClaim(path, edit.value)]
    case 'attach':
      return [setBlob(path, edit.reference)]
    case 'text':
      return texts.encode(path, edit.splices)
    case 'remove':
      return [encodeRemoval(edit, seen.among(edit.observed))]
    case 'delete':
      return edit.type === TEXT ? texts.encodeDeletion(path) : encodeDeletion(path, edit.type, seen)
  }
}

function encodeRemoval(
  { path, type, field }: Pick<CellKey, 'path' | 'type' | 'field'>,
  observed: readonly ElementRef[],
): Uint8Array {
  switch (type) {
    case 'register':
      return deleteRegister(path, observed)
    case 'map':
      return editMap(path, { remove: { [field]: observed } })
    case 'edge':
      return removeEdge(path, parseEdgeField(field), observed)
    case 'blob':
      return deleteBlob(path, observed)
    case 'claim':
      return releaseClaim(path, observed)
    default:
      throw new Error(`bug: a write of a ${type} is asked to be removed by name`)
  }
}

function encodeDeletion(
  path: string,
  type: Exclude<ItemType, 'text'>,
  seen: SeenCells,
): readonly Uint8Array[] {
  const key = { path, type, field: '' }
  switch (type) {
    case 'register': {
      const shown = seen.shown(key)
      return shown === null ? [] : [deleteRegister(path, [shown])]
    }
    case 'map': {
      const remove = observedFields(path, MAP, seen.fields(path, MAP), seen)
      return Object.keys(remove).length === 0 ? [] : [editMap(path, { remove })]
    }
    case 'edge':
      return removeEdges(path, seen.fields(path, EDGE), seen)
    case 'set':
      return encodeTags(path, [], seen.fields(path, SET), seen)
    case 'counter':
      return seen.fields(path, COUNTER).length === 0 ? [] : [clearCounter(path)]
    case 'claim':
      return inChunks(seen.kept({ ...key, type: CLAIM })).map((refs) => releaseClaim(path, refs))
    case 'log':
      throw new Error('bug: a log is asked to be deleted')
    case 'blob': {
      const shown = seen.shown(key)
      return shown === null ? [] : [deleteBlob(path, [shown])]
    }
  }
}

function removeEdges(path: string, fields: readonly string[], seen: SeenCells): readonly Uint8Array[] {
  return fields.flatMap((field) => {
    const shown = seen.shown({ path, type: EDGE, field })
    return shown === null ? [] : [removeEdge(path, parseEdgeField(field), [shown])]
  })
}

/** A removal names every addition seen; a member that was added more often than one change may name takes several. */
function encodeTags(
  path: string,
  add: readonly string[],
  remove: readonly string[],
  seen: SeenCells,
): readonly Uint8Array[] {
  const removals = new Map<string, readonly ElementRef[]>()
  const changes: Uint8Array[] = []
  for (const member of remove) {
    const [refs, ...more] = inChunks(seen.kept({ path, type: SET, field: member }))
    if (refs !== undefined) removals.set(member, refs)
    for (const chunk of more) changes.push(editSet(path, { remove: { [member]: chunk } }))
  }
  if (add.length > 0 || removals.size > 0)
    changes.unshift(editSet(path, { add, remove: Object.fromEntries(removals) }))
  return changes
}

function observedFields(path: string, type: CellType, fields: readonly string[], seen: SeenCells) {
  const remove: Record<string, readonly ElementRef[]> = {}
  for (const field of fields) {
    const shown = seen.shown({ path, type, field })
    if (shown !== null) remove[field] = [shown]
  }
  return remove
}

function inChunks(refs: readonly ElementRef[]): readonly (readonly ElementRef[])[] {
  return Array.from({ length: Math.ceil(refs.length / OBSERVED_MAX) }, (_, i) =>
    refs.slice(i * OBSERVED_MAX, (i + 1) * OBSERVED_MAX),
  )
}

/** Cells as an author sees them who has seen only part of what is here. */
class SeenCells {
  readonly #store: SpaceStore
  readonly #hasSeen: HasSeen

  constructor(store: SpaceStore, hasSeen: HasSeen) {
    this.#store = store
    this.#hasSeen = hasSeen
  }

  /** The fields of the item of that type at a path, removed ones too. */
  fields(path: string, type: CellType): readonly string[] {
    return this.#store.cellsAt(path).flatMap(({ key }) => (key.type === type ? [key.field] : []))
  }

  /** The write that shows, where the last writer wins. */
  shown(key: CellKey): ElementRef | null {
    const cell = this.#store.cell(key)
    if (cell === undefined) return null
    if (this.#hasSeen(this.#store.find(cell.id) as Entry))
      return cell.removed ? null : { id: cell.id, index: cell.index }
    let best: { readonly entry: Entry; readonly index: number } | null = null
    for (const { entry, index } of this.#writes(key))
      if (best === null || isLater(entry, index, best.entry, best.index)) best = { entry, index }
    return best === null ? null : { id: best.entry.id, index: best.index }
  }

  /** Those of some elements that the author has seen. */
  among(refs: readonly ElementRef[]): readonly ElementRef[] {
    return refs.filter(({ id }) => {
      const entry = this.#store.find(id)
      return entry !== undefined && this.#hasSeen(entry)
    })
  }

  /** Every write with an effect that nobody has removed. */
  kept(key: CellKey): readonly ElementRef[] {
    return [...this.#writes(key)].flatMap(({ entry: { id, ordinal }, index }) =>
      this.#store.isRemoved(key, { id, index }) || this.#store.mask(ordinal) !== undefined
        ? []
        : [{ id, index }],
    )
  }

  *#writes(key: CellKey): Generator<{ readonly entry: Entry; readonly index: number }> {
    for (const { ordinal, index, kind } of this.#store.history(key)) {
      const entry = this.#store.at(ordinal)
      if (kind === 'set' && this.#hasSeen(entry)) yield { entry, index }
    }
  }
}

function isLater(a: Entry, aIndex: number, b: Entry, bIndex: number): boolean {
  return compareStamps({ ...a, index: aIndex }, { ...b, index: bIndex }) > 0
}
