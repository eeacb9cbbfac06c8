import { decodeChange } from '../../core/changes/change.ts'
import type { Entry } from '../../core/graph.ts'
import { HISTORY_CHANGES_CACHED_MAX } from '../../core/limits.ts'
import type { Cell, CellEdit, CellKey, CellType } from '../../core/types/cell.ts'
import { readItemChange } from '../../core/types/read-item-change.ts'
import { cellName } from '../../storage/cell-order.ts'
import { RecentCache } from '../../storage/recent-cache.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { CellRecord } from '../replica/contest.ts'
import { foldRecords } from '../replica/refold.ts'

/** Which cells of a path are meant: those of one type, one of its fields, or all. */
export interface CellChoice {
  readonly type?: CellType | undefined
  readonly field?: string | undefined
}

/** Cells read at a time. */
const KEYS_PAGE = 1_024

/** Stands for a value that is not read, since who wins is decided by stamps alone. */
const UNREAD = new Uint8Array(0)

/**
 * Cells at any point, out of their history and the bodies behind it. Cost: a header for each line of a cell's history, and a body for each
 * removal, each increment, and the write that wins; whatever else the space holds.
 */
export class ItemRecords {
  readonly #store: SpaceStore
  /** What one change of a body does to each cell, by `ordinal/index`. */
  readonly #changes = new RecentCache<string, ReadonlyMap<string, CellEdit>>(HISTORY_CHANGES_CACHED_MAX)

  constructor(store: SpaceStore) {
    this.#store = store
  }

  /** The cells at exactly a path about which anything was ever written, by type and field in the order of bytes. */
  keysAt(path: string, { type, field }: CellChoice = {}): readonly CellKey[] {
    if (type !== undefined && field !== undefined) return [{ path, type, field }]
    const keys: CellKey[] = []
    // No type is empty, so this lies before the first cell at the path.
    let after: CellKey = { path, type: '' as CellType, field: '' }
    for (;;) {
      const page = this.#store.cellKeys(after, KEYS_PAGE)
      for (const key of page) {
        if (key.path !== path) return keys
        if ((type ?? key.type) === key.type && (field ?? key.field) === key.field) keys.push(key)
      }
      if (page.length < KEYS_PAGE) return keys
      after = page.at(-1) as CellKey
    }
  }

  /** What a cell comes to by the operations for which `isWanted` holds. Undefined where they write nothing. */
  fold(key: CellKey, isWanted: (entry: Entry) => boolean): Cell | undefined {
    const cell = foldRecords(key.type, this.of(key, isWanted), this.#store)
    if (cell === undefined || key.type === 'counter') return cell
    const entry = this.#store.find(cell.id) as Entry
    const edit = this.editOf(key, entry, cell.index)
    return edit.kind === 'set' ? { ...cell, value: edit.value } : cell
  }

  /**
   * The edits of a cell by the operations for which `isWanted` holds, ascending by (ordinal, index); in place of what is set stand no
   * bytes.
   */
  of(key: CellKey, isWanted: (entry: Entry) => boolean): readonly CellRecord[] {
    const records: CellRecord[] = []
    for (const line of this.#store.history(key)) {
      const entry = this.#store.at(line.ordinal)
      if (!isWanted(entry)) continue
      const { index, kind } = line
      const edit: CellEdit =
        kind === 'set' ? { ...key, index, kind, value: UNREAD } : this.editOf(key, entry, index)
      records.push({ entry, edit, stamp: { ...stampOf(entry), index } })
    }
    return records
  }

  /** What one line of a cell's history did to it. */
  editOf(key: CellKey, entry: Entry, index: number): CellEdit {
    const name = `${entry.ordinal}/${index}`
    const known = this.#changes.get(name)
    const change = known ?? new Map(this.#read(entry, index).map((edit) => [cellName(edit), edit]))
    if (known === undefined) this.#changes.set(name, change)
    const edit = change.get(cellName(key))
    if (edit === undefined)
      throw new Error('bug: the history of a cell names a change that does not touch it')
    return edit
  }

  /** What is in a history was found valid when it was admitted, so that only its meaning is read here. */
  #read(entry: Entry, index: number): readonly CellEdit[] {
    const bytes = this.#store.operation(entry.ordinal).body?.[index]
    const change = bytes === undefined ? null : decodeChange(bytes)
    const read = change?.ok === true ? readItemChange(change.value, index, stampOf(entry)) : null
    if (read?.ok !== true) throw new Error('bug: the history of a cell names a change that is not valid')
    return read.value
  }
}

const stampOf = ({ id, time, lamport }: Entry) => ({ id, time, lamport })
