import { equalBytes, toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import type { CellType } from '../../core/types/cell.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
import { compareCellKeys } from '../../storage/cell-order.ts'
import { valueOf } from './describe-edit.ts'
import { cellLabel } from './item-state.ts'
import { diffLines, type LineHunk } from './line-diff.ts'

/** One difference between an item here and there: a value, a field, an edge, an entry, a member. */
export interface Difference {
  readonly type: CellType
  readonly field: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** Absent where it was added. */
  readonly before?: unknown
  /** Absent where it was removed. */
  readonly after?: unknown
  /** Line by line, where both are texts and one has several lines; null where too much differs. */
  readonly lines?: readonly LineHunk[] | null
  /** Whose work `after` is; null where it was removed. */
  readonly writer: Writer | null
}

/** Who wrote something. */
export interface Writer {
  /** Id, hexadecimal. */
  readonly operation: string
  /** Index of the change there. */
  readonly index: number
  /** `did:key`. */
  readonly author: string
  /** Milliseconds since 1970, as the author's clock said. */
  readonly time: number
}

/** The differences between what shows in two states of the cells of one path, by type and field. */
export function diffRows(
  before: readonly CellRow[],
  after: readonly CellRow[],
  store: SpaceStore,
): readonly Difference[] {
  const earlier = new Map(before.map((row) => [cellLabel(row.key), row]))
  const later = new Map(after.map((row) => [cellLabel(row.key), row]))
  const keys = [...new Map([...earlier, ...later].map(([label, { key }]) => [label, key])).values()]
  return keys.toSorted(compareCellKeys).flatMap(({ type, field, path }): Difference[] => {
    const old = earlier.get(cellLabel({ type, field }))
    const now = later.get(cellLabel({ type, field }))
    if (old !== undefined && now !== undefined && equalBytes(old.cell.value, now.cell.value)) return []
    const where = { path, type, field }
    if (now === undefined)
      return old === undefined
        ? []
        : [{ ...named(where), kind: 'removed', before: valueOf(old.cell.value), writer: null }]
    const value = valueOf(now.cell.value)
    const writer = writerOf(now, store)
    if (old === undefined) return [{ ...named(where), kind: 'added', after: value, writer }]
    const was = valueOf(old.cell.value)
    const haveLines =
      typeof was === 'string' && typeof value === 'string' && (was.includes('\n') || value.includes('\n'))
    const lines = haveLines ? { lines: diffLines(was, value) } : {}
    return [{ ...named(where), kind: 'changed', before: was, after: value, ...lines, writer }]
  })
}

/** Who wrote what a cell shows. */
export function writerOf({ cell: { id, index, time } }: CellRow, store: SpaceStore): Writer {
  const entry = store.find(id)
  if (entry === undefined) throw new Error('bug: the writer of a cell is not in the store')
  return { operation: toHex(id), index, author: formatDid(entry.author), time }
}

const named = ({ type, field }: { readonly type: CellType; readonly field: string }) => ({ type, field })
