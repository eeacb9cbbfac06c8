import { isAtOrBelow } from '../../core/path.ts'
import type { CellKey, CellType } from '../../core/types/cell.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** What is directly below a path: an item, a folder of items, or both. */
export interface FolderEntry {
  /** The last segment. */
  readonly name: string
  readonly path: string
  /** Of the items that show at exactly this path. */
  readonly types: readonly CellType[]
  /** True where items show below it. */
  readonly hasBelow: boolean
}

/** A page of a folder. */
export interface FolderPage {
  /** Ascending by name. */
  readonly entries: readonly FolderEntry[]
  /** Whether there are more than are shown. */
  readonly hasMore: boolean
}

/** Comes after whatever a path may have in that place: the last code point, of which no path has two. */
const LAST = '\u{10ffff}\u{10ffff}'

/**
 * What is directly below a path, at most `limit` entries. What lies further down is passed over, so that the cost grows with what is listed:
 * one look-up for each entry and each type at it.
 */
export function readFolder(prefix: string, store: SpaceStore, limit: number): FolderPage {
  const below = prefix === '' ? '' : `${prefix}/`
  const entries = new Map<string, { types: CellType[]; hasBelow: boolean }>()
  let after: CellKey = { path: below, type: '' as CellType, field: '' }
  for (;;) {
    const [row] = store.cells({ prefix, after, limit: 1 })
    if (row === undefined || !isAtOrBelow(row.key.path, prefix)) break
    const [name = '', ...deeper] = row.key.path.slice(below.length).split('/')
    if (entries.size === limit && !entries.has(name))
      return { entries: sorted(entries, below), hasMore: true }
    const entry = entries.get(name) ?? { types: [], hasBelow: false }
    entries.set(name, entry)
    if (deeper.length > 0) {
      entry.hasBelow = true
      after = { path: `${below}${name}/${LAST}`, type: '' as CellType, field: '' }
    } else {
      if (row.key.path !== '') entry.types.push(row.key.type)
      after = { ...row.key, field: LAST }
    }
  }
  return { entries: sorted(entries, below), hasMore: false }
}

function sorted(
  entries: ReadonlyMap<string, { types: readonly CellType[]; hasBelow: boolean }>,
  below: string,
): readonly FolderEntry[] {
  // A folder may come after its item with other names between: `a`, `a-b`, `a/x`.
  return Array.from(entries, ([name, entry]) => ({ name, path: below + name, ...entry })).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
}
