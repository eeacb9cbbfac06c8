import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  KIND_COLUMN_BYTES_MAX,
  KIND_COLUMNS_MAX,
  KIND_DECLARATIONS_READ_MAX,
  KIND_FIELDS_READ_MAX,
  KIND_RENEWAL_MS,
  KINDS_MAX,
} from '../../src/core/limits.ts'
import { createNode } from '../../src/node/node.ts'
import { readKind } from '../../src/node/query/kind.ts'
import type { Space } from '../../src/node/space/space.ts'
import { viewOf } from '../../src/storage/sqlite/kind-views.ts'
import { SCHEMA } from '../../src/storage/sqlite/schema.ts'
import { matching } from '../cli/matchers.ts'
import { createQueryHome, type QueryHome } from './query-home.ts'

let home: QueryHome
let space: Space
beforeEach(async () => {
  home = await createQueryHome()
  ;({ space } = home)
  space.edit('people/ada', {
    name: 'Ada',
    born: 1815,
    height: 1.65,
    'Full name': 'Ada Lovelace',
    tags: ['x'],
  })
  space.edit('people/bob', { name: 7, born: 'unknown', height: 2 })
  space.edit('people/bob/home', { name: 'Home' })
  space.edit('people-2/eve', { name: 'Eve' })
  space.put('people/carol', 'no map')
})
afterEach(async () => home.close())

const PEOPLE = {
  name: 'people',
  path: 'people',
  columns: [
    { name: 'name', type: 'text' },
    { name: 'born', type: 'integer' },
    { name: 'height', type: 'real' },
    { name: 'Full name', type: 'text' },
    { name: 'tags', type: 'json' },
  ],
} as const

/** Views in the file, as any client sees them. */
function viewsInFile(): readonly unknown[] {
  const client = new DatabaseSync(home.file, { readOnly: true })
  try {
    return client
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name IN (SELECT name FROM kind_views) ORDER BY name",
      )
      .all()
      .map((row) => row['name'])
  } finally {
    client.close()
  }
}
const problems = () =>
  Object.fromEntries(space.queries.kinds.list().kinds.map(({ name, problem }) => [name, problem]))

describe('a declared kind', () => {
  it('is a view of the maps below its path, with a column for each declared field', async () => {
    expect(space.queries.kinds.declare(PEOPLE)).toMatch(/^[0-9a-f]{64}$/)
    expect(space.get('kinds/people')?.value).toMatchObject({ path: 'people', 'column.born': 'integer' })
    const { rows } = await space.sql(
      'SELECT path, key, name, born, height, "Full name", tags FROM people ORDER BY path',
    )
    expect(rows).toEqual([
      {
        path: 'people/ada',
        key: 'ada',
        name: 'Ada',
        born: 1815,
        height: 1.65,
        'Full name': 'Ada Lovelace',
        tags: '["x"]',
      },
      { path: 'people/bob', key: 'bob', name: '7', born: null, height: 2, 'Full name': null, tags: null },
      {
        path: 'people/bob/home',
        key: 'bob/home',
        name: 'Home',
        born: null,
        height: null,
        'Full name': null,
        tags: null,
      },
    ])
    expect(space.queries.kinds.list()).toMatchObject({
      kinds: [{ name: 'people', path: 'people', problem: null }],
      more: false,
    })
  })

  it('may be of the whole space', async () => {
    space.queries.kinds.declare({ name: 'everything', path: '', columns: [{ name: 'name', type: 'text' }] })
    const { rows } = await space.sql("SELECT key FROM everything WHERE name = 'Eve'")
    expect(rows).toEqual([{ key: 'people-2/eve' }])
  })

  it('finds one item without reading the others', async () => {
    space.queries.kinds.declare(PEOPLE)
    const { rows } = await space.sql("SELECT 1 FROM people WHERE path = 'people/ada'")
    expect(rows).toHaveLength(1)
    const client = new DatabaseSync(home.file, { readOnly: true })
    const plan = client.prepare("EXPLAIN QUERY PLAN SELECT name FROM people WHERE path = 'people/ada'").all()
    expect(plan.map((row) => row['detail']).join()).toMatch(/\(path=\?/)
    client.close()
  })

  it('changes and goes with its declaration', async () => {
    space.queries.kinds.declare(PEOPLE)
    space.queries.kinds.declare({ ...PEOPLE, columns: [{ name: 'name', type: 'text' }] })
    await expect(space.sql('SELECT * FROM people LIMIT 0')).resolves.toMatchObject({
      columns: ['path', 'key', 'name'],
    })
    expect(space.queries.kinds.declare({ ...PEOPLE, columns: [{ name: 'name', type: 'text' }] })).toBe(null)
    expect(space.queries.kinds.remove('people')).toMatch(/^[0-9a-f]{64}$/)
    expect(space.queries.kinds.remove('people')).toBe(null)
    expect(viewsInFile()).toEqual([])
    expect(space.get('people/ada', 'map')).toBeDefined()
  })

  it('is there again when the space is opened again, also where it was declared by somebody else', async () => {
    const bob = home.member('bob')
    space.edit('kinds/people', { path: 'people', 'column.name': 'text' }, [], { author: bob })
    await home.node.stop()
    const again = await createNode({ dataDirectory: home.dataDirectory, online: false })
    expect(viewsInFile()).toEqual(['people'])
    await again.stop()
    const client = new DatabaseSync(home.file)
    client.exec('DROP VIEW people')
    client.close()
    const mended = await createNode({ dataDirectory: home.dataDirectory, online: false })
    expect(viewsInFile()).toEqual(['people'])
    await mended.stop()
  })

  it('is renewed by itself a moment after somebody declared it, and not more often', () => {
    vi.useFakeTimers()
    try {
      space.edit('kinds/people', { path: 'people', 'column.name': 'text' })
      space.edit('kinds/places', { path: 'places' })
      expect(viewsInFile()).toEqual([])
      vi.advanceTimersByTime(KIND_RENEWAL_MS - 1)
      expect(viewsInFile()).toEqual([])
      vi.advanceTimersByTime(1)
      expect(viewsInFile()).toEqual(['people', 'places'])
      space.delete('kinds/places')
      vi.advanceTimersByTime(KIND_RENEWAL_MS)
      expect(viewsInFile()).toEqual(['people'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('goes when whoever declared it is revoked', async () => {
    const bob = home.member('bob')
    space.edit('kinds/people', { path: 'people' }, [], { author: bob })
    await space.sql('SELECT * FROM people')
    space.revoke({
      target: space.delegations().find(({ audience }) => audience !== home.did)?.audience ?? '',
      purge: true,
    })
    await expect(space.sql('SELECT * FROM people')).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })
})

describe('a declaration that does not hold', () => {
  it.each([
    ['People', /small letters/],
    ['1people', /small letters/],
    ['people-2', /small letters/],
    ['a'.repeat(64), /small letters/],
    ['items', /is a name of SQL/],
    ['cells', /is a name of SQL/],
    ['cells_by_target', /is a name of SQL/],
    ['search', /is a name of SQL/],
    ['select', /is a name of SQL/],
    ['sqlite_master', /is a name of SQL/],
    ['json_each', /is a name of SQL/],
    ['pragma_table_info', /is a name of SQL/],
    ['main', /is a name of SQL/],
  ])('is refused for its name: %s', (name, reason) => {
    expect(() => space.queries.kinds.declare({ name, path: 'x', columns: [] })).toThrow(reason)
    space.edit(`kinds/${name}`, { path: 'x' })
    expect(problems()).toEqual({ [name]: matching(reason) })
  })

  it('is told, and harms no other', async () => {
    space.queries.kinds.declare(PEOPLE)
    const bad: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      no_path: { 'column.name': 'text' },
      number: { path: 7 },
      no_such: { path: 'a//b' },
      unseen: { path: 'a\u0000b' },
      typed: { path: 'a', 'column.name': 'blob' },
      twice: { path: 'a', 'column.Name': 'text', 'column.name': 'text' },
      own: { path: 'a', 'column.KEY': 'text' },
      unnamed: { path: 'a', 'column.': 'text' },
      control: { path: 'a', 'column.\u202e': 'text' },
      long: { path: 'a', [`column.${'x'.repeat(KIND_COLUMN_BYTES_MAX + 1)}`]: 'text' },
      wide: Object.fromEntries([
        ['path', 'a'] as const,
        ...Array.from({ length: KIND_COLUMNS_MAX + 1 }, (_, i) => [`column.c${i}`, 'text'] as const),
      ]),
    }
    for (const [name, fields] of Object.entries(bad)) space.edit(`kinds/${name}`, fields)
    expect(problems()).toEqual({
      people: null,
      ...Object.fromEntries(Object.keys(bad).map((name) => [name, matching(/./)])),
    })
    await expect(space.sql('SELECT name FROM people')).resolves.toMatchObject({ more: false })
    expect(viewsInFile()).toEqual(['people'])
  })

  it('leaves alone what the user has made under its name', async () => {
    await home.node.stop()
    const client = new DatabaseSync(home.file)
    client.exec("CREATE TABLE people (mine TEXT); INSERT INTO people VALUES ('kept')")
    client.close()
    const again = await createNode({ dataDirectory: home.dataDirectory, online: false })
    const [reopened] = again.spaces() as [Space]
    reopened.queries.kinds.declare(PEOPLE)
    expect(reopened.queries.kinds.list().kinds).toMatchObject([
      { name: 'people', problem: 'something else in the file is called people' },
    ])
    await again.stop()
    const after = new DatabaseSync(home.file, { readOnly: true })
    expect({ ...after.prepare('SELECT mine FROM people').get() }).toEqual({ mine: 'kept' })
    after.close()
  })

  it('is one of too many, by name', () => {
    const declare = (name: string) => ({ kind: 'edit' as const, path: `kinds/${name}`, set: { path: 'x' } })
    space.write(Array.from({ length: KINDS_MAX + 1 }, (_, i) => declare(`k${String(i).padStart(3, '0')}`)))
    const list = space.queries.kinds.list().kinds
    expect(list.filter(({ problem }) => problem === null)).toHaveLength(KINDS_MAX)
    expect(list.at(-1)?.problem).toMatch(/only the first/)
    expect(viewsInFile()).toHaveLength(KINDS_MAX)
  })

  it('is not even looked at beyond a bound, and neither is what lies below declarations', () => {
    const declare = (name: string) => ({ kind: 'edit' as const, path: `kinds/${name}`, set: { path: 'x' } })
    space.write(Array.from({ length: KIND_DECLARATIONS_READ_MAX - 3 }, (_, i) => declare(`a${i}/below`)))
    // One look for each folder, and one that finds the end.
    space.write([declare('people'), declare('places')])
    expect(space.queries.kinds.list()).toMatchObject({
      kinds: [{ name: 'people' }, { name: 'places' }],
      more: false,
    })
    space.write([declare('zebras')])
    expect(space.queries.kinds.list()).toMatchObject({ more: true })
  })

  it('is read no further than its fields may be many', () => {
    const many = Object.fromEntries(
      Array.from({ length: KIND_FIELDS_READ_MAX }, (_, i) => [`a${String(i).padStart(3, '0')}`, 1]),
    )
    space.edit('kinds/people', { ...many, path: 'people' })
    expect(problems()).toEqual({ people: matching(/path/) })
  })
})

describe('readKind', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.constantFrom(
      '"',
      "'",
      "'); DROP TABLE cells; --",
      'a"b',
      "o'",
      '\0',
      ']',
      '`',
      '--',
      '/*',
      '\\',
      'ä',
      '\u{1f600}',
    ),
  )

  it('lets nothing through that is not exactly one view of the columns it says', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('people', 'x', 'a_1'),
        hostile,
        fc.array(fc.tuple(hostile, fc.constantFrom('text', 'integer', 'real', 'json', 'other', 7)), {
          maxLength: 5,
        }),
        (name, path, columns) => {
          const fields = new Map<string, unknown>([
            ['path', path],
            ...columns.map(([column, type]) => [`column.${column}`, type] as const),
          ])
          const read = readKind(name, fields)
          if (!read.ok) return
          const database = new DatabaseSync(':memory:')
          database.exec(SCHEMA)
          const before = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.[
            'count'
          ] as number
          database.exec(viewOf(read.value))
          const after = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY rowid').all()
          expect(after).toHaveLength(before + 1)
          expect(after.at(-1)).toMatchObject({ name, sql: viewOf(read.value) })
          const shown = database
            .prepare(`SELECT * FROM ${name}`)
            .columns()
            .map((column) => column.name)
          expect(shown).toEqual(['path', 'key', ...read.value.columns.map((column) => column.name)])
          database.close()
        },
      ),
      { numRuns: 300 },
    )
  })
})
