import type { CellKey } from '../../core/types/cell.ts'
import { STORE_CHANGES_COLLECTED_MAX } from '../../core/limits.ts'
import { ROOT_PATH } from '../../core/path.ts'
import type { HistoryEntry } from '../space-store.ts'
import { type Cells, spansOf } from './cells.ts'
import type { Database, Query } from './database.ts'

type Span = [from: string, to: string | Uint8Array]

/** Which operation changed which cell. Values are not kept here: they are in the bodies. */
export class History {
  readonly #cells: Cells
  readonly #insert: Query<[number, number, number, string]>
  readonly #ofCell: Query<[number], [number, number, HistoryEntry['kind']]>
  readonly #countBelow: Query<[...Span, number], [number]>
  readonly #collected: Query<[string, ...Span, number, number], [number]>
  readonly #walked: Query<[string, ...Span, number, number], [number]>

  constructor(database: Database, cells: Cells) {
    this.#cells = cells
    this.#insert = database.query('INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?)')
    this.#ofCell = database.query(
      'SELECT ordinal, change, kind FROM history WHERE cell = ? ORDER BY ordinal, change',
    )
    this.#countBelow = database.query(`SELECT count(*) FROM (
      SELECT 1 FROM cells c CROSS JOIN history h ON h.cell = c.cell WHERE c.path >= ? AND c.path < ? LIMIT ?)`)
    // CROSS JOIN fixes the order of the loops: from the cells to their history, or from the log backwards to its cells.
    this.#collected = database.query(`SELECT ordinal FROM (
        SELECT h.ordinal FROM cells c CROSS JOIN history h ON h.cell = c.cell WHERE c.path = ?1 AND h.ordinal < ?4
        UNION
        SELECT h.ordinal FROM cells c CROSS JOIN history h ON h.cell = c.cell
          WHERE c.path >= ?2 AND c.path < ?3 AND h.ordinal < ?4)
      ORDER BY ordinal DESC LIMIT ?5`)
    this.#walked = database.query(`
      SELECT DISTINCT h.ordinal FROM history h INDEXED BY history_by_ordinal CROSS JOIN cells c ON c.cell = h.cell
      WHERE h.ordinal < ?4 AND (c.path = ?1 OR (c.path >= ?2 AND c.path < ?3))
      ORDER BY h.ordinal DESC LIMIT ?5`)
  }

  put(key: CellKey, entry: HistoryEntry): void {
    this.putAt(this.#cells.intern(key), entry)
  }

  /** The same for a cell by its number. */
  putAt(cell: number, { ordinal, index, kind }: HistoryEntry): void {
    this.#insert.run(cell, ordinal, index, kind)
  }

  of(key: CellKey): readonly HistoryEntry[] {
    const cell = this.#cells.numberOf(key)
    if (cell === undefined) return []
    return this.#ofCell.all(cell).map(([ordinal, index, kind]) => ({ ordinal, index, kind }))
  }

  /**
   * Few changes below the path are collected and sorted; many are found by walking the log backwards, which meets them
   * soon. The worst case is many old changes under a newer log without any: a walk over all of the history.
   */
  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    const below = spansOf(prefix).at(-1)
    if (below === undefined) return []
    const span: Span = [below.from, below.to]
    const query = prefix !== ROOT_PATH && this.#isSparse(span) ? this.#collected : this.#walked
    return query.all(prefix, ...span, before, limit).map(([ordinal]) => ordinal)
  }

  #isSparse(span: Span): boolean {
    const [count] = this.#countBelow.get(...span, STORE_CHANGES_COLLECTED_MAX) as [number]
    return count < STORE_CHANGES_COLLECTED_MAX
  }
}
