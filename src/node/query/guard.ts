import { constants, type DatabaseSync } from 'node:sqlite'
import { INDEX_SCHEMA } from './search-index.ts'

/** Tables of a space's file that the documented views read. What is not here (notes, ids) is no one's to query. */
const TABLES: ReadonlySet<string> = new Set([
  'author_keys',
  'cells',
  'forks',
  'history',
  'log_ends_upto',
  'log_heads',
  'masks',
  'operation_log',
  'refused',
  'siblings',
  'text_pieces',
  'token_publishers',
  'tokens',
])

/** SQLite's own tables, to look at what there is, and its functions that give tables. */
const OWN_TABLES: ReadonlySet<string> = new Set([
  'sqlite_master',
  'sqlite_schema',
  'json_each',
  'json_tree',
  'pragma_table_info',
  'pragma_table_list',
])

/** `data_version` is asked for by FTS5 itself. */
const PRAGMAS: ReadonlySet<string> = new Set(['data_version', 'table_info', 'table_list', 'table_xinfo'])

/**
 * Functions that compute and nothing else (sqlite.org/lang_corefunc.html, aggregates, windows, dates, mathematics, JSON, FTS5). Left out:
 * what loads code, says something of this process, or only makes large values.
 */
const FUNCTIONS: ReadonlySet<string> = new Set(
  `abs char coalesce concat concat_ws format glob hex if ifnull iif instr length like likelihood likely lower ltrim max min nullif
  octet_length printf quote replace round rtrim sign soundex substr substring trim typeof unhex unicode unistr unlikely upper
  avg count group_concat string_agg sum total median percentile percentile_cont percentile_disc
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp
  acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians sin sinh
  sqrt tan tanh trunc
  json json_array json_array_length json_error_position json_extract json_insert json_object json_patch json_pretty json_quote
  json_remove json_replace json_set json_type json_valid json_group_array json_group_object jsonb jsonb_array jsonb_extract
  jsonb_object jsonb_group_array jsonb_group_object -> ->>
  bm25 highlight snippet match random`.split(/\s+/),
)

/** A column that a statement reads. */
export interface Asked {
  /** In small letters. */
  readonly table: string
  readonly column: string
  /** Null for what has no schema: a name that the statement gives itself, or a function. */
  readonly schema: string | null
  /** The innermost view that reads it, or the innermost name that the statement gives itself; empty where there is none. */
  readonly within: string
}

/** What a file has, in small letters. */
export interface FileNames {
  readonly views: ReadonlySet<string>
  readonly tables: ReadonlySet<string>
}

/**
 * Lets a connection do nothing but read what users may read: SQLite asks for each table, function and action when it prepares a
 * statement. Default deny. The file is opened read-only besides, and a connection has no more rights than that.
 */
export class QueryGuard {
  readonly #mayRead: (asked: Asked) => boolean
  readonly #pragmas: ReadonlySet<string>
  #refused: string | null = null

  /** `mayRead`: asked for each column that is read. */
  constructor(database: DatabaseSync, mayRead: (asked: Asked) => boolean, pragmas = PRAGMAS) {
    this.#mayRead = mayRead
    this.#pragmas = pragmas
    database.setAuthorizer((action, first, second, schema, within) =>
      this.#decide(action, first ?? '', second ?? '', schema, within ?? ''),
    )
  }

  /** Runs `prepare`, and remembers what it was not allowed. */
  watch<T>(prepare: () => T): T {
    this.#refused = null
    return prepare()
  }

  /** What the query prepared last was not allowed. */
  get refused(): string | null {
    return this.#refused
  }

  #decide(action: number, first: string, second: string, schema: string | null, within: string): number {
    const refusal = this.#refusal(action, first, second, schema, within)
    if (refusal === null) return constants.SQLITE_OK
    this.#refused ??= refusal
    return constants.SQLITE_DENY
  }

  #refusal(
    action: number,
    first: string,
    second: string,
    schema: string | null,
    within: string,
  ): string | null {
    switch (action) {
      case constants.SQLITE_SELECT:
      case constants.SQLITE_RECURSIVE:
        return null
      case constants.SQLITE_READ:
        return this.#mayRead({ table: first.toLowerCase(), column: second, schema, within })
          ? null
          : `read the table ${first}`
      case constants.SQLITE_FUNCTION:
        return FUNCTIONS.has(second.toLowerCase()) ? null : `use the function ${second}`
      case constants.SQLITE_PRAGMA:
        return this.#pragmas.has(first.toLowerCase()) ? null : `use PRAGMA ${first}`
      default:
        return 'do anything but read'
    }
  }
}

/** What whoever reads everything may read: the views and what they are over, the search index, and what there is. */
export class WholeReading {
  readonly #names: () => FileNames
  #searches = false

  /** `names`: what the file has now, kinds among it. */
  constructor(names: () => FileNames) {
    this.#names = names
  }

  /** Runs `prepare`, and tells whether the statement reads the search index. */
  watch<T>(prepare: () => T): { readonly result: T; readonly searches: boolean } {
    this.#searches = false
    const result = prepare()
    return { result, searches: this.#searches }
  }

  mayRead({ table, column, schema }: Asked): boolean {
    this.#searches ||= table === 'search'
    if (schema === INDEX_SCHEMA || table === 'search')
      return table === 'search' || table.startsWith('search_')
    const { views, tables } = this.#names()
    if (TABLES.has(table) || OWN_TABLES.has(table) || views.has(table)) return true
    // What no column is read of, and is no table of the file, is a name that the query itself has given (WITH).
    return schema === null && column === '' && !tables.has(table)
  }
}
