import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatDid } from '../../src/core/principal.ts'
import {
  BODY_BYTES_MAX,
  TEXT_CHARACTERS_MAX,
  TEXT_DIFF_EDITS_MAX,
  TEXT_DIFF_STEPS_MAX,
} from '../../src/core/limits.ts'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import { PeerBook } from '../../src/node/peer-book.ts'
import { itemAt } from '../../src/node/space/item.ts'
import { describeStatus } from '../../src/node/space/status.ts'
import type { Space } from '../../src/node/space/space.ts'
import type { TextEvent } from '../../src/node/space/space-text.ts'
import { composeSplices, type TextSplice } from '../../src/core/types/text/delta.ts'
import { halveSplices } from '../../src/node/space/halve-splices.ts'
import { diffTexts } from '../../src/node/space/text-diff.ts'
import { applyDelta } from '../core/types/text/random-text.ts'
import { beginning, bob, createHome, forge, genesis, mallory, type Home, NOW_MS } from '../cast.ts'
import { editText } from '../../src/core/types/text/change.ts'

let alice: HanseNode
let space: Space

beforeEach(async () => {
  alice = await createNode({ online: false })
  space = alice.createSpace({ name: 'home' })
  space.grant({ to: formatDid(bob.publicKey), role: 'writer' })
})

afterEach(async () => {
  await alice.stop()
})

describe('a text of a space', () => {
  test('is inserted into, deleted from, set and read, in characters', () => {
    const text = space.text('notes/plan')
    expect([text.exists, text.length, text.toString()]).toEqual([false, 0, ''])
    text.insert(0, 'a😀b')
    text.insert(2, '語')
    text.delete(1, 1)
    expect([text.exists, text.length, text.toString(), text.slice(1), text.slice(0, 1)]).toEqual([
      true,
      3,
      'a語b',
      '語b',
      'a',
    ])
    expect(text.set('a語b')).toBeNull()
    text.set('a語 b!')
    expect(space.get('notes/plan')).toEqual({ path: 'notes/plan', type: 'text', value: 'a語 b!' })
    expect(text.isIncomplete).toBe(false)
  })

  test('comes to be empty, is deleted and begins again', () => {
    const text = space.text('notes/plan')
    expect(text.insert(0, '')).toMatch(/^[0-9a-f]{64}$/)
    expect([text.exists, text.toString()]).toEqual([true, ''])
    expect(text.insert(0, '')).toBeNull()
    text.insert(0, 'old')
    expect(text.remove()).toMatch(/^[0-9a-f]{64}$/)
    expect([text.exists, text.remove(), space.get('notes/plan')]).toEqual([false, null, undefined])
    text.insert(0, 'new')
    expect(text.toString()).toBe('new')
    expect(space.delete('notes/plan')).not.toBeNull()
    expect(text.exists).toBe(false)
  })

  test('takes what others typed at the same time, also into a text that was deleted', () => {
    const text = space.text('notes/plan')
    const seen = text.insert(0, 'one two') as string
    text.set('ONE two')
    text.insert(4, 'and ', { author: bob, after: [seen] })
    expect(text.toString()).toBe('ONE and two')
    const before = text.insert(0, '') ?? space.log('notes', 1)[0]?.id ?? ''
    text.remove()
    text.insert(3, '!', { author: bob, after: [before] })
    expect([text.exists, text.toString()]).toEqual([true, '!'])
  })

  test('makes several edits of several texts one operation', () => {
    const id = space.write([
      { kind: 'text', path: 'notes/a', splices: [[0, 0, 'world']] },
      { kind: 'put', path: 'notes/b', value: 1 },
      { kind: 'text', path: 'notes/a', splices: [[0, 0, 'hello ']] },
    ])
    expect(space.text('notes/a').toString()).toBe('hello world')
    expect(space.log('notes/a').map((entry) => entry.id)).toEqual([id])
  })

  test('refuses what lies beyond it, and what is no Unicode', () => {
    const text = space.text('notes/plan')
    text.insert(0, '😀')
    expect(() => text.insert(2, 'x')).toThrow(expect.objectContaining({ code: 'BAD_POSITION' }))
    expect(() => text.delete(0, 2)).toThrow(expect.objectContaining({ code: 'BAD_POSITION' }))
    expect(() => text.insert(-1, 'x')).toThrow(expect.objectContaining({ code: 'BAD_POSITION' }))
    expect(() => text.insert(0, '\ud800')).toThrow(expect.objectContaining({ code: 'BAD_VALUE' }))
    expect(() => space.text('/notes')).toThrow(expect.objectContaining({ code: 'BAD_PATH' }))
    expect(() =>
      space.write([
        { kind: 'text', path: 'notes/plan', splices: [[0, 0, 'x']] },
        { kind: 'delete', path: 'notes/plan', type: 'text' },
      ]),
    ).toThrow(expect.objectContaining({ code: 'BAD_VALUE' }))
    expect(text.toString()).toBe('😀')
  })

  test('takes more than one operation holds, in several, one after the other', () => {
    const text = space.text('notes/plan')
    const start = text.insert(0, 'begin end') as string
    const operations = () => space.log('notes/plan', 100).length
    const large = `begin ${'😀 語 word\n'.repeat(Math.ceil((3 * BODY_BYTES_MAX) / 15))}end`
    const last = text.set(large) as string
    expect(text.toString() === large).toBe(true)
    expect(operations()).toBe(1 + 4)
    expect(space.log('notes/plan', 1)[0]?.id).toBe(last)
    expect([text.at(start), text.at(last) === large]).toEqual(['begin end', true])
    text.apply([[5, 0, '!'.repeat(BODY_BYTES_MAX)]], { author: bob, after: [start] })
    expect(text.length).toBe(Array.from(large).length + BODY_BYTES_MAX)
    text.delete(0, text.length)
    expect(text.toString()).toBe('')
  })

  test('checks all of it before the first of several operations is written', () => {
    const text = space.text('notes/plan')
    const large = 'x'.repeat(2 * BODY_BYTES_MAX)
    const refuse = (splices: readonly TextSplice[], code: string) =>
      expect(() => text.apply(splices)).toThrow(expect.objectContaining({ code }))
    refuse(
      [
        [0, 0, large],
        [large.length + 1, 0, 'x'],
      ],
      'BAD_POSITION',
    )
    refuse(
      [
        [0, 0, large],
        [0, 0, '\ud800'],
      ],
      'BAD_VALUE',
    )
    refuse([[0, 0, 'x'.repeat(TEXT_CHARACTERS_MAX + 1)]], 'LIMIT')
    expect(text.exists).toBe(false)
  })

  test('tells editors what changed, until they ask no more', () => {
    const text = space.text('notes/plan')
    const events: TextEvent[] = []
    const end = text.subscribe((event) => events.push(event))
    let shown = ''
    const id = text.insert(0, 'one two') as string
    space.put('notes/other', 1)
    text.insert(7, ' three', { author: bob, after: [id] })
    text.apply([
      [0, 3, '1'],
      [2, 3, '2'],
    ])
    for (const { delta, source } of events) {
      shown = applyDelta(shown, delta)
      expect(source).toBe('local')
    }
    expect(events.map(({ delta }) => delta)).toEqual([
      [{ insert: 'one two' }],
      [{ retain: 7 }, { insert: ' three' }],
      [{ insert: '1' }, { delete: 3 }, { retain: 1 }, { insert: '2' }, { delete: 3 }],
    ])
    expect(shown).toBe('1 2 three')
    end()
    text.insert(0, 'x')
    expect(events).toHaveLength(3)
  })

  test('blames who wrote what, and says what it said', () => {
    const text = space.text('notes/plan')
    const first = text.insert(0, 'one three') as string
    const second = text.insert(4, 'two ', { author: bob }) as string
    const third = text.delete(0, 4) as string
    expect(
      text
        .blame()
        .map(({ from, to, text: written, operation, author }) => [from, to, written, operation, author]),
    ).toEqual([
      [0, 4, 'two ', second, formatDid(bob.publicKey)],
      [4, 9, 'three', first, alice.did],
    ])
    expect([text.at(first), text.at(second), text.at(third)]).toEqual([
      'one three',
      'one two three',
      'two three',
    ])
    expect([text.at(0), text.at(Date.now() + 60_000)]).toEqual(['', 'two three'])
    expect(() => text.at('00'.repeat(32))).toThrow(expect.objectContaining({ code: 'UNKNOWN_OPERATION' }))
  })

  test('follows what a revocation takes, and tells editors', () => {
    const text = space.text('notes/plan')
    text.insert(0, 'good ')
    text.insert(5, 'bad ', { author: bob })
    text.insert(9, 'end')
    const deltas: string[] = []
    text.subscribe(({ delta }) => deltas.push(JSON.stringify(delta)))
    space.revoke({ target: formatDid(bob.publicKey), purge: true })
    expect(text.toString()).toBe('good end')
    expect(deltas).toEqual(['[{"retain":5},{"delete":4}]'])
  })
})

describe('a text that lacks the content of an operation', () => {
  const start = forge({
    author: bob,
    deps: [beginning.at(-1) ?? genesis],
    body: [editText('mallory/t', [[0, 0, 'ab']])],
    header: { path: 'mallory/t' },
  })
  const unknown = forge({
    author: mallory,
    deps: [start],
    body: [editText('mallory/t', [[1, 0, '-']])],
    header: { path: 'mallory' },
  })
  const after = forge({
    author: bob,
    prev: start,
    deps: [unknown],
    body: [editText('mallory/t', [[3, 0, '!']])],
    header: { path: 'mallory/t' },
  })
  const beside = forge({
    author: mallory,
    deps: [start],
    prev: unknown,
    body: [editText('mallory/other', [[0, 0, 'x']])],
    header: { path: 'mallory/other' },
  })

  const home = async (): Promise<Home> => {
    const made = await createHome([])
    await made.hosted.replica.receive([start, { ...unknown, body: null }, after, beside], 'the test')
    return made
  }
  const shown = ({ hosted }: Home) => hosted.replica.texts.open('mallory/t').document.toString()

  test('is not final: what builds on it waits, and is placed once it comes', async () => {
    const made = await home()
    const { store } = made.hosted
    expect(shown(made)).toBe('ab')
    expect(store.waitingTexts()).toEqual(['mallory/other', 'mallory/t'])
    const status = () => describeStatus(made.hosted, new PeerBook(), bob.publicKey, NOW_MS).waitingTexts
    expect(status()).toEqual(['mallory/other', 'mallory/t'])
    expect(itemAt('mallory/t', 'text', store)).toEqual({
      path: 'mallory/t',
      type: 'text',
      value: 'ab',
      incomplete: true,
    })
    await made.hosted.replica.receive([unknown], 'the test')
    expect(store.waitingTexts()).toEqual([])
    expect(shown(made)).toBe('a-b!')
    expect(status()).toEqual([])
    expect(itemAt('mallory/t', 'text', store)).toEqual({ path: 'mallory/t', type: 'text', value: 'a-b!' })
    expect(store.cell({ path: 'mallory/other', type: 'text', field: '' })).toBeDefined()
  })

  test('cannot be edited or deleted, and says why', async () => {
    const made = await home()
    const write = (edit: Parameters<typeof made.hosted.write>[0][number]) => () =>
      made.hosted.write([edit], { author: bob, timeMs: 0 })
    const refused = expect.objectContaining({ code: 'TEXT_INCOMPLETE' }) as Error
    expect(write({ kind: 'text', path: 'mallory/t', splices: [[0, 0, 'x']] })).toThrow(refused)
    expect(write({ kind: 'delete', path: 'mallory/t', type: 'text' })).toThrow(refused)
    expect(write({ kind: 'text', path: 'elsewhere', splices: [[0, 0, 'x']] })).not.toThrow()
    await made.hosted.replica.receive([unknown], 'the test')
    expect(write({ kind: 'text', path: 'mallory/t', splices: [[0, 0, 'x']] })).not.toThrow()
    expect(shown(made)).toBe('xa-b!')
  })
})

describe('splices in two halves', () => {
  const splice = (length: number) =>
    fc.tuple(
      fc.nat({ max: length }),
      fc.nat({ max: 3 }),
      fc.string({ unit: fc.constantFrom('a', '語', '😀'), maxLength: 6 }),
    )

  test('do what they did in one, and end with single characters', () => {
    fc.assert(
      fc.property(fc.array(splice(20), { minLength: 1, maxLength: 6 }), (splices) => {
        const whole = composeSplices(40, splices)
        const pieces = (some: readonly TextSplice[]): TextSplice[] => {
          const halves = halveSplices(some)
          return halves === null ? [...some] : halves.flatMap(pieces)
        }
        const halves = halveSplices(splices)
        if (halves !== null) expect(composeSplices(40, halves.flat())).toEqual(whole)
        const all = pieces(splices)
        expect(composeSplices(40, all)).toEqual(whole)
        for (const [, deleted, inserted] of all)
          expect([deleted <= 1, Array.from(inserted).length <= 1]).toEqual([true, true])
      }),
    )
  })
})

describe('the difference of two texts', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '😀'), maxLength: 30 })

  test('makes the one of the other', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(applyDelta(before, diffTexts(before, after))).toBe(after)
      }),
    )
  })

  test('makes the one of the other also beyond its limits, whatever is cut where', () => {
    const part = fc.constantFrom('one', 'two', ' ', '\n', '語', '😀', '.', 'e\u0301', '  ')
    const long = fc.array(part, { maxLength: 4_000, size: 'max' }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(long, long, (before, after) => {
        expect(applyDelta(before, diffTexts(before, after)) === after).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('replaces words, not letters of them; a phrase as one', () => {
    const before = 'She saw the house, and the 大きい 家.'
    const by = (after: string) => diffTexts(before, after)
    expect(by('She saw the horse, and the 大きい 家.')).toEqual([
      { retain: 12 },
      { insert: 'horse' },
      { delete: 5 },
    ])
    expect(by('She sold a small boat, and the 大きい 家.')).toHaveLength(3)
    expect(by('She saw the houses, and the 大きい 家.')).toEqual([{ retain: 17 }, { insert: 's' }])
    expect(by('She saw the hose, and the 大きい 家.')).toEqual([{ retain: 14 }, { delete: 1 }])
    expect(by('She saw the house, and the 小さい 家.')).toEqual([
      { retain: 27 },
      { insert: '小さ' },
      { delete: 2 },
    ])
  })

  test('leaves all but the word that was replaced to whom it was of', () => {
    const written = space.text('notes/plan')
    const first = written.set('The quick brown fox jumps.')
    const second = written.set('The quick green fox jumps.')
    expect(written.blame().map(({ text: range, operation }) => [range, operation])).toEqual([
      ['The quick ', first],
      ['green', second],
      [' fox jumps.', first],
    ])
  })

  test('is minimal as far as the limits, then goes by lines and their words, and then replaces', () => {
    const words = 'x '.repeat(TEXT_DIFF_EDITS_MAX / 2)
    expect(diffTexts('a b', `a ${words}b`)).toEqual([{ retain: 2 }, { insert: words }])
    // More words than may be compared with so many edits: by lines, and by words in those that differ.
    const lines = Array.from(
      { length: TEXT_DIFF_STEPS_MAX / 10_000 },
      (_, i) => `line ${i} of very many lines\n`,
    )
    const edited = lines.map((line, i) => (i % 40 === 0 ? line.replace('very', 'so') : line))
    const delta = diffTexts(lines.join(''), edited.join(''))
    expect(delta).toHaveLength((lines.length / 40) * 3)
    expect(delta.slice(1, 3)).toEqual([{ insert: 'so' }, { delete: 4 }])
    const many = (letter: string) => Array.from({ length: TEXT_DIFF_EDITS_MAX }, (_, i) => `${i} ${letter}\n`)
    const few = `${many('a').join('')}end`
    const changed = few.replaceAll('a\n', 'b\n')
    expect(applyDelta(few, diffTexts(few, changed))).toBe(changed)
    expect(diffTexts(few, changed)).toHaveLength(3)
  })
})
