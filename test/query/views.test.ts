import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { parseJson } from '../../src/core/json.ts'
import { formatDid } from '../../src/core/principal.ts'
import { formatValue, fromJsonValue, toJsonValue } from '../../src/core/value-json.ts'
import type { BlobReference } from '../../src/core/types/blob/change.ts'
import type { ClaimValue, EdgeValue, Item, LogValue } from '../../src/node/space/item.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { Replica } from '../../src/node/replica/replica.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import { alice, beginning, forge, mallory, NOW_MS, spaceId, spaceKey, verifier } from '../cast.ts'
import { idOf } from '../storage/fixtures.ts'
import { createQueryHome, type QueryHome } from './query-home.ts'

let home: QueryHome
let client: DatabaseSync
beforeEach(async () => {
  home = await createQueryHome()
  // Any client, without functions of ours.
  client = new DatabaseSync(home.file, { readOnly: true })
})
afterEach(async () => {
  client.close()
  await home.close()
})

const rows = (sql: string, ...parameters: readonly string[]) => {
  const statement = client.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all(...parameters).map((row) => ({ ...row }))
}

const paths = fc.constantFrom('a', 'a/b', 'a-b', 'ä/ö', "it's", 'kinds/x')
const words = fc.constantFrom('one', 'two', 'über', '\u{1f600}', 'a"b', '10', '')
const scalars = fc.oneof(
  words,
  fc.integer(),
  fc.constantFrom(null, true, false, 1.5, 2n ** 60n, 9_007_199_254_740_993n, new Uint8Array([1, 2])),
)
const values = fc.oneof(
  scalars,
  fc.array(scalars, { maxLength: 3 }),
  fc.dictionary(words, scalars, { maxKeys: 3 }),
)
const names = fc.constantFrom('x', 'y', 'ü', '7', "o'")
const references: fc.Arbitrary<BlobReference> = fc.record(
  {
    hash: fc.constantFrom(idOf('p'), idOf('q')),
    size: fc.nat(),
    ...{ mediaType: fc.constantFrom('image/png', 'text/plain'), name: fc.constantFrom('a.png', 'ü "q".txt') },
  },
  { requiredKeys: ['hash', 'size'] },
) as fc.Arbitrary<BlobReference>

const edits: fc.Arbitrary<ItemEdit> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), path: paths, value: values }),
  fc.record({
    kind: fc.constant('edit' as const),
    path: paths,
    set: fc.dictionary(names, values, { minKeys: 1, maxKeys: 3 }),
    remove: fc.constant([]),
  }),
  fc.record({ kind: fc.constant('link' as const), path: paths, label: names, to: paths, value: values }),
  fc.record({ kind: fc.constant('unlink' as const), path: paths, label: names, to: paths }),
  fc.record({ kind: fc.constant('append' as const), path: paths, value: values }),
  fc.record({ kind: fc.constant('tag' as const), path: paths, add: fc.uniqueArray(names, { minLength: 1 }) }),
  fc.record({ kind: fc.constant('tag' as const), path: paths, remove: fc.uniqueArray(names) }),
  fc.record({ kind: fc.constant('count' as const), path: paths, by: fc.integer({ min: -9, max: 9 }) }),
  fc.record({ kind: fc.constant('claim' as const), path: paths, value: values }),
  fc.record({ kind: fc.constant('attach' as const), path: paths, reference: references }),
  fc.record({
    kind: fc.constant('delete' as const),
    path: paths,
    type: fc.constantFrom('register', 'map', 'edge', 'set', 'counter', 'claim', 'blob'),
  }),
)
/** By whom, and upon what: everything, or what was there so many operations ago. */
const plan = fc.array(
  fc.record({
    edits: fc.array(edits, { minLength: 1, maxLength: 3 }),
    isBob: fc.boolean(),
    back: fc.nat(3),
    ahead: fc.nat(2),
  }),
  { minLength: 1, maxLength: 12 },
)

/** A value as JSON says it, for comparing. */
const plain = (value: unknown) => toJsonValue(value)
const asScalar = (value: unknown): unknown => {
  if (value === true) return 1n
  if (value === false) return 0n
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  return typeof value === 'object' && value !== null ? formatValue(value) : value
}

describe('the views', () => {
  it('show what the library lists, whatever was written, concurrently or not, and revoked', async () => {
    await fc.assert(
      fc.asyncProperty(plan, fc.boolean(), async (steps, isRevoked) => {
        const { space } = home
        const bob = home.member('bob')
        const before = [...space.list()].map(({ path, type }) => ({ kind: 'delete' as const, path, type }))
        if (before.length > 0) space.write(before.filter(({ type }) => type !== 'log'))
        const ids: string[] = []
        for (const step of steps) {
          const base = ids.at(-1 - step.back)
          const author = step.isBob ? { author: bob } : {}
          const after = step.back === 0 || base === undefined ? {} : { after: [base] }
          const timeMs = Date.now() + step.ahead * 1_000
          ids.push(space.write(step.edits, { ...author, ...after, timeMs }))
        }
        if (isRevoked) space.revoke({ target: formatDid(bob.publicKey), purge: true })
        compare([...space.list()])
      }),
      { numRuns: 25 },
    )
  })

  function compare(items: readonly Item[]): void {
    const OTHERS =
      'JOIN operations o ON o.id = f.operation WHERE f.author IS NOT o.author OR f.time_ms IS NOT o.time_ms'
    expect(rows(`SELECT f.path FROM fields f ${OTHERS}`)).toEqual([])
    expect(rows('SELECT f.path FROM fields f WHERE f.operation NOT IN (SELECT id FROM operations)')).toEqual(
      [],
    )
    const WON = 'JOIN operations o ON o.id = c.winning_operation WHERE c.winning_author IS NOT o.author'
    expect(rows(`SELECT c.path FROM conflicts c ${WON}`)).toEqual([])
    expect(
      rows('SELECT path, type, value FROM items ORDER BY path, type').map(({ path, type, value }) => ({
        path,
        type,
        value: plain(fromJsonValue(parseJson(value as string))),
      })),
    ).toEqual(items.map(({ path, type, value }) => ({ path, type, value: plain(value) })))
    const ofType = (type: string) => items.filter((item) => item.type === type)
    expect(rows("SELECT path, value, json FROM fields WHERE type = 'register' ORDER BY path")).toEqual(
      ofType('register').map(({ path, value }) => ({
        path,
        value: asScalar(value),
        json: formatValue(value),
      })),
    )
    expect(rows("SELECT path, field, json FROM fields WHERE type = 'map' ORDER BY path, field")).toEqual(
      ofType('map').flatMap(({ path, value }) =>
        Object.entries(value as Record<string, unknown>)
          .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
          .map(([field, inner]) => ({ path, field, json: formatValue(inner) })),
      ),
    )
    expect(rows('SELECT source, label, target, value FROM edges ORDER BY source, label, target')).toEqual(
      ofType('edge').flatMap(({ path, value }) =>
        (value as readonly EdgeValue[])
          .map((edge) => ({ source: path, label: edge.label, target: edge.to, value: asScalar(edge.value) }))
          .toSorted((a, b) =>
            Buffer.compare(Buffer.from(`${a.label}\0${a.target}`), Buffer.from(`${b.label}\0${b.target}`)),
          ),
      ),
    )
    expect(
      rows('SELECT path, json, author, operation, "change", time_ms FROM events ORDER BY path, place'),
    ).toEqual(
      ofType('log').flatMap(({ path, value }) =>
        (value as readonly LogValue[]).map((entry) => ({
          path,
          json: formatValue(entry.value),
          author: entry.author,
          operation: entry.id,
          change: BigInt(entry.index),
          time_ms: BigInt(entry.time),
        })),
      ),
    )
    expect(rows('SELECT path, tag FROM tags ORDER BY path, tag')).toEqual(
      ofType('set').flatMap(({ path, value }) => (value as readonly string[]).map((tag) => ({ path, tag }))),
    )
    expect(rows('SELECT path, value FROM counters ORDER BY path')).toEqual(
      ofType('counter').map(({ path, value }) => ({ path, value: BigInt(value as number) })),
    )
    expect(rows('SELECT path, hash, size, media_type, name FROM blobs ORDER BY path')).toEqual(
      ofType('blob').map(({ path, value }) => {
        const { hash, size, mediaType, name } = value as BlobReference
        return {
          path,
          hash: toHex(hash),
          size: BigInt(size),
          media_type: mediaType ?? null,
          name: name ?? null,
        }
      }),
    )
    expect(rows('SELECT path, json, author, operation, final FROM claims ORDER BY path')).toEqual(
      ofType('claim').map(({ path, value }) => {
        const claim = value as ClaimValue
        return {
          path,
          json: formatValue(claim.value),
          author: claim.author,
          operation: claim.operation,
          final: 0n,
        }
      }),
    )
  }

  it('show of many values of one operation each its own, short and long, of registers and of a map', () => {
    const values = Array.from({ length: 47 }, (_, i) => ({ i, text: '"ü'.repeat(i * i) }))
    const nameOf = (i: number) => String(i).padStart(2, '0')
    home.space.write([
      ...values.map((value, i): ItemEdit => ({ kind: 'put', path: `many/${nameOf(i)}`, value })),
      {
        kind: 'edit',
        path: 'many',
        set: Object.fromEntries(values.map((value, i) => [`f${nameOf(i)}`, value])),
      },
    ])
    for (const type of ['register', 'map']) {
      expect(rows('SELECT json FROM fields WHERE type = ? ORDER BY path, field', type)).toEqual(
        values.map((value) => ({ json: formatValue(value) })),
      )
    }
  })

  it('show operations, authors and heads as they are', () => {
    const { space } = home
    const bob = home.member('bob')
    const first = space.write([{ kind: 'put', path: 'a', value: 1 }], { author: bob })
    space.write([{ kind: 'put', path: 'b', value: 2 }], { author: bob })
    const listed = space.log('', 100)
    expect(
      rows(
        'SELECT id, author, seq, lamport, time_ms, command, path, masked FROM operations ORDER BY ordinal DESC',
      ),
    ).toEqual(
      listed.map((entry) => ({
        id: entry.id,
        author: entry.author,
        seq: BigInt(entry.seq),
        lamport: BigInt(entry.lamport),
        time_ms: BigInt(entry.time),
        command: entry.command,
        path: entry.path,
        masked: 0n,
      })),
    )
    const did = formatDid(bob.publicKey)
    expect(
      rows('SELECT author, operations, heads, last_seq, forked FROM authors WHERE author = ?', did),
    ).toEqual([{ author: did, operations: 2n, heads: 1n, last_seq: 1n, forked: 0n }])
    expect(rows('SELECT count(*) AS heads FROM heads')).toEqual([{ heads: 3n }])
    space.revoke({ target: did, since: first })
    expect(rows('SELECT id FROM operations WHERE masked ORDER BY ordinal')).toHaveLength(2)
  })

  it('show who has forked, and count both branches', async () => {
    const file = join(home.dataDirectory, 'forked.sqlite')
    const opened = openSqliteSpaceStore({ file, spaceId, spaceKey: spaceKey.publicKey, create: true })
    if (!opened.ok) throw new Error(opened.fault.detail)
    const branches = ['left', 'right'].map((side) =>
      forge({ author: mallory, body: [setRegister('mallory/x', side)], header: { path: 'mallory' } }),
    )
    const replica = new Replica({ store: opened.value, verifier, now: () => NOW_MS })
    await replica.receive([...beginning, ...branches], 'the test')
    const reader = new DatabaseSync(file, { readOnly: true })
    const authors = reader.prepare('SELECT operations, heads, last_seq, forked FROM authors WHERE key = ?')
    expect({ ...authors.get(toHex(mallory.publicKey)) }).toEqual({
      operations: 2,
      heads: 2,
      last_seq: 0,
      forked: 1,
    })
    expect({ ...authors.get(toHex(alice.publicKey)) }).toEqual({
      operations: 1,
      heads: 1,
      last_seq: 0,
      forked: 0,
    })
    reader.close()
    opened.value.close()
  })

  it('show who was given what', () => {
    const { space } = home
    const bob = home.member('bob')
    const [digest] = space.grantAll([
      { to: formatDid(bob.publicKey), role: 'writer', path: 'docs', expiresMs: 1_900_000_000_000 },
    ])
    expect(rows('SELECT * FROM delegations WHERE digest = ?', digest as string)).toEqual([
      {
        digest,
        issuer: home.did,
        audience: formatDid(bob.publicKey),
        subject: space.did,
        command: '/op',
        policy:
          '[["or",[["==",".command","/op/read"],["or",[["==",".path","docs"],["like",".path","docs/*"]]]]]]',
        not_before: null,
        expires: '2030-03-17T17:46:40.000Z',
        published_by: space.log('', 1)[0]?.id,
        published: new Date(space.log('', 1)[0]?.time ?? 0).toISOString(),
      },
    ])
    expect(rows('SELECT digest FROM delegations')).toHaveLength(space.delegations().length)
  })

  it('show which concurrent write lost to which', () => {
    const { space } = home
    const bob = home.member('bob')
    const base = space.put('a', 'base')
    const mine = space.put('a', 'mine', { after: [base], timeMs: Date.now() + 1_000 })
    const theirs = space.put(
      'a',
      { is: 'theirs' },
      { after: [base], author: bob, timeMs: Date.now() + 2_000 },
    )
    expect(rows('SELECT * FROM conflicts')).toMatchObject([
      {
        path: 'a',
        type: 'register',
        field: '',
        winning_json: '{"is":"theirs"}',
        winning_operation: theirs,
        winning_author: formatDid(bob.publicKey),
        losing_value: 'mine',
        losing_operation: mine,
        losing_author: home.did,
      },
    ])
    space.delete('a', { after: [theirs], author: bob, timeMs: Date.now() + 3_000 })
    expect(rows('SELECT winning_value, winning_json, losing_value FROM conflicts')).toEqual([
      { winning_value: null, winning_json: null, losing_value: 'mine' },
    ])
    space.put('a', 'settled')
    expect(rows('SELECT * FROM conflicts')).toEqual([])
  })

  it.each([
    ["SELECT value FROM items WHERE path = 'a'", /INDEX sqlite_autoindex_cells_1 \(path=\?\)/],
    ["SELECT json FROM fields WHERE path = 'a' AND type = 'map'", /\(path=\? AND type=\?\)/],
    ["SELECT source FROM edges WHERE target = 'a'", /INDEX cells_by_target/],
    ["SELECT path FROM tags WHERE tag = 'a'", /INDEX cells_by_member/],
    ['SELECT path FROM events WHERE time_ms > 5', /INDEX cells_by_event_time/],
    ['SELECT path, value FROM counters', /INDEX cells_counters/],
    ['SELECT path, value FROM texts', /INDEX cells_texts/],
    ['SELECT path, name FROM blobs', /INDEX cells_blobs/],
    ['SELECT path, value FROM claims', /INDEX cells_claims/],
    ["SELECT losing_value FROM conflicts WHERE path = 'a'", /SEARCH s USING PRIMARY KEY/],
  ])('find their rows by an index: %s', (sql, plan) => {
    const details = rows(`EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail as string)
    expect(details.join('\n')).toMatch(plan)
    expect(details.join('\n')).not.toMatch(/SCAN c\b(?! USING INDEX)/)
  })
})
