import type { KindView } from '../space-store.ts'
import type { Database } from './database.ts'

/**
 * The views of declared kinds, one for each: the maps strictly below its path, a row each, their fields as columns. The declarations
 * may be a stranger's: names and texts are quoted here, and whatever else has the name of a kind in the file stays what it is.
 * Invariant: `kind_views` names the views made here, with their text, and no other.
 */
export class KindViews {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** True where the file has exactly these. */
  has(views: readonly KindView[]): boolean {
    const made = this.#made()
    const isThere = (name: string, sql: string) => made.get(name) === sql && this.#textOf(name) === sql
    return made.size === views.length && views.every((view) => isThere(view.name, viewOf(view)))
  }

  /** Makes the file have exactly these; within a transaction. Returns the names that something else has there. */
  put(views: readonly KindView[]): readonly string[] {
    const wanted = new Map(views.map((view) => [view.name, viewOf(view)]))
    const made = this.#made()
    for (const [name, sql] of made) if (wanted.get(name) !== sql) this.#drop(name, sql)
    const taken: string[] = []
    for (const [name, sql] of wanted) {
      if (made.get(name) === sql && this.#textOf(name) === sql) continue
      if (this.#textOf(name) !== undefined) taken.push(name)
      else {
        this.#database.query(sql).run()
        this.#database
          .query<[string, string]>('INSERT OR REPLACE INTO kind_views VALUES (?, ?)')
          .run(name, sql)
      }
    }
    return taken
  }

  #made(): ReadonlyMap<string, string> {
    const rows = this.#database.query<[], [string, string]>('SELECT name, sql FROM kind_views').all()
    return new Map(rows)
  }

  /** What has that name in the file; names are the same in capitals. */
  #textOf(name: string): string | null | undefined {
    return this.#database
      .query<[string], [string | null]>('SELECT sql FROM sqlite_schema WHERE name = ? COLLATE NOCASE')
      .get(name)?.[0]
  }

  #drop(name: string, sql: string): void {
    if (this.#textOf(name) === sql) this.#database.query(`DROP VIEW ${identifier(name)}`).run()
    this.#database.query<[string]>('DELETE FROM kind_views WHERE name = ?').run(name)
  }
}

/** The text of a kind's view, as SQLite keeps it. */
export function viewOf(kind: KindView): string {
  return `CREATE VIEW ${identifier(kind.name)} AS${selectOfKind(kind, 'cells')}`
}

/** What a kind's view selects from a table of cells. */
export function selectOfKind({ path, columns }: KindView, cells: string): string {
  const below =
    path === ''
      ? `c.path > ''`
      : // `0` is the first character after the slash.
        `c.path >= ${literal(`${path}/`)} AND c.path < ${literal(`${path}0`)}`
  const keyAt = path === '' ? 1 : Array.from(path).length + 2
  const values = columns.map(
    (column) => `,
    max(CASE c.field WHEN ${literal(column.name)} THEN ${valueAs(column.type)} END) AS ${identifier(column.name)}`,
  )
  return `
  SELECT c.path AS path, substr(c.path, ${keyAt}) AS key${values.join('')}
  FROM ${cells} c WHERE c.type = 'map' AND c.operation IS NOT NULL AND c.removed = 0 AND ${below}
  GROUP BY c.path`
}

/** A value as its column's type has it; NULL where it is of another. Everything has a text. */
function valueAs(type: KindView['columns'][number]['type']): string {
  switch (type) {
    case 'text':
      return `CAST(c.json ->> '$' AS TEXT)`
    case 'integer':
      return `CASE WHEN json_type(c.json) IN ('integer', 'true', 'false') THEN c.json ->> '$' END`
    case 'real':
      return `CASE WHEN json_type(c.json) IN ('integer', 'real') THEN CAST(c.json ->> '$' AS REAL) END`
    case 'json':
      return 'c.json'
  }
}

/** A name in SQL. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text in SQL. SQLite stops reading at a NUL, so that what is not plainly printable goes by its bytes. */
export function literal(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `'${text.replaceAll("'", "''")}'`
  return `CAST(x'${Buffer.from(text).toString('hex')}' AS TEXT)`
}
