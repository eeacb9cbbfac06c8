import { RecentCache } from '../recent-cache.ts'
import type { Database, Query } from './database.ts'

/** Operations whose links are read together. */
const PAGE_OPERATIONS = 1_024
/** After so many single reads in one page it is read as a whole: as dear as a hundred, so that whoever asks for few never pays for many. */
const SINGLE_READS_MAX = 64
/** Pages kept: of a million operations, in 4 MiB. */
const PAGES_MAX = 1_024

/**
 * Which operation each one follows in its author's log. Whoever lists the logs that a peer lacks asks this of every operation, log by log from
 * its end, and so comes back to the same stretch of operations for each author who wrote there: a statement each would cost more than what is
 * done with the answer. What is kept is of full pages, and never changes.
 */
export class LogLinks {
  readonly #one: Query<[number], [number | null]>
  readonly #page: Query<[number], [string]>
  readonly #pages = new RecentCache<number, Int32Array>(PAGES_MAX)
  /** Single reads by page. */
  readonly #reads = new RecentCache<number, number>(PAGES_MAX)

  constructor(database: Database) {
    this.#one = database.query('SELECT prev FROM operation_log WHERE ordinal = ?')
    this.#page = database.query(`SELECT group_concat(coalesce(ordinal - prev, 0))
      FROM (SELECT ordinal, prev FROM operation_log WHERE ordinal >= ? ORDER BY ordinal LIMIT ${PAGE_OPERATIONS})`)
  }

  /** Forgets what was read. */
  load(): void {
    this.#pages.clear()
    this.#reads.clear()
  }

  /** The operation before one in its author's log, by ordinals; null where it is the first. `count`: how many operations there are. */
  prevOf(ordinal: number, count: number): number | null {
    const page = Math.floor(ordinal / PAGE_OPERATIONS)
    const back = (this.#pages.get(page) ?? this.#read(page, count))?.[ordinal % PAGE_OPERATIONS]
    if (back !== undefined) return back === 0 ? null : ordinal - back
    const row = this.#one.get(ordinal)
    if (row === undefined) throw new Error(`bug: no operation has ordinal ${ordinal}`)
    return row[0]
  }

  /** How far back each operation of a page goes, 0 for none; undefined where it is not worth reading, or not full yet. */
  #read(page: number, count: number): Int32Array | undefined {
    if ((page + 1) * PAGE_OPERATIONS > count) return undefined
    const reads = (this.#reads.get(page) ?? 0) + 1
    this.#reads.set(page, reads)
    if (reads <= SINGLE_READS_MAX) return undefined
    const [links] = this.#page.get(page * PAGE_OPERATIONS) as [string]
    const read = Int32Array.from(links.split(','), Number)
    this.#pages.set(page, read)
    this.#reads.delete(page)
    return read
  }
}
