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
import { type FileNames, QueryGuard } from './guard.ts'
import { checkParameters } from './placeholders.ts'
import type {
  QueryMessage,
  QueryProcessInit,
  QueryRequest,
  SearchRequest,
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

const busy = new Int32Array(new SharedArrayBuffer(4))
const watchdog = new Worker(new URL('./watchdog-main.ts', import.meta.url), {
  workerData: { busy, parent } satisfies WatchdogInit,
})
/** Nothing runs unwatched. */
const isWatched = once(watchdog, 'online')
watchdog.unref()

const say = (message: QueryMessage): void => void process.send?.(message)

class Answerer {
  readonly #database: DatabaseSync
  readonly #guard: QueryGuard
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
    this.#guard = new QueryGuard(this.#database, () => this.#names)
  }

  async sql({ query, parameters, rowsMax }: SqlRequest): Promise<SqlRows> {
    this.#readNames()
    const { result, searches } = this.#guard.watch(() => prepareOne(this.#database, query))
    checkParameters(result.sourceSQL, parameters)
    if (searches) await this.#updateIndex()
    say({ kind: 'begun' })
    return readRows(result, parameters, rowsMax)
  }

  async search({ expression, path, limit }: SearchRequest): Promise<SqlRows> {
    await this.#updateIndex()
    say({ kind: 'begun' })
    const statement = this.#guard.watch(() =>
      prepareOne(
        this.#database,
        `SELECT path, type, field, snippet(search, 3, '⟦', '⟧', '…', ${SEARCH_SNIPPET_WORDS_MAX}) AS snippet, -rank AS score
         FROM search WHERE search MATCH ?1 AND (?2 = '' OR path = ?2 OR (path > ?2 || '/' AND path < ?2 || '0'))
         ORDER BY rank, rowid LIMIT ?3`,
      ),
    ).result
    return readRows(statement, [expression, path, limit], limit)
  }

  /** What is told of an error: SQLite's own words, and what to do. */
  explain(error: unknown): QueryMessage {
    if (error instanceof QueryRefusal) return { kind: 'fault', code: error.code, detail: error.message }
    const message = error instanceof Error ? error.message : String(error)
    const { refused } = this.#guard
    if (refused !== null) {
      return {
        kind: 'fault',
        code: 'SQL_FORBIDDEN',
        detail: `${message}: a query may not ${refused}${refused.startsWith('read') ? `; the views are ${this.#listViews()}` : ''}`,
      }
    }
    const isOfSqlite = error instanceof Error && 'code' in error
    if (!isOfSqlite) throw error
    return { kind: 'fault', code: 'SQL_ERROR', detail: `${message}${this.#adviceOn(message)}` }
  }

  #adviceOn(message: string): string {
    if (message.startsWith('no such table')) return `; the views are ${this.#listViews()}`
    if (message.startsWith('no such column'))
      return '; "select * from VIEW limit 1" shows the columns of a view'
    if (message.includes('too big'))
      return `: a text has at most ${SQL_VALUE_BYTES_MAX} bytes here; select less at once, e.g. from fields or events rather than from items`
    if (message.endsWith('syntax error') && !message.startsWith('fts5'))
      return '; a query is one SELECT in the SQL of SQLite'
    if (message.includes('locked')) return '; try again'
    return ''
  }

  #listViews(): string {
    return [...this.#names.views, 'search'].toSorted().join(', ')
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
