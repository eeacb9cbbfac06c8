import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SQL_PREFIXES_MAX } from '../../src/core/limits.ts'
import type { FaultError } from '../../src/node/fault-error.ts'
import type { SqlResult } from '../../src/node/query/space-queries.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createQueryHome, type QueryHome } from './query-home.ts'

/** Written outside the reach alone, in every place where something can be written. */
const SECRET = 'umbrella'
const within = ['notes', 'shared/board']

let home: QueryHome
let space: Space
beforeAll(async () => {
  home = await createQueryHome()
  ;({ space } = home)
  for (const at of ['notes', 'shared/board', 'vault', 'notes-of-others', 'shared/boards', 'shared']) {
    const word = within.includes(at) ? 'plain' : SECRET
    space.put(`${at}/register`, `${word} at ${at}`)
    space.edit(`${at}/map`, { [`${word}-field`]: word, name: 'Ada' })
    space.link(`${at}/map`, `${word}-of`, `${at}/register`, { word })
    space.append(`${at}/log`, { what: word })
    space.tag(`${at}/set`, [`${word}-tag`])
    space.increment(`${at}/counter`, 3)
    space.text(`${at}/text`).insert(0, `${word} in a text, again ${word}`)
    space.claim(`${at}/claim`, word)
    await space.blobs.put(`${at}/blob`, new Uint8Array(8), { name: `${word}.bin` })
    space.queries.kinds.declare({ name: `kind_${word}`, path: at, columns: [{ name: 'name', type: 'text' }] })
  }
  space.put('notes', 'at the very path')
})
afterAll(async () => home.close())

const ask = async (query: string, parameters: readonly string[] = []): Promise<SqlResult> =>
  await space.sql(query, parameters, { within })
const codeOf = async (query: string): Promise<string> => {
  const answer = await ask(query).then(
    (result) => ({ code: 'ANSWERED', detail: JSON.stringify(result.rows) }),
    (error: unknown) => {
      const { code, message } = error as FaultError
      return { code, detail: message }
    },
  )
  expect(answer.detail).not.toContain(SECRET)
  return answer.code
}

const CELL_VIEWS = 'items fields events tags counters texts blobs claims'.split(' ')

describe('SQL within reach', () => {
  it.each([...CELL_VIEWS, 'edges', 'conflicts', 'operations'])(
    'has in %s what the whole view has at and below the paths, and no more',
    async (view) => {
      const column = view === 'edges' ? 'source' : 'path'
      const isWithin = within
        .map((path) => `${column} = '${path}' OR ${column} LIKE '${path}/%'`)
        .join(' OR ')
      const whole = await space.sql(`SELECT * FROM ${view} WHERE ${isWithin} ORDER BY 1, 2, 3`)
      const narrowed = await ask(`SELECT * FROM ${view} ORDER BY 1, 2, 3`)
      expect(narrowed).toEqual(whole)
      if (view !== 'conflicts') expect(narrowed.rows.length).toBeGreaterThan(0)
      expect(JSON.stringify(narrowed.rows)).not.toContain(SECRET)
    },
  )

  it('has no row of what says nothing about a path, under the same columns', async () => {
    for (const view of ['refusals', 'delegations']) {
      const whole = await space.sql(`SELECT * FROM ${view}`)
      expect(await ask(`SELECT * FROM ${view}`)).toEqual({ ...whole, rows: [] })
    }
  })

  it('counts of authors and heads only what lies within', async () => {
    const [author] = (await ask('SELECT * FROM authors')).rows
    const { rows } = await ask('SELECT count(*) AS operations, max(time) AS time FROM operations')
    expect(author).toMatchObject({ operations: rows[0]?.['operations'], last_time: rows[0]?.['time'] })
    // The last operation of all was written to `notes`.
    expect((await ask('SELECT seq FROM heads')).rows).toHaveLength(1)
    space.put('vault/last', SECRET)
    expect((await ask('SELECT seq FROM heads')).rows).toEqual([])
    const columns = (await space.sql('SELECT * FROM authors')).columns
    expect((await ask('SELECT * FROM authors')).columns).toEqual(columns)
  })

  it('joins, groups, nests and walks as everywhere', async () => {
    const query = `WITH RECURSIVE way (path) AS (SELECT 'notes/map' UNION SELECT e.target FROM way JOIN edges e ON e.source = way.path)
      SELECT i.path, j.key, count(*) OVER () AS n FROM way JOIN items i USING (path), json_each(i.value) j
      WHERE EXISTS (SELECT 1 FROM fields f WHERE f.path = i.path) GROUP BY 1, 2 ORDER BY 1, 2`
    expect((await ask(query)).rows).not.toEqual([])
    expect((await ask('SELECT count(*) AS n FROM items')).rows).toEqual(
      (await ask('SELECT count(path) AS n FROM items')).rows,
    )
  })

  it('says of a kind that is not within what it says of one that is not', async () => {
    const answers = await Promise.all(
      ['kind_umbrella', 'kind_nobody'].map(async (name) => {
        const queries = [
          `SELECT * FROM ${name}`,
          `SELECT x FROM main.${name}`,
          `SELECT count(*) FROM items, ${name}`,
        ]
        const details = queries.map(async (query) => {
          const { code, message } = (await ask(query).catch((error: unknown) => error)) as FaultError
          return `${code} ${message.replaceAll('main.', '').replaceAll(name, 'NAME')}`
        })
        return await Promise.all(details)
      }),
    )
    expect(answers[0]).toEqual(answers[1])
  })

  it('has the views of the kinds whose declarations lie within, over the items within', async () => {
    expect(await codeOf('SELECT * FROM kind_plain')).toBe('SQL_ERROR')
    const reach = ['kinds/kind_plain', 'shared/board']
    const { rows } = await space.sql('SELECT * FROM kind_plain', [], { within: reach })
    expect(rows).toEqual([{ path: 'shared/board/map', key: 'map', name: 'Ada' }])
    await expect(space.sql('SELECT * FROM kind_umbrella', [], { within: reach })).rejects.toMatchObject({
      code: 'SQL_ERROR',
    })
  })

  it.each([
    ...CELL_VIEWS.map((view) => `SELECT * FROM main.${view}`),
    'SELECT * FROM main.operations',
    'SELECT * FROM main.refusals',
    'SELECT * FROM cells',
    'SELECT * FROM main.cells',
    'SELECT * FROM "CELLS"',
    'SELECT count(*) FROM cells',
    'SELECT count(*) FROM main.operation_log',
    'SELECT 1 FROM operation_log',
    'SELECT * FROM tokens',
    'SELECT * FROM notes',
    'SELECT * FROM history',
    'SELECT * FROM kind_views',
    'SELECT * FROM text_pieces',
    'SELECT * FROM sqlite_master',
    'SELECT * FROM sqlite_schema',
    'SELECT * FROM main.sqlite_schema',
    'SELECT * FROM temp.sqlite_schema',
    'SELECT * FROM sqlite_temp_schema',
    'SELECT * FROM sqlite_temp_master',
    "SELECT * FROM pragma_table_info('cells')",
    'SELECT * FROM pragma_table_list',
    'SELECT * FROM pragma_database_list',
    'SELECT * FROM pragma_function_list',
    'PRAGMA table_list',
    'PRAGMA table_info(items)',
    'PRAGMA query_only = OFF',
    "ATTACH 'x' AS y",
    'DETACH temp',
    'SELECT * FROM search',
    "SELECT * FROM search WHERE search MATCH 'umbrella'",
    'SELECT * FROM words.search',
    'SELECT * FROM search_content',
    'SELECT * FROM dbstat',
    'SELECT * FROM sqlite_stat1',
    'DROP VIEW temp.items',
    'CREATE TEMP VIEW x AS SELECT * FROM main.cells',
    'CREATE TEMP TABLE x AS SELECT * FROM main.cells',
    "INSERT INTO cells (path) VALUES ('x')",
    'BEGIN',
    "VACUUM INTO 'x'",
    "SELECT load_extension('x')",
    "SELECT readfile('x')",
    // Names that a query gives, in the place of the views that may read.
    'WITH items AS (SELECT * FROM main.cells) SELECT * FROM items',
    'WITH cells AS (SELECT * FROM main.cells) SELECT * FROM cells',
    'WITH RECURSIVE items AS (SELECT path FROM main.cells UNION ALL SELECT path FROM items LIMIT 9) SELECT * FROM items',
    'SELECT * FROM (SELECT * FROM main.cells) items',
    'SELECT * FROM (SELECT * FROM main.operation_log) AS operations',
    'WITH operations AS MATERIALIZED (SELECT * FROM main.operation_log) SELECT count(*) FROM operations',
    'SELECT (SELECT group_concat(path) FROM main.cells) FROM items',
    'SELECT * FROM items WHERE EXISTS (SELECT 1 FROM main.cells)',
    'SELECT * FROM items JOIN main.cells USING (path)',
    'SELECT * FROM items UNION SELECT path, 1, 1, 1, 1 FROM main.cells',
    'SELECT * FROM json_each((SELECT json_group_array(path) FROM main.cells))',
    'SELECT path FROM items ORDER BY (SELECT max(json) FROM main.cells)',
    'SELECT sum(1) OVER (ORDER BY (SELECT max(json) FROM main.cells)) FROM items',
    'VALUES ((SELECT max(json) FROM main.cells))',
    'EXPLAIN QUERY PLAN SELECT * FROM main.cells',
  ])('does not answer %s', async (query) => {
    expect(['SQL_FORBIDDEN', 'SQL_ERROR']).toContain(await codeOf(query))
  })

  it('tells names that only hold for the query that asks', async () => {
    const plan = JSON.stringify((await ask('EXPLAIN QUERY PLAN SELECT * FROM items')).rows)
    const names = plan.match(/s[0-9a-f]{32}_\w+/g) ?? []
    for (const name of [...names, 's'.concat('0'.repeat(32), '_cells')])
      expect(await codeOf(`SELECT * FROM ${name}`)).toBe('SQL_ERROR')
    for (const name of names)
      expect(await codeOf(`WITH ${name} AS (SELECT * FROM main.cells) SELECT * FROM ${name}`)).toBe(
        'SQL_FORBIDDEN',
      )
  })

  it('finds nothing of others after their query, nor they of its', async () => {
    const [one, other] = await Promise.all([
      space.sql('SELECT path FROM items', [], { within: ['vault'] }),
      space.sql('SELECT path FROM items', [], { within: ['shared/board/text'] }),
    ])
    expect(one.rows.every(({ path }) => String(path).startsWith('vault'))).toBe(true)
    expect(other.rows).toEqual([{ path: 'shared/board/text' }])
    expect((await space.sql('SELECT path FROM items', [], { within: [] })).rows).toEqual([])
  })

  it('takes paths of any characters', async () => {
    space.put("notes/it's", 1)
    space.put('notes/ü-\u{1f30a}/below', 2)
    for (const path of ["notes/it's", 'notes/ü-\u{1f30a}'])
      expect((await space.sql('SELECT path FROM items', [], { within: [path] })).rows).toHaveLength(1)
  })

  it('is narrowed to at most SQL_PREFIXES_MAX paths', async () => {
    const paths = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`)
    const options = { within: [...paths(SQL_PREFIXES_MAX - 1), 'notes'] }
    expect((await space.sql('SELECT path FROM items', [], options)).rows.length).toBeGreaterThan(5)
    await expect(space.sql('SELECT 1', [], { within: paths(SQL_PREFIXES_MAX + 1) })).rejects.toMatchObject({
      code: 'LIMIT',
    })
  })
})

describe('searching within reach', () => {
  it('finds what lies within, and nothing else', async () => {
    expect(await space.search(SECRET, { within })).toEqual([])
    const found = await space.search('plain', { within })
    expect(new Set(found.map(({ path }) => path.split('/')[0]))).toEqual(
      new Set(within.map((path) => path.split('/')[0])),
    )
    expect(found.map(({ path }) => path)).toContain('notes/text')
    expect(found[0]?.snippet).toContain('⟦plain⟧')
    expect(
      (await space.search('plain', { within, path: 'shared' })).every(({ path }) =>
        path.startsWith('shared/board/'),
      ),
    ).toBe(true)
  })

  it('scores by nothing that lies outside', async () => {
    const before = await space.search('again', { within })
    space.put('vault/much', 'again and again and again')
    expect(await space.search('again', { within })).toEqual(before)
  })
})
