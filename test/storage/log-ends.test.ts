import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import type { Entry } from '../../src/core/graph.ts'
import { STORE_ENDS_TAIL_MAX } from '../../src/core/limits.ts'
import { formatDid } from '../../src/core/principal.ts'
import type { SpaceStore, SpaceWriter } from '../../src/storage/space-store.ts'
import { viewsWithin } from '../../src/storage/sqlite/views.ts'
import { alice, append, bob, carol, commit, mallory } from './fixtures.ts'
import { makeFolder, openStore, optionsFor } from './sqlite-harness.ts'

const BOUND = 4
const PEOPLE = [alice, bob, carol, mallory]

let folder: string
let file: string
beforeEach(() => {
  folder = makeFolder()
  file = join(folder, 'space.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (endsTailMax = BOUND): SpaceStore => openStore({ ...optionsFor(file), endsTailMax })

/** What another program reads in the file, whatever this one has open. */
function read(sql: string, from = file): readonly Readonly<Record<string, SQLOutputValue>>[] {
  const client = new DatabaseSync(from, { readOnly: true })
  try {
    return client
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    client.close()
  }
}

const marks = () =>
  read('SELECT ordinal AS mark, (SELECT count(*) FROM successors) AS successors FROM log_ends_upto')[0]

/** The store, and whoever reads its file, say what follows from the operations alone. */
function expectEnds(store: SpaceStore, from = file): void {
  const entries = store.entriesFrom(0, store.count())
  const headsOf = (all: readonly Entry[]) =>
    all.filter(({ ordinal }) => !entries.some(({ prev }) => prev === ordinal))
  const idsOf = (all: Iterable<Entry>) => Array.from(all, ({ id }) => toHex(id)).toSorted()
  expect(store.frontier()).toEqual(
    entries.filter(({ ordinal }) => !entries.some(({ parents }) => parents.includes(ordinal))),
  )
  for (const { ordinal, author } of entries)
    expect(store.firstAfter(author, ordinal)).toEqual(entries.find(({ prev }) => prev === ordinal))
  const authors = PEOPLE.map(({ publicKey }) => ({
    author: formatDid(publicKey),
    own: entries.filter(({ author }) => toHex(author) === toHex(publicKey)),
    heads: store.heads(publicKey),
  })).filter(({ own }) => own.length > 0)
  for (const { own, heads } of authors) expect(idsOf(heads)).toEqual(idsOf(headsOf(own)))

  const within = viewsWithin({ cells: 'cells', operations: 'operation_log', schema: 'main.' })
  for (const view of ['SELECT * FROM heads', String(within.get('heads'))]) {
    const shown = read(view, from).map(({ operation: id }) => String(id))
    expect(shown.toSorted()).toEqual(idsOf(headsOf(entries)))
  }
  const lines = authors.map(
    ({ author, own, heads }) => `${author} ${heads.length} ${Math.max(...own.map(({ seq }) => seq))}`,
  )
  for (const view of ['SELECT * FROM authors', String(within.get('authors'))]) {
    const shown = read(view, from)
    expect(
      shown.map(({ author, heads, last_seq }) => [author, heads, last_seq].join(' ')).toSorted(),
    ).toEqual(lines.toSorted())
  }
}

const operation = fc.record({
  author: fc.constantFrom(...PEOPLE),
  // Of those of the author that there are by then; undefined for its head.
  prev: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
  deps: fc.array(fc.nat(), { maxLength: 3 }),
})

type Picked = typeof operation extends fc.Arbitrary<infer T> ? T : never

function appendPicked(store: SpaceStore, writer: SpaceWriter, { author, prev: pick, deps }: Picked): void {
  const entries = store.entriesFrom(0, store.count())
  const own = [null, ...entries.filter((entry) => toHex(entry.author) === toHex(author.publicKey))]
  const prev =
    pick === undefined ? (store.heads(author.publicKey)[0] ?? null) : (own[pick % own.length] as Entry | null)
  const picked = new Set(deps.map((dep) => entries[dep % entries.length]))
  append(store, writer, {
    author,
    prev,
    deps: [...picked].filter((dep) => dep !== undefined && dep.ordinal !== prev?.ordinal) as Entry[],
    path: `at/${store.count()}`,
  })
}

function appendAll(store: SpaceStore, operations: readonly Picked[], isRolledBack: boolean): void {
  const run = () =>
    store.transaction('process', (writer) => {
      for (const picked of operations) appendPicked(store, writer, picked)
      if (isRolledBack) throw new Error('rolled back')
    })
  if (isRolledBack) expect(run).toThrow('rolled back')
  else run()
}

describe('the ends of the logs', () => {
  it('are written by the transaction that reaches the bound, and by none before', () => {
    const store = open()
    for (const mark of [0, 0, 0, 4, 4, 4, 4, 8]) {
      commit(store, { author: alice })
      expect(marks()).toEqual({ mark, successors: Math.max(0, mark - 1) })
    }
    store.close()
  })

  it('are written once by a transaction that goes far beyond the bound', () => {
    const store = open()
    commit(store, { author: alice })
    store.transaction('process', (writer) => {
      for (let i = 0; i < 3 * BOUND; i++) append(store, writer, { author: i % 2 === 0 ? alice : bob })
      expect(marks()).toEqual({ mark: 0, successors: 0 })
    })
    expect(marks()?.['mark']).toBe(store.count())
    expect(read('SELECT ordinal FROM log_heads')).toHaveLength(2)
    expectEnds(store)
    store.close()
  })

  it('wait for as many operations as the limits say', () => {
    const store = openStore(optionsFor(file))
    const grow = (operations: number) =>
      store.transaction('process', (writer) => {
        for (let i = 0; i < operations; i++) append(store, writer, { author: alice })
      })
    grow(STORE_ENDS_TAIL_MAX - 1)
    expect(marks()?.['mark']).toBe(0)
    grow(1)
    expect(marks()?.['mark']).toBe(STORE_ENDS_TAIL_MAX)
    store.close()
  })

  it('are found where a log forks, below the mark, above it and across it, also after a kill', () => {
    const store = open()
    const genesis = commit(store, { author: alice })
    const one = commit(store, { author: mallory, deps: [genesis] })
    const two = commit(store, { author: mallory })
    commit(store, { author: bob, deps: [two] })
    expect(marks()?.['mark']).toBe(4)
    // What has a successor below the mark, what has none there, and what is above it.
    commit(store, { author: mallory, prev: one, path: 'again' })
    const three = commit(store, { author: mallory, prev: two })
    const four = commit(store, { author: mallory, prev: three })
    expect(marks()?.['mark']).toBe(4)
    const killed = join(folder, 'killed.sqlite')
    // A copy made while the file is open is what a kill leaves.
    for (const ending of ['', '-wal']) copyFileSync(file + ending, killed + ending)
    const again = openStore({ ...optionsFor(killed), endsTailMax: BOUND })
    for (const [found, at] of [
      [store, file],
      [again, killed],
    ] as const) {
      expect(found.firstAfter(mallory.publicKey, one.ordinal)).toEqual(two)
      expect(found.firstAfter(mallory.publicKey, two.ordinal)).toEqual(three)
      expect(found.firstAfter(mallory.publicKey, three.ordinal)).toEqual(four)
      expectEnds(found, at)
      // The bound is reached, so that all of it is found in the file.
      commit(found, { author: mallory, prev: three, path: 'at the same place' })
      expect(found.firstAfter(mallory.publicKey, three.ordinal)).toEqual(four)
      expectEnds(found, at)
    }
    expect(marks()?.['mark']).toBe(8)
    for (const found of [store, again]) found.close()
  })

  it('leave in the frontier what nobody has built on, on both sides of the mark, whatever was taken back', () => {
    let store = open()
    const genesis = commit(store, { author: alice })
    commit(store, { author: bob, deps: [genesis] })
    const two = commit(store, { author: carol, deps: [genesis] })
    const three = commit(store, { author: mallory, deps: [genesis] })
    const four = commit(store, { author: alice })
    const five = commit(store, { author: bob, deps: [two] })
    expect(() =>
      store.transaction('process', (writer) => {
        append(store, writer, { author: alice, deps: [three, five] })
        throw new Error('taken back')
      }),
    ).toThrow('taken back')
    commit(store, { author: carol })
    const seven = commit(store, { author: carol })
    expect(marks()?.['mark']).toBe(8)
    store.close()
    store = open()
    expect(store.frontier()).toEqual([three, four, five, seven])
    expectEnds(store)
    store.close()
  })

  it('are read without the whole log', () => {
    open().close()
    const plan = read('EXPLAIN QUERY PLAN SELECT * FROM heads').map(({ detail }) => String(detail))
    expect(plan).toContain('SEARCH operation_log USING INTEGER PRIMARY KEY (rowid>?)')
    expect(plan.filter((detail) => /^SCAN (o|operation_log)$/.test(detail))).toEqual([])
  })

  it('are what they were where writing them fails', () => {
    commit(open(), { author: alice })
    const client = new DatabaseSync(file)
    client.exec(`CREATE TRIGGER mine BEFORE UPDATE ON log_ends_upto WHEN NEW.ordinal = 8
      BEGIN SELECT raise(ABORT, 'not that one'); END`)
    client.close()
    const store = open()
    for (let i = 1; i < 7; i++) commit(store, { author: i % 2 === 0 ? alice : bob })
    const before = [store.frontier(), store.heads(alice.publicKey), store.heads(bob.publicKey)]
    expect(() => commit(store, { author: alice })).toThrow('not that one')
    expect(store.count()).toBe(7)
    expect([store.frontier(), store.heads(alice.publicKey), store.heads(bob.publicKey)]).toEqual(before)
    expectEnds(store)
    // Two at once go past the ordinal of the trigger.
    store.transaction('process', (writer) => {
      for (const author of [carol, alice]) append(store, writer, { author })
    })
    expect(marks()?.['mark']).toBe(9)
    expectEnds(store)
    store.close()
  })

  it('follow from the operations for the store and for whoever reads its file, however they came (property)', () => {
    const transaction = fc.record({
      operations: fc.array(operation, { minLength: 1, maxLength: 6 }),
      isRolledBack: fc.boolean(),
      isReopened: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(transaction, { maxLength: 8 }),
        fc.constantFrom(1, BOUND, 1_000),
        (transactions, endsTailMax) => {
          let store = open(endsTailMax)
          try {
            for (const { operations, isRolledBack, isReopened } of transactions) {
              appendAll(store, operations, isRolledBack)
              if (isReopened) {
                store.close()
                store = open(endsTailMax)
              }
              expectEnds(store)
            }
          } finally {
            store.close()
            rmSync(file)
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})
