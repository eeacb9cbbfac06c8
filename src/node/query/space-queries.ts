import {
  SEARCH_HITS_MAX,
  SQL_PARAMETERS_MAX,
  SQL_PREFIXES_MAX,
  SQL_QUERY_CHARACTERS_MAX,
  SQL_ROWS,
  SQL_ROWS_MAX,
  SQL_TIMEOUT_MS,
  SQL_TIMEOUT_MS_MAX,
} from '../../core/limits.ts'
import { isAtOrBelow, parsePath } from '../../core/path.ts'
import type { CellType } from '../../core/types/cell.ts'
import type { KindView, SpaceStore } from '../../storage/space-store.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { KINDS_PATH } from './kind.ts'
import { type KindWriter, Kinds } from './kinds.ts'
import type { IndexProgress, QueryReach, SqlParameters, SqlValue } from './query-message.ts'
import { QueryPool } from './query-pool.ts'
import { searchExpression } from './search-words.ts'

/** Options of a query. */
export interface SqlOptions {
  /** Bound of the query itself, in ms, from 1 to SQL_TIMEOUT_MS_MAX. Default SQL_TIMEOUT_MS. Bringing the search index up to date counts apart. */
  readonly timeoutMs?: number
  /** Rows at most, from 1 to SQL_ROWS_MAX. Default SQL_ROWS. */
  readonly maxRows?: number
  /** Only what is at or below these paths, by views that have nothing else (NarrowedFile). Default: everything. Without the table `search`. */
  readonly within?: readonly string[]
  /** Who asks, where that is not the node itself: each has so many queries at once. */
  readonly asker?: string | undefined
  readonly signal?: AbortSignal
  /** Hears how far the search index is, where the query has to wait for it. */
  readonly onProgress?: (progress: IndexProgress) => void
}

/** The answer to a query. */
export interface SqlResult {
  /** In their order, each once: a name that comes again is numbered, `path:1`. */
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, SqlValue>>[]
  /** True where there are more rows than asked for, or than an answer holds: narrow the query, or go on after the last. */
  readonly more: boolean
}

/** Options of a search. */
export interface SearchOptions
  extends Pick<SqlOptions, 'timeoutMs' | 'within' | 'asker' | 'signal' | 'onProgress'> {
  /** Only at or below this path. */
  readonly path?: string
  /** Hits at most, from 1 to SEARCH_HITS_MAX. Default 20. */
  readonly limit?: number
  /** Takes the words as an expression of SQLite's FTS5. Default false: all of the words, each as it stands, `stor*` for a beginning. */
  readonly raw?: boolean
}

/** A place where the words are. */
export interface SearchHit {
  readonly path: string
  readonly type: CellType
  /** Of a map the field, of an edge its label and target, of a log the entry's place, of a set the tag; else empty. */
  readonly field: string
  /** What is around the words, each of them between ⟦ and ⟧. */
  readonly snippet: string
  /** Greater is better (BM25); only to be compared within one answer. */
  readonly score: number
}

const HITS = 20

/** Asking a space with SQL and words: a query runs in a process of its own, on the space's file, and stops nothing else. */
export class SpaceQueries {
  readonly kinds: Kinds
  readonly #store: SpaceStore
  #pool: QueryPool | null = null

  /** Makes the views of declared kinds. */
  constructor(store: SpaceStore, writer: KindWriter) {
    this.#store = store
    this.kinds = new Kinds(store, writer)
    this.kinds.renewIfPossible()
  }

  /** Answers a query that only reads (docs/queries.md has the views). Throws a FaultError. */
  async sql(query: string, parameters: SqlParameters = [], options: SqlOptions = {}): Promise<SqlResult> {
    const { timeoutMs = SQL_TIMEOUT_MS, maxRows: rowsMax = SQL_ROWS } = options
    checkRange('maxRows', rowsMax, SQL_ROWS_MAX)
    checkQuery(query)
    if (Object.keys(parameters).length > SQL_PARAMETERS_MAX)
      throw usage(`a query has at most ${SQL_PARAMETERS_MAX} parameters`)
    const pool = this.#open()
    this.kinds.renew()
    const { columns, rows, more } = await pool.run(
      { kind: 'sql', query, parameters, rowsMax, reach: this.#reachOf(options.within) },
      { ...options, timeoutMs: checkRange('timeoutMs', timeoutMs, SQL_TIMEOUT_MS_MAX) },
    )
    const named = rows.map((row) =>
      Object.fromEntries(columns.map((name, at) => [name, row[at] as SqlValue])),
    )
    return { columns, rows: named, more }
  }

  /** Where the words are in what shows now, the best first. The index is brought up to date before. Throws a FaultError. */
  async search(words: string, options: SearchOptions = {}): Promise<readonly SearchHit[]> {
    const { path = '', limit = HITS, raw = false, within, timeoutMs = SQL_TIMEOUT_MS } = options
    orThrow(parsePath(path))
    checkQuery(words)
    checkRange('limit', limit, SEARCH_HITS_MAX)
    checkRange('timeoutMs', timeoutMs, SQL_TIMEOUT_MS_MAX)
    const pool = this.#open()
    const expression = raw ? words : searchExpression(words)
    if (expression === null || expression.trim() === '')
      throw usage('there is no word to search for: a word has letters or digits')
    const { rows } = await pool.run(
      { kind: 'search', expression, path, limit, prefixes: prefixesOf(within) },
      { ...options, timeoutMs },
    )
    return rows.map((row) => {
      const [at, type, field, snippet, score] = row as [string, CellType, string, string, number]
      return { path: at, type, field, snippet, score }
    })
  }

  #reachOf(within: readonly string[] | undefined): QueryReach | null {
    const prefixes = prefixesOf(within)
    if (prefixes === null) return null
    const isReached = ({ name }: KindView) =>
      prefixes.some((prefix) => isAtOrBelow(`${KINDS_PATH}/${name}`, prefix))
    return { prefixes, kinds: this.kinds.views().filter(isReached) }
  }

  /** Ends what runs. */
  close(): void {
    this.kinds.close()
    this.#pool?.close()
  }

  #open(): QueryPool {
    const { sql } = this.#store
    if (sql === null) {
      throw new FaultError({
        code: 'NO_SQL',
        detail: 'this space is kept in memory, where SQL cannot read it: give the node a data directory',
      })
    }
    const { file } = sql
    this.#pool ??= new QueryPool({ file, indexFile: `${file.replace(/\.sqlite$/, '')}.search` })
    return this.#pool
  }
}

/** Null: everywhere. Throws `LIMIT`. */
function prefixesOf(within: readonly string[] | undefined): readonly string[] | null {
  if (within === undefined || within.includes('')) return null
  if (within.length <= SQL_PREFIXES_MAX) return within
  throw new FaultError({
    code: 'LIMIT',
    detail: `SQL and searches are narrowed to at most ${SQL_PREFIXES_MAX} paths, not ${within.length}: use a delegation for a path above them`,
  })
}

function checkRange(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value
  throw usage(`${name} is a whole number from 1 to ${max}, not ${value}`)
}

function checkQuery(text: string): void {
  if (text.length > SQL_QUERY_CHARACTERS_MAX)
    throw usage(`a query has at most ${SQL_QUERY_CHARACTERS_MAX} characters`)
}

const usage = (detail: string) => new FaultError({ code: 'USAGE', detail })
