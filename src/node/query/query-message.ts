import type { KindView } from '../../storage/space-store.ts'

/**
 * What passes between a node and a process that answers queries for it (query-main.ts), by structured clone over the channel that Node
 * opens for it. Both sides are this program, so nothing of it is a stranger's but the queries.
 */

/** A value as SQLite has it; integers that a number cannot hold are bigints. */
export type SqlValue = null | number | bigint | string | Uint8Array

/** By place, or by name without the sign in front. */
export type SqlParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>

/** What somebody may read who does not read everything. */
export interface QueryReach {
  /** At and below these paths. */
  readonly prefixes: readonly string[]
  /** Kinds whose declarations are there. */
  readonly kinds: readonly KindView[]
}

/** One query of the user's, under guard. */
export interface SqlRequest {
  readonly kind: 'sql'
  readonly query: string
  readonly parameters: SqlParameters
  readonly rowsMax: number
  /** Null: everything. */
  readonly reach: QueryReach | null
}

/** One search, in the syntax of FTS5. */
export interface SearchRequest {
  readonly kind: 'search'
  readonly expression: string
  readonly path: string
  readonly limit: number
  /** At and below which paths; null: everywhere. */
  readonly prefixes: readonly string[] | null
}

export type QueryRequest = SqlRequest | SearchRequest

/** Rows of an answer; the columns have names of their own, each once. */
export interface SqlRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly SqlValue[])[]
  /** True where there are more rows than were asked for, or than an answer holds. */
  readonly more: boolean
}

/** How far the search index is. */
export interface IndexProgress {
  readonly done: number
  readonly total: number
}

/** What a process says. `ready` comes first, and then the answers to one request after the other. */
export type QueryMessage =
  | { readonly kind: 'ready' }
  /** The search index is being brought up to date; the time of the query has not begun. */
  | { readonly kind: 'indexing'; readonly progress: IndexProgress }
  /** The time of the query begins. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'rows'; readonly answer: SqlRows }
  | { readonly kind: 'fault'; readonly code: string; readonly detail: string }

/** What such a process is told when it is started, as JSON. */
export interface QueryProcessInit {
  readonly file: string
  /** Of the search index, which may not be there yet. */
  readonly indexFile: string
  /** Process id of whoever starts it. */
  readonly parent: number
}

/** What the thread that watches such a process is given. */
export interface WatchdogInit {
  /** One number: 1 while a query runs, woken at a change. */
  readonly busy: Int32Array
  readonly parent: number
}

/** Why a process ended itself, on its standard error. */
export const OUT_OF_MEMORY = 'hanse-query: too much memory'
