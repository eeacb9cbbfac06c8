import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import {
  DIFF_EDITS_MAX,
  HISTORY_CHANGES_CACHED_MAX,
  HISTORY_COMPARED_MAX,
  HISTORY_PAGE_MAX,
  HISTORY_WORDS_CHARACTERS_MAX,
  LOG_EDITS_MAX,
} from '../../src/core/limits.ts'
import { formatDid } from '../../src/core/principal.ts'
import { CELL_TYPES } from '../../src/core/types/cell.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { addToCounter } from '../../src/core/types/counter/change.ts'
import { SpaceHistory } from '../../src/node/history/space-history.ts'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import {
  alice,
  bob,
  carol,
  createHome,
  forge,
  genesis,
  GENESIS_MS,
  grants,
  type Home,
  NOW_MS,
} from '../cast.ts'
import { withCode } from '../cli/matchers.ts'
import { arrivals, arrive } from './arrival.ts'
import { cellOf, cellsAt, naiveCell, naiveItems } from './naive-state.ts'
import { type Deed, makeDeeds, PATHS, steps } from './random-items.ts'

const RUNS = { numRuns: 60 }

function historyOf({ hosted }: Home): SpaceHistory {
  return new SpaceHistory({
    hosted,
    write: (edits) => toHex(hosted.write(edits, { author: alice, timeMs: NOW_MS }).id),
  })
}

/** The deeds that are there at an operation, with it; before it, without. */
function reach(deed: Deed, all: readonly Deed[], isBefore = false): readonly Deed[] {
  return all.filter(({ id }) => deed.past.has(id) || (!isBefore && id === deed.id))
}

function itemsAt(history: SpaceHistory, path: string, point: string | number, asRecorded = false) {
  return new Map(history.allAt(path, point, { asRecorded }).map(({ type, value }) => [type, value]))
}

describe('an item at a point', () => {
  test('is what the operations there make of it, of every type, at every operation, before it, and at every time', async () => {
    let shown = 0
    let masked = 0
    await fc.assert(
      fc.asyncProperty(steps(25), arrivals, async (planned, arrival) => {
        const { home, admitted, effective } = await arrive(makeDeeds(planned), arrival)
        masked += admitted.length - effective.length
        const history = historyOf(home)
        for (const path of PATHS) {
          for (const deed of admitted) {
            const now = itemsAt(history, path, deed.id)
            expect(now).toEqual(naiveItems(path, reach(deed, effective)))
            expect(itemsAt(history, path, `${deed.id}^`)).toEqual(
              naiveItems(path, reach(deed, effective, true)),
            )
            expect(itemsAt(history, path, deed.id, true)).toEqual(naiveItems(path, reach(deed, admitted)))
            shown += now.size
          }
          for (let time = GENESIS_MS - 1; time < GENESIS_MS + 12; time += 3) {
            const there = effective.filter(({ operation }) => operation.header.time <= time)
            expect(itemsAt(history, path, time)).toEqual(naiveItems(path, there))
          }
          expect(itemsAt(history, path, 'now')).toEqual(naiveItems(path, effective))
          expect(itemsAt(history, path, 'now', true)).toEqual(naiveItems(path, admitted))
        }
      }),
      RUNS,
    )
    expect(shown).toBeGreaterThan(1_000)
    expect(masked).toBeGreaterThan(5)
  })

  test('is the one of the asked type, or the first type that showed then', async () => {
    const first = forge({ author: bob, body: [addToCounter('a', 3)] })
    const second = forge({ author: bob, prev: first, body: [setRegister('a', 'x')] })
    const history = historyOf(await createHome([first, second]))
    expect(history.at('a', toHex(second.id))).toEqual({ path: 'a', type: 'register', value: 'x' })
    expect(history.at('a', toHex(second.id), { type: 'counter' })?.value).toBe(3)
    expect(history.at('a', toHex(first.id))).toEqual({ path: 'a', type: 'counter', value: 3 })
    expect(history.at('a', toHex(genesis.id))).toBeUndefined()
  })

  test('is refused for a point that is none, or that has not arrived', async () => {
    const history = historyOf(await createHome())
    for (const point of ['yesterday', 'abc', '', -1, 1.5, '12', `${'0'.repeat(64)}^^`])
      expect(() => history.at('a', point)).toThrow(withCode('BAD_POINT'))
    expect(() => history.at('a', 'ab'.repeat(32))).toThrow(withCode('UNKNOWN_OPERATION'))
    expect(() => history.at('/a', 'now')).toThrow(withCode('BAD_PATH'))
    expect(history.at('a', '2026-11-21T14:05Z')).toBeUndefined()
  })
})

describe('the history of an item', () => {
  test('has every operation that did something to it, what its author had seen, and what is concurrent', async () => {
    const seen = { versions: 0, concurrent: 0, masked: 0 }
    await fc.assert(
      fc.asyncProperty(steps(25), arrivals, async (planned, arrival) => {
        const { home, admitted, effective } = await arrive(makeDeeds(planned), arrival)
        const history = historyOf(home)
        for (const path of PATHS) {
          const versions = history.of(path, { order: 'oldest', limit: 1_000 }).versions
          const touching = admitted.filter(({ edits }) => edits.some((edit) => edit.path === path))
          expect(versions.map(({ operation }) => operation).toSorted()).toEqual(
            touching.map(({ id }) => id).toSorted(),
          )
          for (const version of versions) {
            const deed = touching.find(({ id }) => id === version.operation) as Deed
            const own = deed.edits.filter((edit) => edit.path === path)
            const cells = new Set(own.map(cellOf))
            const related = touching.filter(
              (one) => one !== deed && one.edits.some((edit) => cells.has(cellOf(edit))),
            )
            const before = related.filter(({ id }) => deed.past.has(id))
            const nearest = before.filter(({ id }) => !before.some(({ past }) => past.has(id)))
            const concurrent = related.filter(({ id, past }) => !deed.past.has(id) && !past.has(deed.id))
            expect(version).toMatchObject({
              author: formatDid(deed.operation.header.author),
              time: deed.operation.header.time,
              lamport: deed.operation.header.lamport,
              effective: effective.includes(deed),
              chain: deed.operation.header.caps.map(toHex),
            })
            expect(version.saw.toSorted()).toEqual(nearest.map(({ id }) => id).toSorted())
            expect(version.concurrent.toSorted()).toEqual(concurrent.map(({ id }) => id).toSorted())
            expect(version.maskedBy.length > 0).toBe(!version.effective)
            expect(version.edits.map(({ index, kind, value, by }) => [index, kind, value, by])).toEqual(
              own.map(({ index, kind, value, by }) => [index, kind, value, by]),
            )
            seen.versions++
            seen.concurrent += concurrent.length
            if (!version.effective) seen.masked++
          }
        }
      }),
      RUNS,
    )
    expect(seen.versions).toBeGreaterThan(500)
    expect(seen.concurrent).toBeGreaterThan(100)
    expect(seen.masked).toBeGreaterThan(3)
  })

  test('comes in pages, the latest or the oldest to arrive first, and none is larger than HISTORY_PAGE_MAX', async () => {
    const home = await createHome()
    const history = historyOf(home)
    const made = Array.from({ length: 7 }, (_, i) =>
      toHex(
        home.hosted.write([{ kind: 'put', path: 'a', value: i }], { author: bob, timeMs: GENESIS_MS + i }).id,
      ),
    )
    for (const order of ['latest', 'oldest'] as const) {
      const found: string[] = []
      let after: string | undefined
      for (let page = 0; page < 4; page++) {
        const { versions, next } = history.of('a', { order, limit: 3, after })
        found.push(...versions.map(({ operation }) => operation))
        if (next === null) break
        after = next
      }
      expect(found).toEqual(order === 'oldest' ? made : made.toReversed())
    }
    expect(history.of('a', { limit: HISTORY_PAGE_MAX }).next).toBeNull()
    expect(() => history.of('a', { limit: HISTORY_PAGE_MAX + 1 })).toThrow(withCode('LIMIT'))
    expect(history.of('a', { limit: 1 }).versions[0]?.edits[0]?.words).toBe('= 6')
    expect(history.of('b')).toEqual({ versions: [], next: null })
  })

  test('compares a version with the HISTORY_COMPARED_MAX before and after it', async () => {
    const root = forge({ author: bob, deps: [grants], body: [setRegister('a', 'root')] })
    const branches = Array.from({ length: HISTORY_COMPARED_MAX + 2 }, (_, i) =>
      forge({ author: bob, prev: root, body: [setRegister('a', i)], header: { time: GENESIS_MS + i } }),
    )
    const history = historyOf(await createHome([root, ...branches]))
    const { versions } = history.of('a', { order: 'oldest' })
    expect(versions[1]?.concurrent).toHaveLength(HISTORY_COMPARED_MAX)
    expect(versions.at(-1)?.concurrent).toEqual(branches.slice(1, -1).map(({ id }) => toHex(id)))
  })

  test('of one field has that field alone', async () => {
    const home = await createHome()
    home.hosted.write([{ kind: 'edit', path: 'a', set: { x: 1, y: 1 } }], { author: bob, timeMs: NOW_MS })
    home.hosted.write([{ kind: 'edit', path: 'a', set: { y: 2 } }], { author: bob, timeMs: NOW_MS })
    const history = historyOf(home)
    expect(history.of('a', { type: 'map', field: 'x' }).versions).toHaveLength(1)
    expect(
      history.of('a', { field: 'y' }).versions.map(({ edits }) => edits.map(({ words }) => words)),
    ).toEqual([['y = 2'], ['y = 1']])
  })
})

describe('the log of what was done', () => {
  test('tells of the first LOG_EDITS_MAX edits of an operation in words, and counts the rest', async () => {
    const home = await createHome()
    const set = Object.fromEntries(Array.from({ length: LOG_EDITS_MAX + 3 }, (_, i) => [`f${10 + i}`, i]))
    home.hosted.write([{ kind: 'edit', path: 'a', set }], { author: bob, timeMs: NOW_MS })
    home.hosted.write(
      [
        { kind: 'put', path: 'b/c', value: 'x' },
        { kind: 'tag', path: 'b', add: ['new'] },
        { kind: 'link', path: 'd', label: 'knows', to: 'b' },
      ],
      { author: carol, timeMs: NOW_MS },
    )
    const history = historyOf(home)
    const [first] = [...history.log('a')]
    expect(first).toMatchObject({ moreEdits: 3, changes: 1, masked: false })
    expect(first?.edits.map(({ words }) => words)).toEqual(
      Array.from({ length: LOG_EDITS_MAX }, (_, i) => `f${10 + i} = ${i}`),
    )
    expect(
      [...history.log('b')].flatMap(({ edits }) => edits.map(({ path, words }) => [path, words])),
    ).toEqual([
      ['b/c', '= "x"'],
      ['b', '+ new'],
    ])
    expect([...history.log()].map(({ command }) => command)).toEqual([
      '/op/write',
      '/op/write',
      '/cap/grant',
      '/cap/grant',
    ])
    const [last, ...others] = [...history.log()].map(({ id }) => id)
    expect([...history.log('', { limit: 2, before: last })].map(({ id }) => id)).toEqual(others.slice(0, 2))
  })

  test('cuts a value in words after HISTORY_WORDS_CHARACTERS_MAX characters, and has it whole beside', async () => {
    const home = await createHome()
    const value = 'x'.repeat(HISTORY_WORDS_CHARACTERS_MAX)
    home.hosted.write([{ kind: 'put', path: 'a', value }], { author: bob, timeMs: NOW_MS })
    const [edit] = historyOf(home).of('a').versions[0]?.edits ?? []
    expect(edit?.words).toBe(`= "${'x'.repeat(HISTORY_WORDS_CHARACTERS_MAX - 1)}…`)
    expect(edit?.value).toBe(value)
  })

  test('and every other question read again what HISTORY_CHANGES_CACHED_MAX does not hold', async () => {
    const home = await createHome()
    const count = HISTORY_CHANGES_CACHED_MAX + 1
    for (let i = 0; i < count; i++)
      home.hosted.write([{ kind: 'count', path: 'a', by: i }], { author: bob, timeMs: NOW_MS })
    const history = historyOf(home)
    const sum = (count * (count - 1)) / 2
    expect(history.at('a', 'now', { asRecorded: true })?.value).toBe(sum)
    expect(history.of('a', { limit: count }).versions.map(({ edits }) => edits[0]?.by)).toEqual(
      Array.from({ length: count }, (_, i) => count - 1 - i),
    )
  })
})

describe('differences', () => {
  test('between two points are those of what shows at each, with whose work it is', async () => {
    let differences = 0
    await fc.assert(
      fc.asyncProperty(steps(20), arrivals, fc.nat(50), fc.nat(50), async (planned, arrival, from, to) => {
        const { home, admitted, effective } = await arrive(makeDeeds(planned), arrival)
        const history = historyOf(home)
        const [a, b] = [from, to].map((n) => admitted[n % Math.max(1, admitted.length)])
        if (a === undefined || b === undefined) return
        for (const path of PATHS) {
          const [before, after] = [a, b].map((deed) => cellsAt(path, reach(deed, effective))) as [
            ReturnType<typeof cellsAt>,
            ReturnType<typeof cellsAt>,
          ]
          const expected = [...new Set([...before.keys(), ...after.keys()])].flatMap((cell) => {
            const old = naiveCell(before.get(cell) ?? [])
            const now = naiveCell(after.get(cell) ?? [])
            const { type, field } = (old ?? now)?.winner.edit ?? {}
            if (JSON.stringify(old?.value) === JSON.stringify(now?.value)) return []
            const kind = old === null ? 'added' : now === null ? 'removed' : 'changed'
            return [[type, field, kind, old?.value, now?.value, now?.winner.deed.id]]
          })
          const found = history
            .diff(path, a.id, b.id)
            .map((one) => [one.type, one.field, one.kind, one.before, one.after, one.writer?.operation])
          const key = (row: readonly unknown[]) => `${String(row[0])} ${String(row[1])}`
          expect(found.toSorted((x, y) => (key(x) < key(y) ? -1 : 1))).toEqual(
            expected.toSorted((x, y) => (key(x) < key(y) ? -1 : 1)),
          )
          differences += found.length
        }
      }),
      RUNS,
    )
    expect(differences).toBeGreaterThan(100)
  })

  test('of two texts are told line by line, unless too much differs', async () => {
    const home = await createHome()
    const history = historyOf(home)
    const put = (value: string) =>
      toHex(home.hosted.write([{ kind: 'put', path: 'a', value }], { author: bob, timeMs: NOW_MS }).id)
    const lines = Array.from({ length: 12 }, (_, i) => `line ${i}\n`)
    const one = put(lines.join(''))
    const two = put(lines.with(5, 'changed\n').join(''))
    expect(history.diff('a', one, two)[0]?.lines).toEqual([
      {
        oldStart: 3,
        oldLines: 7,
        newStart: 3,
        newLines: 7,
        lines: [' line 2', ' line 3', ' line 4', '-line 5', '+changed', ' line 6', ' line 7', ' line 8'],
      },
    ])
    const three = put(Array.from({ length: DIFF_EDITS_MAX }, (_, i) => `other ${i}\n`).join(''))
    expect(history.diff('a', two, three)[0]).toMatchObject({ kind: 'changed', lines: null })
  })
})

describe('blame', () => {
  test('names who wrote each thing that shows, and of a counter who added how much', async () => {
    let blamed = 0
    await fc.assert(
      fc.asyncProperty(steps(25), arrivals, async (planned, arrival) => {
        const { home, effective } = await arrive(makeDeeds(planned), arrival)
        const history = historyOf(home)
        for (const path of PATHS) {
          const expected = [...cellsAt(path, effective).values()].flatMap((made) => {
            const shown = naiveCell(made)
            if (shown === null) return []
            const { deed, edit } = shown.winner
            const { author, time, caps } = deed.operation.header
            const chain = caps.map(toHex)
            return [[edit.type, edit.field, shown.value, deed.id, edit.index, formatDid(author), time, chain]]
          })
          const found = history.blame(path)
          const rows = found.map((one) => [
            one.type,
            one.field,
            one.value,
            one.operation,
            one.index,
            one.author,
            one.time,
            one.chain,
          ])
          const key = (row: readonly unknown[]) => `${String(row[0])} ${String(row[1])}`
          expect(rows.toSorted((x, y) => (key(x) < key(y) ? -1 : 1))).toEqual(
            expected.toSorted((x, y) => (key(x) < key(y) ? -1 : 1)),
          )
          for (const { type, value, parts } of found) {
            if (type !== 'counter') continue
            expect(parts?.reduce((sum, { by }) => sum + Number(by), 0)).toBe(value)
          }
          blamed += found.length
        }
      }),
      RUNS,
    )
    expect(blamed).toBeGreaterThan(500)
  })

  test('of a counter sums by author', async () => {
    const first = forge({ author: bob, body: [addToCounter('a', 3), addToCounter('a', 4)] })
    const second = forge({ author: carol, deps: [first], body: [addToCounter('a', -2)] })
    const history = historyOf(await createHome([first, second]))
    expect(history.blame('a')).toMatchObject([
      {
        type: 'counter',
        value: 5,
        author: formatDid(carol.publicKey),
        parts: [
          { author: formatDid(carol.publicKey), by: -2, operations: 1 },
          { author: formatDid(bob.publicKey), by: 7, operations: 1 },
        ],
      },
    ])
  })
})

describe('a text', () => {
  test('has its history too: what it said at each point, what changed, and who wrote which stretch', async () => {
    const home = await createHome()
    const history = historyOf(home)
    const type = (author: typeof bob, position: number, deleted: number, text: string, timeMs: number) =>
      toHex(
        home.hosted.write([{ kind: 'text', path: 'a', splices: [[position, deleted, text]] }], {
          author,
          timeMs,
        }).id,
      )
    const one = type(bob, 0, 0, 'hello world\n', GENESIS_MS + 10)
    const two = type(carol, 5, 0, ', wide', GENESIS_MS + 20)
    const three = type(bob, 0, 18, '', GENESIS_MS + 30)
    const gone = toHex(
      home.hosted.write([{ kind: 'delete', path: 'a', type: 'text' }], {
        author: bob,
        timeMs: GENESIS_MS + 40,
      }).id,
    )
    expect([one, two, three].map((point) => history.at('a', point)?.value)).toEqual([
      'hello world\n',
      'hello, wide world\n',
      '',
    ])
    expect(history.at('a', gone)).toBeUndefined()
    expect(history.at('a', `${one}^`)).toBeUndefined()
    expect(history.at('a', GENESIS_MS + 25)?.value).toBe('hello, wide world\n')
    expect(history.diff('a', one, two)).toMatchObject([
      {
        type: 'text',
        kind: 'changed',
        lines: [{ lines: ['-hello world', '+hello, wide world'] }],
        writer: { operation: two },
      },
    ])
    expect(history.of('a').versions.map(({ edits }) => edits[0]?.words)).toEqual([
      'deleted',
      'deleted 18 characters',
      'inserted ", wide"',
      'inserted "hello world\\n"',
    ])
    expect(history.revert('a', two)).not.toBeNull()
    expect(history.at('a', 'now')?.value).toBe('hello, wide world\n')
    expect(history.blame('a')).toMatchObject([
      {
        type: 'text',
        author: formatDid(alice.publicKey),
        ranges: [{ from: 0, to: 18, text: 'hello, wide world\n' }],
      },
    ])
  })
})

describe('reverting', () => {
  test('makes an item what it was at any point, of every type that can be', async () => {
    let reverted = 0
    await fc.assert(
      fc.asyncProperty(steps(20), arrivals, fc.nat(50), async (planned, arrival, pick) => {
        const { home, admitted } = await arrive(makeDeeds(planned), arrival)
        const history = historyOf(home)
        const deed = admitted[pick % Math.max(1, admitted.length)]
        // What is not built on cannot be deleted either.
        if (deed === undefined || home.hosted.store.forks().length > 0) return
        for (const type of CELL_TYPES.filter((one) => one !== 'log' && one !== 'claim')) {
          const before = history.at(PATHS[0], deed.id, { type })
          if (history.revert(PATHS[0], deed.id, { type }) !== null) reverted++
          expect(history.at(PATHS[0], 'now', { type })).toEqual(before)
          expect(history.revert(PATHS[0], deed.id, { type })).toBeNull()
        }
      }),
      RUNS,
    )
    expect(reverted).toBeGreaterThan(10)
  })

  test('refuses what cannot be taken back', async () => {
    const home = await createHome()
    const { id } = home.hosted.write([{ kind: 'append', path: 'a', value: 1 }], {
      author: bob,
      timeMs: NOW_MS,
    })
    expect(() => historyOf(home).revert('a', `${toHex(id)}^`)).toThrow(withCode('REVERT_TYPE'))
  })
})

describe('the cost of a question', () => {
  test('grows with what the item has been through, and not with the space', async () => {
    const counts = async (noise: number) => {
      const home = await createHome()
      const { hosted } = home
      const ids: string[] = []
      for (let i = 0; i < 10; i++) {
        const author = i % 2 === 0 ? bob : carol
        for (let n = 0; n < noise; n++)
          hosted.write([{ kind: 'put', path: `noise/${n}`, value: n }], {
            author: n % 2 === 0 ? carol : bob,
            timeMs: NOW_MS,
          })
        ids.push(toHex(hosted.write([{ kind: 'put', path: 'a', value: i }], { author, timeMs: NOW_MS }).id))
      }
      const reads = countReads(hosted.store)
      const history = historyOf({ ...home, hosted: withStore(hosted, reads.store) })
      history.at('a', ids[4] as string)
      history.diff('a', ids[2] as string, ids[7] as string)
      history.blame('a')
      history.of('a')
      return reads.counts
    }
    const [few, many] = [await counts(10), await counts(100)]
    // One body for each version listed, and one for each value shown.
    expect(few['operation']).toBeLessThanOrEqual(14)
    expect(many['operation']).toBe(few['operation'])
    expect(many['history']).toBe(few['history'])
    // Ancestors are found in as many steps as the logarithm of a log.
    expect(many['at']).toBeLessThan(2 * (few['at'] as number))
  })
})

/** The same store, with how often each method is called. */
function countReads(store: SpaceStore): {
  readonly store: SpaceStore
  readonly counts: Record<string, number>
} {
  const counts: Record<string, number> = {}
  const counting = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        counts[String(name)] = (counts[String(name)] ?? 0) + 1
        return Reflect.apply(value, target, args) as unknown
      }
    },
  })
  return { store: counting, counts }
}

function withStore(hosted: Home['hosted'], store: SpaceStore): Home['hosted'] {
  return new Proxy(hosted, {
    get: (target, name) => (name === 'store' ? store : (Reflect.get(target, name, target) as unknown)),
  })
}
