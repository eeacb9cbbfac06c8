import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import type { CellType } from '../../src/core/types/cell.ts'
import { itemAt } from '../../src/node/space/item.ts'
import type { ItemEdit } from '../../src/node/space/item-edit.ts'
import { bob, carol, createHome, type Home, NOW_MS } from '../cast.ts'

/*
 * What users see of every type where two write at the same time: the rows of the table in docs/data-types.md. Bob and Carol each have a
 * replica of their own; Carol's clock is ahead of Bob's.
 */
const BASE_MS = NOW_MS - 10_000
const HERE_MS = NOW_MS - 5_000
const THERE_MS = NOW_MS - 4_000

type Edits = readonly ItemEdit[]
interface Meeting {
  /** What both have seen, an operation each. */
  readonly before?: readonly Edits[]
  /** What Bob does then, and at the same time Carol, an operation each. */
  readonly here?: readonly Edits[]
  readonly there?: readonly Edits[]
}

async function exchange(a: Home, b: Home): Promise<void> {
  const all = ({ hosted }: Home) =>
    Array.from({ length: hosted.store.count() }, (_, i) => hosted.operation(i))
  const [ofA, ofB] = [all(a), all(b)]
  await a.hosted.replica.receive(ofB, 'the other')
  await b.hosted.replica.receive(ofA, 'the other')
}

/** The values at `item`, by type, after both have met; the same on both replicas, in two orders of arrival. */
async function meet({ before = [], here = [], there = [] }: Meeting): Promise<(type: CellType) => unknown> {
  const [a, b] = [await createHome(), await createHome()]
  before.forEach((edits, i) => a.hosted.write(edits, { author: bob, timeMs: BASE_MS + i }))
  await exchange(a, b)
  here.forEach((edits, i) => a.hosted.write(edits, { author: bob, timeMs: HERE_MS + i }))
  there.forEach((edits, i) => b.hosted.write(edits, { author: carol, timeMs: THERE_MS + i }))
  await exchange(a, b)
  const roots = [a, b].map(({ hosted }) => toHex(hosted.replica.stateRoot()))
  expect(roots[0]).toBe(roots[1])
  return (type) => {
    const [one, other] = [a, b].map(({ hosted }) => itemAt('item', type, hosted.store)?.value)
    expect(one).toEqual(other)
    return one
  }
}

const path = 'item'
const put = (value: unknown): Edits => [{ kind: 'put', path, value }]
const edit = (set: Record<string, unknown>): Edits => [{ kind: 'edit', path, set }]
const link = (to: string, value: unknown = null): Edits => [{ kind: 'link', path, label: 'knows', to, value }]
const append = (value: unknown): Edits => [{ kind: 'append', path, value }]
const tag = (...add: readonly string[]): Edits => [{ kind: 'tag', path, add }]
const untag = (...remove: readonly string[]): Edits => [{ kind: 'tag', path, remove }]
const count = (by: number): Edits => [{ kind: 'count', path, by }]
const claim = (value: unknown): Edits => [{ kind: 'claim', path, value }]
const type = (position: number, text: string): Edits => [
  { kind: 'text', path, splices: [[position, 0, text]] },
]
const reference = (byte: number) => ({ hash: sha256(Uint8Array.of(byte)), size: byte })
const attach = (byte: number): Edits => [{ kind: 'attach', path, reference: reference(byte) }]
const erase = (type: CellType): Edits => [{ kind: 'delete', path, type }]

describe('deleted, and created again', () => {
  it('a register shows what was written last', async () => {
    expect((await meet({ before: [put(1), erase('register'), put(2)] }))('register')).toBe(2)
  })
  it('a map has only the fields it was given since', async () => {
    const shown = await meet({ before: [edit({ a: 1, b: 2 }), erase('map'), edit({ b: 3 })] })
    expect(shown('map')).toEqual({ b: 3 })
  })
  it('an edge has the value it was given since', async () => {
    const shown = await meet({ before: [link('x', 1), link('y', 1), erase('edge'), link('x', 2)] })
    expect(shown('edge')).toEqual([{ label: 'knows', to: 'x', value: 2 }])
  })
  it('a set has only what was added since', async () => {
    expect((await meet({ before: [tag('a', 'b'), erase('set'), tag('b')] }))('set')).toEqual(['b'])
  })
  it('a counter starts from zero again', async () => {
    expect((await meet({ before: [count(5), erase('counter'), count(2)] }))('counter')).toBe(2)
  })
  it('a claim is whose who claims it next', async () => {
    const shown = await meet({ before: [claim('first'), erase('claim'), claim('second')] })
    expect(shown('claim')).toMatchObject({ value: 'second', final: false })
  })
  it('a text has only what was typed since', async () => {
    expect((await meet({ before: [type(0, 'old'), erase('text'), type(0, 'new')] }))('text')).toBe('new')
  })
  it('a blob refers to what was attached last', async () => {
    const shown = await meet({ before: [attach(1), erase('blob'), attach(2)] })
    expect(shown('blob')).toEqual(reference(2))
  })
  it('a log cannot be deleted: its entries stay, and more follow', async () => {
    const shown = await meet({ before: [append('a'), append('b')], here: [append('c')] })
    expect(shown('log')).toMatchObject([{ value: 'a' }, { value: 'b' }, { value: 'c' }])
  })
})

describe('deleted here, edited there at the same time', () => {
  it('a register stays, with what was written there', async () => {
    const shown = await meet({ before: [put(1)], here: [erase('register')], there: [put(2)] })
    expect(shown('register')).toBe(2)
  })
  it('a map keeps the fields that were set there, and loses the others', async () => {
    const shown = await meet({
      before: [edit({ name: 'Ada', born: 1815 })],
      here: [erase('map')],
      there: [edit({ born: 1816 })],
    })
    expect(shown('map')).toEqual({ born: 1816 })
  })
  it('an edge stays, with the value it was given there', async () => {
    const shown = await meet({
      before: [link('x', 1), link('y', 1)],
      here: [erase('edge')],
      there: [link('x', 2)],
    })
    expect(shown('edge')).toEqual([{ label: 'knows', to: 'x', value: 2 }])
  })
  it('a set keeps the tag that was added again there, and loses the others', async () => {
    const shown = await meet({ before: [tag('a', 'b')], here: [erase('set')], there: [tag('b', 'c')] })
    expect(shown('set')).toEqual(['b', 'c'])
    expect((await meet({ before: [tag('a')], here: [untag('a')], there: [tag('a')] }))('set')).toEqual(['a'])
  })
  it('a tag that both added stays where one of them removes what it saw, whoever added it last', async () => {
    expect((await meet({ here: [tag('a')], there: [tag('a'), untag('a')] }))('set')).toEqual(['a'])
    expect((await meet({ here: [tag('a'), untag('a')], there: [tag('a')] }))('set')).toEqual(['a'])
  })
  it('a counter keeps what was counted there, and nothing else', async () => {
    const shown = await meet({ before: [count(40)], here: [erase('counter')], there: [count(2)] })
    expect(shown('counter')).toBe(2)
  })
  it('a claim is released of those that were seen, and one that was made there holds', async () => {
    const shown = await meet({ before: [claim('first')], here: [erase('claim')], there: [claim('there')] })
    expect(shown('claim')).toMatchObject({ value: 'there' })
  })
  it('a text stays, with what was typed there', async () => {
    const shown = await meet({ before: [type(0, 'old')], here: [erase('text')], there: [type(3, 'new')] })
    expect(shown('text')).toBe('new')
  })
  it('a blob stays, with what was attached there', async () => {
    const shown = await meet({ before: [attach(1)], here: [erase('blob')], there: [attach(2)] })
    expect(shown('blob')).toEqual(reference(2))
  })
  it('what the deleter saw is gone, also where it was written with a later clock than the deletion', async () => {
    const shown = await meet({ before: [put(1)], here: [put(2), erase('register')], there: [] })
    expect(shown('register')).toBeUndefined()
  })
})

describe('deleted on both sides', () => {
  const both = async (before: Edits, gone: CellType) =>
    (await meet({ before: [before], here: [erase(gone)], there: [erase(gone)] }))(gone)

  it('a register, map, edge, set, counter, claim, text or blob is gone', async () => {
    const items: readonly (readonly [CellType, Edits])[] = [
      ['register', put(1)],
      ['map', edit({ a: 1 })],
      ['edge', link('x')],
      ['set', tag('a')],
      ['counter', count(3)],
      ['claim', claim(1)],
      ['text', type(0, 'abc')],
      ['blob', attach(1)],
    ]
    for (const [type, before] of items) expect([type, await both(before, type)]).toEqual([type, undefined])
  })
  it('a field, an edge, a tag that only one of them removed is gone as well', async () => {
    const shown = await meet({
      before: [[...edit({ a: 1, b: 2, c: 3 }), ...tag('a', 'b', 'c')]],
      here: [[{ kind: 'edit', path, remove: ['a'] }, ...untag('a')]],
      there: [[{ kind: 'edit', path, remove: ['a', 'b'] }, ...untag('a', 'b')]],
    })
    expect([shown('map'), shown('set')]).toEqual([{ c: 3 }, ['c']])
  })
})

describe('created on both sides', () => {
  it('a register shows the one with the later clock', async () => {
    expect((await meet({ here: [put('here')], there: [put('there')] }))('register')).toBe('there')
  })
  it('a map has the fields of both; of a field that both set, the one with the later clock', async () => {
    const shown = await meet({ here: [edit({ a: 1, b: 1 })], there: [edit({ b: 2, c: 2 })] })
    expect(shown('map')).toEqual({ a: 1, b: 2, c: 2 })
  })
  it('an item has the edges of both; of one that both drew, the value with the later clock', async () => {
    const shown = await meet({ here: [link('x', 1), link('y', 1)], there: [link('x', 2), link('z', 2)] })
    expect(shown('edge')).toEqual([
      { label: 'knows', to: 'x', value: 2 },
      { label: 'knows', to: 'y', value: 1 },
      { label: 'knows', to: 'z', value: 2 },
    ])
  })
  it('a log has the entries of both, in the order of their clocks', async () => {
    const shown = await meet({ here: [append(1), append(2)], there: [append(3)] })
    expect(shown('log')).toMatchObject([{ value: 1 }, { value: 2 }, { value: 3 }])
  })
  it('a set has the tags of both, each once', async () => {
    expect((await meet({ here: [tag('a', 'b')], there: [tag('b', 'c')] }))('set')).toEqual(['a', 'b', 'c'])
  })
  it('a counter has what both counted', async () => {
    expect((await meet({ here: [count(2), count(-5)], there: [count(2)] }))('counter')).toBe(-1)
  })
  it('a claim is whose clock was earlier', async () => {
    const shown = await meet({ here: [claim('here')], there: [claim('there')] })
    expect(shown('claim')).toMatchObject({ value: 'here', final: false })
  })
  it('a text has what both typed, one behind the other', async () => {
    const shown = await meet({ here: [type(0, 'here')], there: [type(0, 'there')] })
    expect(['herethere', 'therehere']).toContain(shown('text'))
  })
  it('a blob refers to the one with the later clock', async () => {
    expect((await meet({ here: [attach(1)], there: [attach(2)] }))('blob')).toEqual(reference(2))
  })
  it('two types at one path never meet', async () => {
    const shown = await meet({ here: [put(1)], there: [tag('a'), count(1), append('x')] })
    expect([shown('register'), shown('set'), shown('counter')]).toEqual([1, ['a'], 1])
  })
})

describe('several edits as one operation', () => {
  it('each see what was there before, and none of the others', async () => {
    const shown = await meet({
      before: [[...put('old'), ...tag('old'), ...count(1)]],
      here: [
        [
          ...put('new'),
          ...erase('register'),
          ...tag('new'),
          ...erase('set'),
          ...count(5),
          ...erase('counter'),
        ],
      ],
    })
    expect([shown('register'), shown('set'), shown('counter')]).toEqual(['new', ['new'], 5])
    const reversed = await meet({
      before: [[...tag('old'), ...count(1)]],
      here: [[...erase('counter'), ...count(5), ...count(2), ...erase('set'), ...tag('new')]],
    })
    expect([reversed('set'), reversed('counter')]).toEqual([['new'], 7])
  })
  it('of one cell: the last of them wins, and a claim is whose the first of them is', async () => {
    const shown = await meet({
      here: [[...put(1), ...put(2), ...claim(1), ...claim(2), ...append(1), ...append(2)]],
    })
    expect([shown('register'), shown('claim')]).toMatchObject([2, { value: 1 }])
    expect(shown('log')).toMatchObject([
      { value: 1, index: 4 },
      { value: 2, index: 5 },
    ])
  })
})
