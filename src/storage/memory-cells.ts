import type { ElementRef } from '../core/changes/change.ts'
import { isAtOrBelow } from '../core/path.ts'
import type { Cell, CellKey, CellType } from '../core/types/cell.ts'
import { ownBytes, toHex } from '../core/bytes.ts'
import { cellName, compareCellKeys, indexOfCell } from './cell-order.ts'
import type { CellRange, CellRow, FirstWrite, HistoryEntry, Sibling } from './space-store.ts'
import type { TransactionGuard } from './transaction-guard.ts'
import type { UndoLog } from './undo-log.ts'

/** Everything known of one cell; `cell` is undefined while only removals or history came. */
interface CellRecord {
  readonly key: CellKey
  cell: Cell | undefined
  siblings: readonly Sibling[]
  /** By {@link elementName}. */
  readonly removed: Map<string, ElementRef>
  /** By `ordinal/index`. */
  readonly history: Map<string, HistoryEntry>
}

/** No type is empty, so a key of this type lies before all others at its path. */
const FIRST_TYPE = '' as CellType

/** The cells of a memory store, with what lies behind each. */
export class MemoryCells {
  readonly #guard: TransactionGuard
  readonly #log: UndoLog
  readonly #cells = new Map<string, CellRecord>()
  /** Ascending by key: what listings walk. */
  readonly #sorted: CellRecord[] = []
  readonly #changedPaths = new Map<number, Set<string>>()

  constructor(guard: TransactionGuard, log: UndoLog) {
    this.#guard = guard
    this.#log = log
  }

  cell(key: CellKey): Cell | undefined {
    return this.#cells.get(cellName(key))?.cell
  }

  cellsAt(path: string): readonly CellRow[] {
    const rows: CellRow[] = []
    for (
      let i = indexOfCell(this.#sorted, { path, type: FIRST_TYPE, field: '' });
      this.#sorted[i]?.key.path === path;
      i++
    ) {
      const { key, cell } = this.#sorted[i] as CellRecord
      if (cell !== undefined) rows.push({ key, cell })
    }
    return rows
  }

  cells({ prefix, after, limit }: CellRange): readonly CellRow[] {
    const rows: CellRow[] = []
    const first: CellKey = { path: prefix, type: FIRST_TYPE, field: '' }
    const from = after !== undefined && compareCellKeys(after, first) > 0 ? after : first
    for (let i = indexOfCell(this.#sorted, from); i < this.#sorted.length && rows.length < limit; i++) {
      const { key, cell } = this.#sorted[i] as CellRecord
      // Between a path and what is below it lie its longer namesakes (`docs`, `docs-2`, `docs/a`); past those, nothing more.
      if (!key.path.startsWith(prefix)) break
      if (cell === undefined || cell.removed || !isAtOrBelow(key.path, prefix)) continue
      if (after === undefined || compareCellKeys(key, after) > 0) rows.push({ key, cell })
    }
    return rows
  }

  eachShown(visit: (key: CellKey, value: Uint8Array) => void): void {
    for (const { key, cell } of this.#sorted) if (cell?.removed === false) visit(key, cell.value)
  }

  isRemoved(key: CellKey, element: ElementRef): boolean {
    return this.#cells.get(cellName(key))?.removed.has(elementName(element)) ?? false
  }

  removals(key: CellKey): readonly ElementRef[] {
    return [...(this.#cells.get(cellName(key))?.removed.values() ?? [])]
  }

  cellKeys(after: CellKey | null, limit: number): readonly CellKey[] {
    const keys = this.#sorted
      .slice(after === null ? 0 : indexOfCell(this.#sorted, after))
      .map(({ key }) => key)
    return keys.filter((key) => after === null || compareCellKeys(key, after) > 0).slice(0, limit)
  }

  history(key: CellKey): readonly HistoryEntry[] {
    const history = this.#cells.get(cellName(key))?.history.values() ?? []
    return [...history].sort((a, b) => a.ordinal - b.ordinal || a.index - b.index)
  }

  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    const ordinals: number[] = []
    for (let ordinal = before - 1; ordinal >= 0 && ordinals.length < limit; ordinal--) {
      const paths = this.#changedPaths.get(ordinal)?.values()
      if (paths?.some((path) => isAtOrBelow(path, prefix))) ordinals.push(ordinal)
    }
    return ordinals
  }

  siblings(key: CellKey): readonly Sibling[] {
    return this.#cells.get(cellName(key))?.siblings ?? []
  }

  contested(after: CellKey | null, limit: number): readonly CellKey[] {
    const keys: CellKey[] = []
    for (let i = after === null ? 0 : indexOfCell(this.#sorted, after); i < this.#sorted.length; i++) {
      const { key, siblings } = this.#sorted[i] as CellRecord
      if (siblings.length === 0 || (after !== null && compareCellKeys(key, after) <= 0)) continue
      if (keys.push(key) === limit) break
    }
    return keys
  }

  clearCell(key: CellKey): void {
    this.#guard.assertOpen()
    const record = this.#cells.get(cellName(key))
    if (record === undefined) return
    const { cell, siblings } = record
    record.cell = undefined
    record.siblings = []
    this.#log.note(() => {
      record.cell = cell
      record.siblings = siblings
    })
    for (const name of [...record.removed.keys()]) this.#log.delete(record.removed, name)
  }

  putFirst(ordinal: number, writes: readonly FirstWrite[]): readonly number[] {
    this.#guard.assertOpen()
    const others: number[] = []
    for (const [place, { key, cell, kind }] of writes.entries()) {
      if (this.#cells.has(cellName(key))) others.push(place)
      else {
        this.putCell(key, cell)
        this.putHistory(key, { ordinal, index: cell.index, kind })
      }
    }
    return others
  }

  putCell(key: CellKey, cell: Cell): void {
    const record = this.#record(key)
    const before = record.cell
    // What was written may be part of a buffer that holds much else.
    record.cell = { ...cell, value: ownBytes(cell.value) }
    this.#log.note(() => {
      record.cell = before
    })
  }

  putRemoval(key: CellKey, element: ElementRef): void {
    this.#log.set(this.#record(key).removed, elementName(element), { id: element.id, index: element.index })
  }

  putHistory(key: CellKey, entry: HistoryEntry): void {
    const { history } = this.#record(key)
    const name = `${entry.ordinal}/${entry.index}`
    if (history.has(name)) return
    this.#log.set(history, name, entry)
    const paths = this.#changedPaths.get(entry.ordinal) ?? new Set()
    this.#changedPaths.set(entry.ordinal, paths)
    this.#log.add(paths, key.path)
  }

  /** Takes a cell up that nothing was written about yet. */
  know(key: CellKey): void {
    this.#record(key)
  }

  putSiblings(key: CellKey, siblings: readonly Sibling[]): void {
    if (siblings.length === 0 && !this.#cells.has(cellName(key))) return
    const record = this.#record(key)
    const before = record.siblings
    record.siblings = siblings
    this.#log.note(() => {
      record.siblings = before
    })
  }

  #record(key: CellKey): CellRecord {
    this.#guard.assertOpen()
    const name = cellName(key)
    const known = this.#cells.get(name)
    if (known !== undefined) return known
    const { path, type, field } = key
    const record: CellRecord = {
      key: { path, type, field },
      cell: undefined,
      siblings: [],
      removed: new Map(),
      history: new Map(),
    }
    this.#log.set(this.#cells, name, record)
    this.#sorted.splice(indexOfCell(this.#sorted, key), 0, record)
    this.#log.note(() => this.#sorted.splice(indexOfCell(this.#sorted, key), 1))
    return record
  }
}

const elementName = (element: ElementRef): string => `${toHex(element.id)}/${element.index}`
