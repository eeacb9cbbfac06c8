import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import {
  SEARCH_BATCH_CELLS_MAX,
  SEARCH_BATCH_CHARACTERS_MAX,
  SEARCH_HITS_MAX,
} from '../../src/core/limits.ts'
import { createNode } from '../../src/node/node.ts'
import { searchExpression } from '../../src/node/query/search-words.ts'
import { searchableText } from '../../src/node/query/search-text.ts'
import { SearchIndex } from '../../src/node/query/search-index.ts'
import type { Space } from '../../src/node/space/space.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import { matching } from '../cli/matchers.ts'
import { createQueryHome, type QueryHome } from './query-home.ts'

let home: QueryHome
let space: Space
beforeEach(async () => {
  home = await createQueryHome()
  ;({ space } = home)
})
afterEach(async () => home.close())

const found = async (words: string, options = {}) =>
  (await space.search(words, options))
    .map(({ path, type, field }) => `${path} ${type} ${field}`.trim())
    .toSorted()

describe('the search index', () => {
  it('takes up large values a few at a time, and keeps what is done, when it is made and when it follows', async () => {
    const index = SearchIndex.open(home.file, `${home.file}.large`)
    const large = `${'\u0001'.repeat(200_000)} storm`
    const perBatch = Math.ceil(SEARCH_BATCH_CHARACTERS_MAX / JSON.stringify(large).length)
    const count = 3 * perBatch
    const indexed = new DatabaseSync(`${home.file}.large`, { readOnly: true })
    const rows = indexed.prepare('SELECT count(*) AS rows FROM search')
    try {
      for (const round of [1, 2]) {
        for (let i = 0; i < count; i++) space.put(`${round}/${i}`, large)
        const kept: number[] = []
        await index.update(() => kept.push(Number(rows.get()?.['rows'])))
        expect(kept.length).toBeGreaterThanOrEqual(2)
        expect(kept[0]).toBeLessThanOrEqual((round - 1) * count + perBatch)
        expect(rows.get()).toEqual({ rows: round * count })
      }
    } finally {
      index.close()
      indexed.close()
    }
  })
})

describe('space.search', () => {
  it('finds words in values of every type that has words', async () => {
    space.put('notes/storm', 'The storm came from the north')
    space.put('notes/deep', { weather: [{ tonight: 'storm and rain' }, 7, null] })
    space.edit('places/quay', { name: 'Storm quay', depth: 7 })
    space.link('places/quay', 'near', 'places/storm', 'seen in a storm')
    const entry = space.append('log/weather', { what: 'storm warning' })
    space.tag('places/quay', ['storm'])
    space.claim('names/storm', 'the great storm')
    space.increment('counts/storm', 3)
    space.write([
      {
        kind: 'text',
        path: 'essays/weather',
        splices: [[0, 0, 'A storm at sea']],
      },
    ])
    expect(await found('storm')).toEqual([
      'essays/weather text',
      matching(new RegExp(`^log/weather log [0-9a-f]{28}${entry}0000$`)),
      'names/storm claim',
      'notes/deep register',
      'notes/storm register',
      'places/quay edge near/places/storm',
      'places/quay map name',
      'places/quay set storm',
    ])
  })

  it('shows what is around the words, the best first', async () => {
    space.put('a', `${'nothing of the kind '.repeat(20)}storm ${'and nothing after '.repeat(20)}`)
    space.put('b', 'storm, storm and storm')
    const [best, other] = await space.search('storm')
    expect(best).toMatchObject({ path: 'b', snippet: '⟦storm⟧, ⟦storm⟧ and ⟦storm⟧' })
    expect(other?.snippet).toMatch(/^….*⟦storm⟧.*…$/)
    expect(best?.score).toBeGreaterThan(other?.score ?? 0)
  })

  it('needs all of the words, takes accents and capitals as they come, and beginnings where told', async () => {
    space.put('a', 'Sturm über Århus')
    space.put('b', 'Sturm')
    expect(await found('sturm')).toEqual(['a register', 'b register'])
    expect(await found('STURM arhus')).toEqual(['a register'])
    expect(await found('uber')).toEqual(['a register'])
    expect(await found('stu')).toEqual([])
    expect(await found('stu*')).toEqual(['a register', 'b register'])
  })

  it('takes signs of the syntax of FTS5 as they stand', async () => {
    space.put('a', 'this OR that: "quoted" (near) NOT -x')
    for (const words of ['OR', '"quoted"', '(near)', 'NOT', '-x', 'that:', 'this OR', '"', 'a"b'])
      await expect(space.search(words === '"' ? '" quoted' : words)).resolves.toBeDefined()
    expect(await found('OR "quoted" (near)')).toEqual(['a register'])
    expect(await found('elsewhere OR that')).toEqual([])
    expect(await found('elsewhere OR that', { raw: true })).toEqual(['a register'])
  })

  it('says what is wrong with an expression, and that there is no word', async () => {
    await expect(space.search('AND', { raw: true })).rejects.toMatchObject({
      code: 'SQL_ERROR',
      message: matching(/^fts5: syntax error near "AND"/),
    })
    await expect(space.search('nobody : x', { raw: true })).rejects.toThrow(/no such column: nobody/)
    for (const words of ['', ' ', '***', '?!']) {
      await expect(space.search(words)).rejects.toMatchObject({ code: 'USAGE' })
    }
  })

  it('keeps to a path, by whole segments, and to a number of hits', async () => {
    space.put('docs', 'storm')
    space.put('docs/a', 'storm')
    space.put('docs/a/b', 'storm')
    space.put('docs-2/a', 'storm')
    expect(await found('storm', { path: 'docs' })).toEqual([
      'docs register',
      'docs/a register',
      'docs/a/b register',
    ])
    expect(await found('storm', { path: 'docs/a' })).toEqual(['docs/a register', 'docs/a/b register'])
    expect(await found('storm', { limit: 2 })).toHaveLength(2)
    await expect(space.search('storm', { limit: SEARCH_HITS_MAX + 1 })).rejects.toMatchObject({
      code: 'USAGE',
    })
    await expect(space.search('storm', { path: 'a//b' })).rejects.toMatchObject({ code: 'BAD_PATH' })
  })

  it('is current: what changed, was deleted or removed is not found any more', async () => {
    space.put('a', 'storm')
    space.edit('b', { x: 'storm', y: 'storm' })
    space.tag('c', ['storm', 'calm'])
    expect(await found('storm')).toHaveLength(4)
    space.put('a', 'calm')
    space.edit('b', {}, ['x'])
    space.tag('c', [], ['storm'])
    expect(await found('storm')).toEqual(['b map y'])
    expect(await found('calm')).toEqual(['a register', 'c set calm'])
    space.delete('b')
    expect(await found('storm')).toEqual([])
  })

  it('does not find what lost its effect, and finds it again when it has it back', async () => {
    const bob = home.member('bob')
    const written = space.put('a', 'storm', { author: bob })
    expect(await found('storm')).toEqual(['a register'])
    space.revoke({ target: formatDid(bob.publicKey), purge: true })
    expect(await found('storm')).toEqual([])
    space.endorse([written])
    expect(await found('storm')).toEqual(['a register'])
  })

  it('goes on after a restart, and begins anew where the index is gone, damaged or of another space', async () => {
    space.put('a', 'storm')
    expect(await found('storm')).toHaveLength(1)
    await home.node.stop()
    const index = home.file.replace(/\.sqlite$/, '.search')
    expect(existsSync(index)).toBe(true)
    const damages = [
      () => {},
      () => ['', '-wal', '-shm'].map((ending) => rmSync(index + ending, { force: true })),
      () => {
        for (const ending of ['-wal', '-shm']) rmSync(index + ending, { force: true })
        writeFileSync(index, 'no database at all '.repeat(400))
      },
      () => {
        const database = new DatabaseSync(index)
        database.exec("UPDATE place SET last = x'00'; DELETE FROM search")
        database.close()
      },
      () => {
        const database = new DatabaseSync(index)
        database.exec('UPDATE place SET ordinal = 1000; DELETE FROM search')
        database.close()
      },
      () => {
        const database = new DatabaseSync(index)
        database.exec('PRAGMA user_version = 99; DELETE FROM search')
        database.close()
      },
    ]
    for (const damage of damages) {
      damage()
      const node = await createNode({ dataDirectory: home.dataDirectory, online: false })
      const [again] = node.spaces() as [Space]
      expect(await again.search('storm')).toMatchObject([{ path: 'a' }])
      await node.stop()
    }
  })

  it('can be asked with SQL as well, as current as that', async () => {
    space.put('a', 'storm in the north')
    const query =
      "SELECT path, snippet(search, 3, '<', '>', '…', 3) AS around FROM search WHERE search MATCH ? ORDER BY rank"
    expect((await space.sql(query, ['storm'])).rows).toEqual([{ path: 'a', around: '<storm> in the…' }])
    space.put('b', 'storm in the south')
    const joined = "SELECT i.path FROM search s JOIN items i USING (path) WHERE s.text MATCH 'south'"
    expect((await space.sql(joined)).rows).toEqual([{ path: 'b' }])
    expect((await space.sql("SELECT count(*) AS n FROM search WHERE text MATCH 'storm'")).rows).toEqual([
      { n: 2 },
    ])
  })

  it('tells how far the index is, batch by batch', async () => {
    const put = (_: unknown, i: number): ItemEdit => ({
      kind: 'edit',
      path: `p/${i >> 6}`,
      set: { [`f${i & 63}`]: `word${i}` },
    })
    const heard: string[] = []
    const options = {
      onProgress: ({ done, total }: { done: number; total: number }) =>
        void heard.push(`${done} of ${total}`),
    }
    for (let batch = 0; batch < 2; batch++)
      space.write(
        Array.from({ length: SEARCH_BATCH_CELLS_MAX }, (_, i) => put(_, i + batch * SEARCH_BATCH_CELLS_MAX)),
      )
    expect(await found('word5000', options)).toEqual(['p/78 map f8'])
    expect(heard.length).toBeGreaterThan(1)
    // The same by following the log.
    for (let batch = 0; batch < 2; batch++)
      space.write(
        Array.from(
          { length: SEARCH_BATCH_CELLS_MAX + 1 },
          (_, i): ItemEdit => ({ kind: 'put', path: `q/${batch}/${i}`, value: `later${i}` }),
        ),
      )
    expect(await found('later4096', options)).toEqual(['q/0/4096 register', 'q/1/4096 register'])
  })
})

describe('the index', () => {
  it('always has what the cells show, however writes and updates take turns', async () => {
    const bob = home.member('bob')
    const paths = fc.constantFrom('a', 'b', 'c')
    const steps = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant('put' as const),
          path: paths,
          value: fc.constantFrom('one', 'two', 7),
        }),
        fc.record({
          kind: fc.constant('edit' as const),
          path: paths,
          set: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('one', 'two')),
          remove: fc.constant([]),
        }),
        fc.record({ kind: fc.constant('tag' as const), path: paths, add: fc.constant(['one']) }),
        fc.record({
          kind: fc.constant('delete' as const),
          path: paths,
          type: fc.constantFrom('register', 'map', 'set'),
        }),
        fc.constant('update' as const),
      ),
      { maxLength: 25 },
    )
    const index = SearchIndex.open(home.file, `${home.file}.index`)
    const client = new DatabaseSync(home.file, { readOnly: true })
    const indexed = new DatabaseSync(`${home.file}.index`, { readOnly: true })
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (taken, isRevoked) => {
        for (const [i, step] of taken.entries()) {
          if (step === 'update') await index.update(() => {})
          else space.write([step], i % 2 === 0 ? { author: bob } : {})
        }
        if (isRevoked) {
          space.revoke({ target: formatDid(bob.publicKey), purge: true })
          home.member('bob')
        }
        await index.update(() => {})
        const expected = client
          .prepare('SELECT path, type, field, json FROM fields ORDER BY path, type, field')
          .all()
          .map(({ path, type, field, json }) => ({
            path,
            type,
            field,
            text: searchableText(type as 'map', field as string, json as string),
          }))
          .filter(({ text }) => text !== '')
        const rows = indexed
          .prepare('SELECT path, type, field, text FROM search ORDER BY path, type, field')
          .all()
        expect(rows.map((row) => ({ ...row }))).toEqual(expected)
      }),
      { numRuns: 30 },
    )
    index.close()
    client.close()
    indexed.close()
  })
})

describe('searchExpression', () => {
  it('makes of any words an expression that FTS5 takes', () => {
    const database = new DatabaseSync(':memory:')
    database.exec("CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'unicode61 remove_diacritics 2')")
    const match = database.prepare('SELECT count(*) AS n FROM t WHERE t MATCH ?')
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom('"', '*', ' ', '(', ')', ':', '^', '-', '+', 'a', 'OR', 'NEAR'),
            fc.string({ unit: 'binary', maxLength: 1 }),
          ),
        }),
        (words) => {
          const expression = searchExpression(words)
          if (expression !== null) expect(match.get(expression)).toEqual({ n: 0 })
        },
      ),
      { numRuns: 2_000 },
    )
    database.close()
  })

  it.each([
    ['storm north', '"storm" AND "north"'],
    ['stor*', '"stor"*'],
    ['a"b', '"a""b"'],
    ['OR', '"OR"'],
  ])('quotes %s', (words, expression) => expect(searchExpression(words)).toBe(expression))
})
