import { toHex } from '../../core/bytes.ts'
import { decodeCanonical } from '../../core/canonical-cbor.ts'
import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import { isAtOrBelow } from '../../core/path.ts'
import { formatDid } from '../../core/principal.ts'
import type { CellEdit, CellType } from '../../core/types/cell.ts'
import { orThrow } from '../fault-error.ts'

/** What happened to an item: an operation wrote it, its body came late, or it lost its effect or got it back. */
export type ChangeCause = 'written' | 'arrived' | 'revoked' | 'restored'

/** What one operation did to one field of an item (of a set: a member; of an edge: label and target; of a log: an entry). */
export interface FieldChange {
  readonly field: string
  readonly action: CellEdit['kind']
  /** The value set, or what a counter was raised by. */
  readonly value?: unknown
}

/** What one operation did to one item. */
export interface ChangeRecord {
  /** Where to go on after this record; hand it back as `since`. */
  readonly cursor: string
  readonly cause: ChangeCause
  /** Id of the operation, hexadecimal. */
  readonly operation: string
  /** `did:key` of its author. */
  readonly author: string
  /** Milliseconds since 1970, as the author's clock said. */
  readonly time: number
  readonly path: string
  readonly type: CellType
  readonly changes: readonly FieldChange[]
}

/** Which items a follower wants to hear of. */
export interface ChangeFilter {
  /** At or below this path. */
  readonly path: string
  /** Null: of every type. */
  readonly types: ReadonlySet<CellType> | null
  /** Where the follower may read, asked when there is something to tell; what lies elsewhere leaves no trace. */
  readonly mayRead: (path: string) => boolean
}

/** A record without a cursor. */
export type BareRecord = Omit<ChangeRecord, 'cursor'>

/** What somebody wants who wants all there is. */
export const EVERYTHING: ChangeFilter = { path: '', types: null, mayRead: () => true }

/** False where nothing that the operation did is wanted, which its header alone says: changes lie at or below its path. */
export function mayConcern({ path }: Entry, { path: wanted }: ChangeFilter): boolean {
  return isAtOrBelow(wanted, path) || isAtOrBelow(path, wanted)
}

/** True where a follower wants to hear of that item, and may. */
export function isWanted({ path, type }: Pick<ChangeRecord, 'path' | 'type'>, filter: ChangeFilter): boolean {
  return isAtOrBelow(path, filter.path) && filter.types?.has(type) !== false && filter.mayRead(path)
}

/** What an operation did, item by item, in the order of its changes; without cursors. */
export function recordsOf(
  entry: Entry,
  evaluation: Evaluation,
  cause: ChangeCause,
  filter: ChangeFilter,
): readonly BareRecord[] {
  const byItem = new Map<string, BareRecord & { readonly changes: FieldChange[] }>()
  const about = { cause, operation: toHex(entry.id), author: formatDid(entry.author), time: entry.time }
  for (const change of evaluation) {
    if (!change.ok || change.value.kind !== 'cells') continue
    for (const edit of change.value.edits) {
      const { path, type } = edit
      if (!isWanted(edit, filter)) continue
      const name = `${type} ${path}`
      const record = byItem.get(name) ?? { ...about, path, type, changes: [] }
      byItem.set(name, record)
      record.changes.push(toFieldChange(edit))
    }
  }
  return [...byItem.values()]
}

function toFieldChange(edit: CellEdit): FieldChange {
  const { field, kind: action } = edit
  switch (edit.kind) {
    case 'set':
      return { field, action, value: orThrow(decodeCanonical(edit.value)) }
    case 'add':
      return { field, action, value: edit.by }
    case 'edit':
      return { field, action, value: edit.edits }
    case 'remove':
    case 'clear':
      return { field, action }
  }
}
