import { SQL_VALUE_BYTES_MAX } from '../../core/limits.ts'
import type { QueryMessage } from './query-message.ts'
import { QueryRefusal } from './read-rows.ts'

/** What is known of a query that failed. */
interface FailedQuery {
  /** What it was not allowed; null where it did nothing of the kind. */
  readonly refused: string | null
  /** What it may name. */
  readonly views: readonly string[]
}

type QueryFault = Extract<QueryMessage, { readonly kind: 'fault' }>

/** What is told of a table that is not there: the same as SQLite says of it. */
export function explainNoTable(name: string, views: readonly string[]): QueryFault {
  const message = `no such table: ${name}`
  return { kind: 'fault', code: 'SQL_ERROR', detail: `${message}${adviceOn(message, list(views))}` }
}

/** What is told of an error: SQLite's own words, and what to do. Throws what is none of SQLite's. */
export function explainQueryError(error: unknown, { refused, views }: FailedQuery): QueryFault {
  if (error instanceof QueryRefusal) return { kind: 'fault', code: error.code, detail: error.message }
  const message = error instanceof Error ? error.message : String(error)
  const listed = list(views)
  if (refused !== null) {
    const advice = refused.startsWith('read') ? `; the views are ${listed}` : ''
    return { kind: 'fault', code: 'SQL_FORBIDDEN', detail: `${message}: a query may not ${refused}${advice}` }
  }
  const isOfSqlite = error instanceof Error && 'code' in error
  if (!isOfSqlite) throw error
  return { kind: 'fault', code: 'SQL_ERROR', detail: `${message}${adviceOn(message, listed)}` }
}

function adviceOn(message: string, listed: string): string {
  if (message.startsWith('no such table')) return `; the views are ${listed}`
  if (message.startsWith('no such column'))
    return '; "select * from VIEW limit 1" shows the columns of a view'
  if (message.includes('too big'))
    return `: a text has at most ${SQL_VALUE_BYTES_MAX} bytes here; select less at once, e.g. from fields or events rather than from items`
  if (message.endsWith('syntax error') && !message.startsWith('fts5'))
    return '; a query is one SELECT in the SQL of SQLite'
  if (message.includes('locked')) return '; try again'
  return ''
}

const list = (views: readonly string[]): string => views.toSorted().join(', ')
