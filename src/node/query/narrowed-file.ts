import { randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { identifier, literal, selectOfKind } from '../../storage/sqlite/kind-views.ts'
import { namesOfSchema } from '../../storage/sqlite/inspect.ts'
import { viewsWithin } from '../../storage/sqlite/views.ts'
import {
  SQL_COLUMNS_MAX,
  SQL_QUERY_CHARACTERS_MAX,
  SQL_VALUE_BYTES_MAX,
  STORE_BUSY_TIMEOUT_MS,
} from '../../core/limits.ts'
import { explainNoTable, explainQueryError } from './explain-query-error.ts'
import { type Asked, QueryGuard } from './guard.ts'
import type { QueryReach } from './query-message.ts'
import { prepareOne, QueryRefusal } from './read-rows.ts'

/** Tables of a space's file that the narrowed views read. */
const TABLES: ReadonlySet<string> = new Set([
  'author_keys',
  'cells',
  'forks',
  'history',
  'log_ends_upto',
  'log_heads',
  'masks',
  'operation_log',
  'siblings',
  'text_pieces',
])

/** What SQLite calls its own tables. */
const SCHEMA_TABLES = ['sqlite_master', 'sqlite_schema', 'sqlite_temp_master', 'sqlite_temp_schema']

/** Functions of SQLite that give tables of their arguments. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['json_each', 'json_tree'])

/**
 * A space's file as somebody sees it who does not read all of it: the documented views over what lies at and below some paths, and
 * nothing else. Invariants:
 * 1. a connection serves one query of one caller, and is closed: nothing of a caller's is there for the next;
 * 2. a table of the file is read through views alone whose names begin with 128 random bits. SQLite tells its authorizer from within
 *    which view something is read, but a name that a query gives (`WITH items AS …`) looks the same to it: nobody can give these, since
 *    they are drawn for this one query, and it cannot ask for them;
 *    A table that is read without any of its columns is not told so; it may be where the query does not have its name anywhere;
 * 3. what says nothing about a path has no rows (viewsWithin), and what is not known here is denied.
 */
export class NarrowedFile {
  readonly #database: DatabaseSync
  readonly #guard: QueryGuard
  /** In small letters. */
  #query = ''
  /** What else the file has, in small letters: kinds that are not within, and whatever somebody has put there. */
  readonly #hidden: ReadonlySet<string>
  /** Tables of the file, and those that SQLite makes up, in small letters: none is a name that a query has given. */
  readonly #tables: ReadonlySet<string>
  #asked: string | null = null
  /** What a query may name. */
  readonly views: ReadonlySet<string>

  constructor(file: string, { prefixes, kinds }: QueryReach) {
    this.#database = new DatabaseSync(file, {
      readOnly: true,
      timeout: STORE_BUSY_TIMEOUT_MS,
      limits: {
        length: SQL_VALUE_BYTES_MAX,
        sqlLength: 4 * SQL_QUERY_CHARACTERS_MAX,
        column: SQL_COLUMNS_MAX,
      },
    })
    const secret = `s${randomBytes(16).toString('hex')}_`
    const names = { cells: `${secret}cells`, operations: `${secret}operation_log`, schema: 'main.' }
    const selects = new Map([
      ...viewsWithin(names),
      ...kinds.map((kind) => [kind.name, selectOfKind(kind, names.cells)] as const),
    ])
    const where = whereWithin(prefixes)
    const views = [...selects].map(
      ([name, select]) => `
      CREATE TEMP VIEW ${identifier(`${secret}_${name}`)} AS ${select};
      CREATE TEMP VIEW ${identifier(name)} AS SELECT * FROM ${identifier(`${secret}_${name}`)};`,
    )
    this.#database.exec(`PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
      CREATE TEMP VIEW ${names.cells} AS SELECT * FROM main.cells WHERE ${where};
      CREATE TEMP VIEW ${names.operations} AS SELECT * FROM main.operation_log WHERE ${where};
      ${views.join('')} PRAGMA query_only = ON`)
    this.views = new Set(selects.keys())
    const inFile = this.#namesOf('SELECT lower(name) AS name FROM main.sqlite_schema')
    const modules = this.#namesOf('SELECT lower(name) AS name FROM pragma_module_list')
    const tables = this.#namesOf(
      "SELECT lower(name) AS name FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'",
    )
    this.#tables = new Set([...tables, ...modules, ...SCHEMA_TABLES])
    this.#hidden = new Set(inFile.filter((name) => !namesOfSchema().has(name)))
    this.#guard = new QueryGuard(this.#database, (asked) => this.#decide(asked, secret), new Set())
  }

  /** The statement of a user. Throws what SQLite throws; `refused` says whether it was not allowed. */
  prepare(query: string): StatementSync {
    this.#query = query.toLowerCase()
    this.#asked = null
    return this.#guard.watch(() => prepareOne(this.#database, query))
  }

  /** What is told of an error; of what is hidden, the same as of what is not there. */
  explain(error: unknown): QueryRefusal {
    const views = [...this.views]
    const failed =
      this.#asked === null
        ? explainQueryError(error, { refused: this.#guard.refused, views })
        : explainNoTable(this.#asked, views)
    return new QueryRefusal(failed.detail, failed.code)
  }

  close(): void {
    this.#database.close()
  }

  #decide(asked: Asked, secret: string): boolean {
    if (this.#mayRead(asked, secret)) return true
    const within = asked.within.toLowerCase()
    this.#asked ??= [asked.table, within].find((name) => this.#hidden.has(name)) ?? null
    return false
  }

  #mayRead({ table, column, schema, within }: Asked, secret: string): boolean {
    if (table.startsWith(secret)) return schema === 'temp' || (schema === null && column === '')
    if (schema === 'temp') return this.views.has(table)
    if (schema === 'main' && TABLES.has(table)) {
      // Tables of which a view needs no more than their rows are asked for without a column, and as if the query named them itself.
      return within.startsWith(secret) || (column === '' && !this.#query.includes(table))
    }
    if (schema === 'main') return TABLE_FUNCTIONS.has(table)
    // What no column is read of, in no schema, is a name that the query itself has given (WITH).
    return schema === null && column === '' && !this.#tables.has(table) && !table.startsWith('pragma_')
  }

  #namesOf(query: string): readonly string[] {
    return this.#database
      .prepare(query)
      .all()
      .map(({ name }) => String(name))
  }
}

/** True for the paths at and below these. In text, because views take no parameters. */
function whereWithin(prefixes: readonly string[]): string {
  // `0` is the first character after the slash.
  const below = (prefix: string) =>
    `path = ${literal(prefix)} OR (path > ${literal(`${prefix}/`)} AND path < ${literal(`${prefix}0`)})`
  return prefixes.length === 0 ? '0' : `(${prefixes.map(below).join(' OR ')})`
}
