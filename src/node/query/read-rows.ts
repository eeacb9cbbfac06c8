import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SQL_ANSWER_BYTES_MAX, SQL_COLUMNS_MAX } from '../../core/limits.ts'
import type { SqlParameters, SqlRows, SqlValue } from './query-message.ts'

/** Why a query is not answered, in words of ours; SQLite's own errors are thrown as they are. */
export class QueryRefusal extends Error {
  readonly code: string

  constructor(message: string, code = 'SQL_ERROR') {
    super(message)
    this.code = code
  }
}

/**
 * Prepares one statement. Text after its end is refused, where SQLite would leave it out in silence; a comment may stand there.
 */
export function prepareOne(database: DatabaseSync, query: string): StatementSync {
  // SQLite reads no further than a NUL.
  if (query.includes('\0')) throw new QueryRefusal('the query has a NUL character')
  const statement = database.prepare(query)
  const rest = query.slice(statement.sourceSQL.length).replaceAll(/--[^\n]*|\/\*[^]*?(\*\/|$)|[\s;]/g, '')
  if (rest !== '') throw new QueryRefusal('one statement at a time: there is more after the first semicolon')
  statement.setReturnArrays(true)
  statement.setReadBigInts(true)
  return statement
}

/** Reads rows until there are no more, or as many as `rowsMax`, or as much as an answer holds. */
export function readRows(statement: StatementSync, parameters: SqlParameters, rowsMax: number): SqlRows {
  const columns = distinctNames(statement.columns().map(({ name }) => name))
  if (columns.length > SQL_COLUMNS_MAX) throw new QueryRefusal(`at most ${SQL_COLUMNS_MAX} columns`)
  const rows: SqlValue[][] = []
  let bytes = 0
  for (const row of iterate(statement, parameters)) {
    bytes += row.reduce<number>((sum, value) => sum + sizeOf(value), 0)
    if (bytes > SQL_ANSWER_BYTES_MAX && rows.length === 0)
      throw new QueryRefusal(
        `the first row alone has more than ${SQL_ANSWER_BYTES_MAX} bytes: select less of it`,
      )
    if (rows.length === rowsMax || bytes > SQL_ANSWER_BYTES_MAX) return { columns, rows, more: true }
    rows.push(row.map(narrow))
  }
  return { columns, rows, more: false }
}

function iterate(statement: StatementSync, parameters: SqlParameters): Iterable<SqlValue[]> {
  const rows = isByPlace(parameters)
    ? statement.iterate(...parameters.map(toInput))
    : statement.iterate(
        Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, toInput(value)])),
      )
  return rows as unknown as Iterable<SqlValue[]>
}

const isByPlace = (parameters: SqlParameters): parameters is readonly SqlValue[] => Array.isArray(parameters)

/** A whole number goes in as an integer; as a number it would be 42.0. */
function toInput(value: SqlValue): SQLInputValue {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
}

/** Names each once, as SQLite numbers them in a view: `path`, `path:1`. */
function distinctNames(names: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return names.map((name) => {
    let distinct = name
    for (let number = 1; seen.has(distinct); number++) distinct = `${name}:${number}`
    seen.add(distinct)
    return distinct
  })
}

function sizeOf(value: SqlValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.length : 8
}

/** Every integer comes as a bigint; those that a number holds become one. */
function narrow(value: SqlValue): SqlValue {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
