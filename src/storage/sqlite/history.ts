import type { CellKey } from '../../core/types/cell.ts'
import { STORE_CHANGES_COLLECTED_MAX } from '../../core/limits.ts'
import { ROOT_PATH } from '../../core/path.ts'
import type { HistoryEntry } from '../space-store.ts'
import { type Cells, spansOf } from './cells.ts'
import type { Database, Query } from './database.ts'

type Span = [from: string, to: string | Uint8Array]

/** Rows that are not written yet: cells one after the other, ordinals and indexes by equal steps. */
interface Run {
  readonly cell: number
  readonly ordinal: number
  readonly index: number
  readonly kind: HistoryEntry['kind']
  ordinalStep: number
  indexStep: number
  count: number
}

/** Fewer rows than this are written one by one. */
const RUN_ROWS_MIN = 4

/** Which operation changed which cell. Values are not kept here: they are in the bodies. */
export class History {
  readonly #cells: Cells
  readonly #insert: Query<[number, number, number, string]>
  readonly #insertRun: Query<[number, number, number, number, number, number, string]>
  readonly #ofCell: Query<[number], [number, number, HistoryEntry['kind']]>
  readonly #countBelow: Query<[...Span, number], [number]>
  readonly #collected: Query<[string, ...Span, number, number], [number]>
  readonly #walked: Query<[string, ...Span, number, number], [number]>

  #run: Run | null = null

  constructor(database: Database, cells: Cells) {
    this.#cells = cells
    this.#insert = database.query('INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?)')
    // The numbers come from the cells themselves, which were written just now; to count up by recursion takes twice as long.
    this.#insertRun = database.query(`INSERT INTO history
      SELECT cell, ?2 + ?4 * (cell - ?1), ?3 + ?5 * (cell - ?1), ?7 FROM cells WHERE cell >= ?1 AND cell < ?1 + ?6`)
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

  /** Forgets what was not written. */
  load(): void {
    this.#run = null
  }

  put(key: CellKey, { ordinal, index, kind }: HistoryEntry): void {
    this.#insert.run(this.#cells.intern(key), ordinal, index, kind)
  }

  /**
   * Adds to the history of a cell that was made just now, which has none. New cells have numbers one after the other, so a whole batch of
   * them mostly is one run, which one statement writes: by {@link flush}, or before anything is read here.
   */
  putFirst(cell: number, ordinal: number, index: number, kind: HistoryEntry['kind']): void {
    const run = this.#run
    if (run !== null && run.kind === kind && cell === run.cell + run.count) {
      if (run.count === 1) {
        run.ordinalStep = ordinal - run.ordinal
        run.indexStep = index - run.index
      }
      const isNext =
        ordinal === run.ordinal + run.ordinalStep * run.count &&
        index === run.index + run.indexStep * run.count
      if (isNext) {
        run.count++
        return
      }
    }
    this.flush()
    this.#run = { cell, ordinal, index, kind, ordinalStep: 0, indexStep: 0, count: 1 }
  }

  /** Writes what is kept in memory until the end of a transaction. */
  flush(): void {
    const run = this.#run
    if (run === null) return
    this.#run = null
    const { cell, ordinal, index, kind, ordinalStep, indexStep, count } = run
    if (count >= RUN_ROWS_MIN) {
      this.#insertRun.run(cell, ordinal, index, ordinalStep, indexStep, count, kind)
      return
    }
    for (let i = 0; i < count; i++)
      this.#insert.run(cell + i, ordinal + ordinalStep * i, index + indexStep * i, kind)
  }

  of(key: CellKey): readonly HistoryEntry[] {
    this.flush()
    const cell = this.#cells.numberOf(key)
    if (cell === undefined) return []
    return this.#ofCell.all(cell).map(([ordinal, index, kind]) => ({ ordinal, index, kind }))
  }

  /**
   * Few changes below the path are collected and sorted; many are found by walking the log backwards, which meets them
   * soon. The worst case is many old changes under a newer log without any: a walk over all of the history.
   */
  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    this.flush()
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
