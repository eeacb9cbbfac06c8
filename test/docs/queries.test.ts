import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  KINDS_MAX,
  KIND_COLUMNS_MAX,
  SQL_ANSWER_BYTES_MAX,
  SQL_PROCESS_MEMORY_BYTES_MAX,
  SQL_PROCESSES_MAX,
  SQL_ROWS,
  SQL_ROWS_MAX,
  SQL_TIMEOUT_MS,
  SQL_TIMEOUT_MS_MAX,
  SQL_VALUE_BYTES_MAX,
  SQL_WAITING_MAX,
} from '../../src/core/limits.ts'
import { SCHEMA } from '../../src/storage/sqlite/schema.ts'
import { createQueryHome, type QueryHome } from '../query/query-home.ts'
import { idOf } from '../storage/fixtures.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/queries.md'), 'utf8')
const examples = [...page.matchAll(/^```sql\n([^]*?)\n```$/gm)].map(([, sql]) => sql as string)

let home: QueryHome
beforeAll(async () => {
  home = await createQueryHome()
  const { space } = home
  const bob = home.member('bob')
  space.edit('people/ada', { name: 'Ada', born: 1815 })
  space.edit('people/bob', { name: 'Bob', born: 1990 })
  space.link('people/bob', 'knows', 'people/ada', { since: 2020 })
  space.link('people/ada', 'knows', 'people/bob')
  space.append('log/weather', { what: 'storm warning' })
  space.tag('people/ada', ['mathematics'])
  space.put('settings/editor', { theme: 'dark' })
  const base = space.put('notes/plan', 'base')
  space.put('notes/plan', 'mine', { after: [base] })
  space.put('notes/plan', 'theirs', { after: [base], author: bob })
  space.write([
    {
      kind: 'attach',
      path: 'files/map',
      reference: { hash: idOf('map'), size: 7, mediaType: 'image/png', name: 'map.png' },
    },
  ])
  space.queries.kinds.declare({
    name: 'people',
    path: 'people',
    columns: [
      { name: 'name', type: 'text' },
      { name: 'born', type: 'integer' },
    ],
  })
})
afterAll(async () => home.close())

describe('docs/queries.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(10)
  })

  it.each(examples)('has a query that finds something: %s', async (sql) => {
    const { rows } = await home.space.sql(sql)
    expect(rows).not.toEqual([])
  })

  it('lists every view with its columns', () => {
    const database = new DatabaseSync(':memory:')
    database.exec(SCHEMA)
    const views = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'view'").all()
    const actual = views.map(({ name }) => {
      const columns = database.prepare(`SELECT * FROM ${String(name)}`).columns()
      return [name, columns.map((column) => column.name)]
    })
    database.close()
    const documented = [
      ...page.matchAll(
        /^\| `(\w+)` \| [^|]+ \| (`path`|`source`|`ordinal`|`author`|`digest`|`id`)(.*) \|$/gm,
      ),
    ].map(([, name, first, rest]) => [
      name,
      [...`${first}${rest}`.matchAll(/`(\w+)`/g)].map(([, column]) => column),
    ])
    const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).toSorted()
    expect(sorted(documented)).toEqual(sorted(actual))
  })

  it('tells the bounds that there are', () => {
    const MIB = 1024 * 1024
    for (const row of [
      `| time | ${SQL_TIMEOUT_MS / 1_000} s (\`--timeout\`, \`timeoutMs\`) | ${SQL_TIMEOUT_MS_MAX / 60_000} minutes`,
      `| rows | ${SQL_ROWS.toLocaleString('en')} (\`--limit\`, \`maxRows\`) | ${SQL_ROWS_MAX.toLocaleString('en')}`,
      `| answer | | ${SQL_ANSWER_BYTES_MAX / MIB} MiB`,
      `| one value | | ${SQL_VALUE_BYTES_MAX / MIB} MiB`,
      `| memory | | ${SQL_PROCESS_MEMORY_BYTES_MAX / MIB} MiB`,
      `| at once | | ${SQL_PROCESSES_MAX} queries of one space, ${SQL_WAITING_MAX} more wait`,
      `At most ${KINDS_MAX} kinds have a view, with ${KIND_COLUMNS_MAX} columns each.`,
    ]) {
      expect(page).toContain(row)
    }
  })
})
