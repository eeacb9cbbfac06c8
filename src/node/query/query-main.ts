import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import {
  SEARCH_SNIPPET_WORDS_MAX,
  SQL_COLUMNS_MAX,
  SQL_QUERY_CHARACTERS_MAX,
  SQL_VALUE_BYTES_MAX,
  STORE_BUSY_TIMEOUT_MS,
} from '../../core/limits.ts'
import { explainQueryError } from './explain-query-error.ts'
import { type FileNames, QueryGuard, WholeReading } from './guard.ts'
import { NarrowedFile } from './narrowed-file.ts'
import { checkParameters } from './placeholders.ts'
import type {
  QueryMessage,
  QueryProcessInit,
  QueryReach,
  QueryRequest,
  SearchRequest,
  SqlParameters,
  SqlRequest,
  SqlRows,
  WatchdogInit,
} from './query-message.ts'
import { prepareOne, QueryRefusal, readRows } from './read-rows.ts'
import { INDEX_SCHEMA, SearchIndex } from './search-index.ts'

/**
 * A process that answers queries on one space's file, one at a time. It is apart from the node because SQLite cannot be interrupted from
 * JavaScript: whoever started it ends it when a query takes too long.
 */
const { file, indexFile, parent } = JSON.parse(process.argv[2] ?? '{}') as QueryProcessInit

/** A text of that many characters counts as neither short nor long. */
const TEXT_CHARACTERS_USUAL = 300

const busy = new Int32Array(new SharedArrayBuffer(4))
const watchdog = new Worker(new URL('./watchdog-main.ts', import.meta.url), {
  workerData: { busy, parent } satisfies WatchdogInit,
})
/** Nothing runs unwatched. */
const isWatched = once(watchdog, 'online')
watchdog.unref()

const say = (message: QueryMessage): void => void process.send?.(message)

const FOUND = `search MATCH ?1 AND (?2 = '' OR path = ?2 OR (path > ?2 || '/' AND path < ?2 || '0'))`
const SNIPPET = `snippet(search, 3, '⟦', '⟧', '…', ${SEARCH_SNIPPET_WORDS_MAX})`

const SEARCH_ALL = `SELECT path, type, field, ${SNIPPET} AS snippet, -rank AS score
  FROM search WHERE ${FOUND} ORDER BY rank, rowid LIMIT ?3`

/**
 * The same within some paths. The score is BM25's of one text by itself: how rare a word is, and how long texts are, would be counted over
 * what the caller may not read.
 */
const SEARCH_WITHIN = `WITH found AS MATERIALIZED (
    SELECT path, type, field, ${SNIPPET} AS snippet, length(text) AS size,
      length(highlight(search, 3, 'x', '')) - length(text) AS hits, rowid AS place
    FROM search WHERE ${FOUND} AND EXISTS (
      SELECT 1 FROM json_each(?4) p WHERE search.path = p.value OR (search.path > p.value || '/' AND search.path < p.value || '0')))
  SELECT path, type, field, snippet, hits * 2.2 / (hits + 0.3 + 0.9 * size / ${TEXT_CHARACTERS_USUAL}.0) AS score
  FROM found ORDER BY score DESC, place LIMIT ?3`

class Answerer {
  readonly #database: DatabaseSync
  readonly #guard: QueryGuard
  readonly #reading = new WholeReading(() => this.#names)
  readonly #readNames: () => void
  readonly #index: SearchIndex | Error
  #names: FileNames = { views: new Set(), tables: new Set() }

  constructor() {
    this.#database = new DatabaseSync(file, {
      readOnly: true,
      timeout: STORE_BUSY_TIMEOUT_MS,
      limits: {
        length: SQL_VALUE_BYTES_MAX,
        sqlLength: 4 * SQL_QUERY_CHARACTERS_MAX,
        // The views have some 20 terms, a kind's has its columns.
        column: SQL_COLUMNS_MAX,
      },
    })
    this.#database.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY')
    this.#index = this.#openIndex()
    const names = this.#database.prepare('SELECT lower(name), type FROM sqlite_schema', {
      returnArrays: true,
    })
    this.#readNames = () => {
      const rows = names.all() as unknown as [string, string][]
      const ofType = (type: string) => new Set(rows.flatMap((row) => (row[1] === type ? [row[0]] : [])))
      this.#names = { views: ofType('view'), tables: ofType('table') }
    }
    this.#guard = new QueryGuard(this.#database, (asked) => this.#reading.mayRead(asked))
  }

  async sql({ query, parameters, rowsMax, reach }: SqlRequest): Promise<SqlRows> {
    if (reach !== null) return sqlWithin(query, parameters, rowsMax, reach)
    this.#readNames()
    const { result, searches } = this.#prepare(query)
    checkParameters(result.sourceSQL, parameters)
    if (searches) await this.#updateIndex()
    say({ kind: 'begun' })
    return readRows(result, parameters, rowsMax)
  }

  async search({ expression, path, limit, prefixes }: SearchRequest): Promise<SqlRows> {
    await this.#updateIndex()
    say({ kind: 'begun' })
    const { result } = this.#prepare(prefixes === null ? SEARCH_ALL : SEARCH_WITHIN)
    return readRows(
      result,
      [expression, path, limit, ...(prefixes === null ? [] : [JSON.stringify(prefixes)])],
      limit,
    )
  }

  /** What is told of an error: SQLite's own words, and what to do. */
  explain(error: unknown): QueryMessage {
    return explainQueryError(error, { refused: this.#guard.refused, views: [...this.#names.views, 'search'] })
  }

  #prepare(query: string) {
    return this.#reading.watch(() => this.#guard.watch(() => prepareOne(this.#database, query)))
  }

  /** Makes the index visible to queries. Where its file cannot be opened, everything but searching works. */
  #openIndex(): SearchIndex | Error {
    try {
      const index = SearchIndex.open(file, indexFile)
      this.#database.prepare(`ATTACH ? AS ${INDEX_SCHEMA}`).run(indexFile)
      return index
    } catch (error) {
      if (error instanceof Error && 'code' in error) return error
      throw error
    }
  }

  async #updateIndex(): Promise<void> {
    if (this.#index instanceof Error)
      throw new QueryRefusal(`the search index ${indexFile} cannot be opened: ${this.#index.message}`)
    await this.#index.update((progress) => say({ kind: 'indexing', progress }))
  }
}

/** For a caller who does not read everything. */
function sqlWithin(query: string, parameters: SqlParameters, rowsMax: number, reach: QueryReach): SqlRows {
  const narrowed = new NarrowedFile(file, reach)
  try {
    const statement = narrowed.prepare(query)
    checkParameters(statement.sourceSQL, parameters)
    say({ kind: 'begun' })
    return readRows(statement, parameters, rowsMax)
  } catch (error) {
    throw narrowed.explain(error)
  } finally {
    narrowed.close()
  }
}

const answerer = new Answerer()

async function answer(request: QueryRequest): Promise<void> {
  await isWatched
  setBusy(true)
  try {
    say({
      kind: 'rows',
      answer: await (request.kind === 'sql' ? answerer.sql(request) : answerer.search(request)),
    })
  } catch (error) {
    say(answerer.explain(error))
  } finally {
    setBusy(false)
  }
}

function setBusy(isBusy: boolean): void {
  Atomics.store(busy, 0, isBusy ? 1 : 0)
  Atomics.notify(busy, 0)
}

process.on('message', (request) => void answer(request as QueryRequest))
process.on('disconnect', () => process.exit(0))
say({ kind: 'ready' })
