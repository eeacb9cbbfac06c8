import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import { TEXT_CHARACTERS_MAX, TEXT_EDITS_MAX } from '../../src/core/limits.ts'
import type { TextAction, TextEdit } from '../../src/core/types/text/edit.ts'
import { composeSplices, spliceDelta, type TextDelta } from '../../src/core/types/text/delta.ts'
import type { TextDocument } from '../../src/core/types/text/document.ts'
import { foldNaively, pastOf, type NaiveNode } from '../../simulation/oracle/naive-text.ts'
import {
  add,
  applyDelta,
  createDocument,
  nodesOf,
  renumber,
  shuffle,
  steps,
} from './types/text/random-text.ts'

const keys = fc.array(fc.nat(), { minLength: 1, maxLength: 40 })

/** Adds nodes in an order; gives each index its number in the document. */
function addAll(
  document: TextDocument,
  nodes: readonly NaiveNode[],
  order: readonly number[],
  isMasked: (index: number) => boolean = () => false,
): Map<number, number> {
  const numbers = new Map<number, number>()
  for (const index of order)
    numbers.set(
      index,
      add(document, { ...renumber(nodes[index] as NaiveNode, numbers), isMasked: isMasked(index) }),
    )
  return numbers
}

const edit = (...edits: TextEdit[]): TextAction => ({ kind: 'edit', edits })
const idOf = (name: string) => sha256(utf8(name))
const node = (name: string, parents: readonly number[], action: TextAction) => ({
  id: idOf(name),
  parents,
  action,
  isMasked: false,
})

describe('a text', () => {
  it('comes to what the stupid fold comes to, in any order of arrival', () => {
    fc.assert(
      fc.property(steps(14), keys, (history, order) => {
        const nodes = nodesOf(history)
        const naive = foldNaively(nodes)
        const document = createDocument()
        const numbers = addAll(document, nodes, shuffle(nodes, order))
        expect(nodes.map((_, index) => document.isVoid(numbers.get(index) as number))).toEqual(naive.isVoid)
        const shown = naive.show(() => true)
        expect(document.toString()).toBe(shown.text)
        expect(document.exists).toBe(shown.exists)
        expect(document.length).toBe(Array.from(shown.text).length)
        expect(document.characters).toBe(naive.order.length)
      }),
      { numRuns: 600 },
    )
  })

  it('shows the same whenever nodes are masked, unmasked, or masked from the start', () => {
    fc.assert(
      fc.property(
        steps(12),
        keys,
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 12 }),
        (history, order, masks) => {
          const nodes = nodesOf(history)
          const naive = foldNaively(nodes)
          const document = createDocument()
          const first = new Set(masks.slice(0, 4).map(([pick]) => pick % nodes.length))
          const numbers = addAll(document, nodes, shuffle(nodes, order), (index) => first.has(index))
          const masked = new Set(first)
          const check = () => {
            const shown = naive.show((index) => !masked.has(index))
            expect(document.toString()).toBe(shown.text)
            expect(document.exists).toBe(shown.exists)
          }
          check()
          for (const [pick, isMasked] of masks) {
            const index = pick % nodes.length
            document.setMasked(numbers.get(index) as number, isMasked)
            if (isMasked) masked.add(index)
            else masked.delete(index)
            check()
          }
          expect(nodes.map((_, index) => document.isVoid(numbers.get(index) as number))).toEqual(naive.isVoid)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gives deltas that bring an editor from one text to the next, in any grouping', () => {
    fc.assert(
      fc.property(
        steps(12),
        keys,
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 6 }),
        (history, order, masks) => {
          const nodes = nodesOf(history)
          const document = createDocument()
          const numbers = new Map<number, number>()
          let seen = ''
          let group = 0
          document.beginDelta()
          const look = () => {
            const delta = document.finishDelta()
            expectNormal(delta)
            seen = applyDelta(seen, delta)
            expect(seen).toBe(document.toString())
            document.beginDelta()
          }
          for (const index of shuffle(nodes, order)) {
            numbers.set(
              index,
              add(document, { ...renumber(nodes[index] as NaiveNode, numbers), isMasked: false }),
            )
            const [pick, isMasked] = masks[group % Math.max(masks.length, 1)] ?? [0, false]
            document.setMasked((pick + group) % document.nodes, isMasked)
            if ((pick + group++) % 3 !== 0) look()
          }
          look()
          expect(document.finishDelta()).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is the text of any version that it was, blames who wrote each run, and slices', () => {
    fc.assert(
      fc.property(steps(12), keys, fc.nat(), fc.nat(), (history, order, pick, mask) => {
        const nodes = nodesOf(history)
        const naive = foldNaively(nodes)
        const document = createDocument()
        const numbers = addAll(
          document,
          nodes,
          shuffle(nodes, order),
          (index) => index === mask % (2 * nodes.length),
        )
        const isEffective = (index: number) => index !== mask % (2 * nodes.length)
        const index = pick % nodes.length
        const past = pastOf(nodes, index).add(index)
        expect(document.at([numbers.get(index) as number])).toBe(
          naive.show((other) => past.has(other) && isEffective(other)).text,
        )
        const text = Array.from(document.toString())
        const blamed = document.blame().flatMap(({ node: by, length }) => Array.from({ length }, () => by))
        expect(blamed).toHaveLength(text.length)
        const gone = naive.show(isEffective).text
        expect(gone).toBe(text.join(''))
        blamed.forEach((by, at) => {
          expect(insertedBy(nodes, numbers, by)).toContain(text[at])
        })
        const from = pick % (text.length + 1)
        expect(document.slice(from, text.length)).toBe(text.slice(from).join(''))
      }),
      { numRuns: 200 },
    )
  })

  it('turns what an author sees and changes into an edit that does just that', () => {
    fc.assert(
      fc.property(
        steps(10),
        keys,
        splices,
        fc.array(fc.nat(), { maxLength: 2 }),
        (history, order, wishes, picks) => {
          const nodes = nodesOf(history)
          const document = createDocument()
          addAll(document, nodes, shuffle(nodes, order), (index) => index % 5 === 3)
          const { delta, text } = wish(document.toString(), wishes)
          const { edits, unreachable } = document.translate(delta)
          expect(unreachable).toBe(0)
          if (edits.length > 0) {
            const at = add(document, node('own', document.heads, edit(...edits)))
            expect(document.isVoid(at)).toBe(false)
          }
          expect(document.toString()).toBe(text)

          // Whoever has seen only a version changes what showed there.
          const version = document.heads.slice(0, 1)
          const apart = wish(document.at(version), wishes)
          const before = document.toString()
          const [length, seen] = document.asOf(version, (count, translate) => [count, translate(apart.delta)])
          expect(length).toBe(Array.from(document.at(version)).length)
          expect(seen.unreachable).toBe(0)
          expect(document.slice(0, document.length)).toBe(before)
          if (seen.edits.length > 0) {
            const at = add(document, node('apart', version, edit(...seen.edits)))
            expect(document.isVoid(at)).toBe(false)
            expect(document.at([at])).toBe(apart.text)
          }

          // Whoever builds on a part of it only reaches that part, and still fits it.
          const parents = [...new Set(picks.map((pick) => pick % document.nodes))].sort((a, b) => a - b)
          const next = wish(document.toString(), wishes)
          const wire = document.translate(next.delta, parents)
          if (wire.edits.length === 0) return
          const at = add(document, node('in part', parents, edit(...wire.edits)))
          expect(document.isVoid(at)).toBe(false)
          expect(document.length).toBe(Array.from(next.text).length + wire.unreachable)
        },
      ),
      { numRuns: 400 },
    )
  })
})

describe('words typed at the same time', () => {
  const typed = (word: string, name: string, isBackward: boolean): NaiveNode[] =>
    Array.from(word).map((character, i, all) => ({
      id: idOf(`${name}${i}`),
      parents: [],
      action: edit([isBackward ? 0 : i, 0, isBackward ? (all[all.length - 1 - i] as string) : character]),
    }))

  it('never mix letter by letter, forwards or backwards, in any order of arrival', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        keys,
        (salt, first, second, isBetween, order) => {
          const nodes: NaiveNode[] = [
            { id: idOf('start'), parents: [], action: edit([0, 0, isBetween ? '()' : '']) },
          ]
          const offset = isBetween ? 1 : 0
          for (const [word, isBackward] of [
            ['alice', first],
            ['BOB', second],
            ['12345', first !== second],
          ] as const) {
            typed(word, `${salt}${word}`, isBackward).forEach((letter, i) => {
              const action = letter.action as { readonly edits: readonly TextEdit[] }
              const [[position, , inserted]] = action.edits as readonly [TextEdit]
              nodes.push({
                id: letter.id,
                parents: [i === 0 ? 0 : nodes.length - 1],
                action: edit([position + offset, 0, inserted]),
              })
            })
          }
          const document = createDocument()
          addAll(document, nodes, shuffle(nodes, order))
          const text = document.toString()
          expect(text).toHaveLength(13 + 2 * offset)
          for (const word of ['alice', 'BOB', '12345']) expect(text).toContain(word)
          expect(text).toBe(foldNaively(nodes).show(() => true).text)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('an edit outside its document', () => {
  const start = node('start', [], edit([0, 0, 'abc']))

  it('is void, with its whole change and nothing else', () => {
    const document = createDocument()
    add(document, start)
    const beyond = add(document, node('beyond', [0], edit([0, 0, 'x'], [5, 0, 'y'])))
    const tooMuch = add(document, node('too much', [0], edit([1, 3, 'x'])))
    const after = add(document, node('after', [beyond, tooMuch], edit([3, 0, 'd'])))
    expect([beyond, tooMuch, after].map((at) => document.isVoid(at))).toEqual([true, true, false])
    expect(document.toString()).toBe('abcd')
  })

  it('is judged by its past alone: what is concurrent, deleted or masked moves nothing', () => {
    const document = createDocument()
    add(document, start)
    add(document, node('wipe', [0], edit([0, 3, ''])))
    add(document, node('concurrent', [0], edit([0, 0, '12345'])))
    document.setMasked(0, true)
    expect(document.isVoid(add(document, node('at the end', [0], edit([3, 0, '!']))))).toBe(false)
    expect(document.isVoid(add(document, node('beyond', [0], edit([4, 0, '!']))))).toBe(true)
    expect(document.isVoid(add(document, node('behind the wiped', [1], edit([3, 0, '?']))))).toBe(false)
    expect(document.toString()).toContain('12345')
  })

  it('is one that deletes more than there is, over and over', () => {
    const document = createDocument()
    add(document, start)
    expect(document.isVoid(add(document, node('twice', [0], edit([0, 2, ''], [0, 1, '']))))).toBe(false)
    expect(document.isVoid(add(document, node('more', [0], edit([0, 3, ''], [0, 1, '']))))).toBe(true)
  })

  it('is one that makes the text too long', () => {
    const document = createDocument()
    add(document, node('long', [], edit([0, 0, 'x'.repeat(TEXT_CHARACTERS_MAX - 1)])))
    expect(document.isVoid(add(document, node('two', [0], edit([0, 0, 'yz']))))).toBe(true)
    expect(document.isVoid(add(document, node('one', [0], edit([0, 0, 'y']))))).toBe(false)
    expect(document.length).toBe(TEXT_CHARACTERS_MAX)
  })
})

describe('the existence of a text', () => {
  it('begins with an empty edit, and ends with a deletion that saw all', () => {
    const document = createDocument()
    expect(document.exists).toBe(false)
    add(document, node('create', [], edit([0, 0, ''])))
    expect([document.exists, document.toString()]).toEqual([true, ''])
    add(document, node('write', [0], edit([0, 0, 'here'])))
    add(document, node('delete', [1], { kind: 'delete' }))
    expect([document.exists, document.toString()]).toEqual([false, ''])
    add(document, node('meanwhile', [1], edit([4, 0, '!'])))
    expect([document.exists, document.toString()]).toEqual([true, '!'])
    document.setMasked(2, true)
    expect([document.exists, document.toString()]).toEqual([true, 'here!'])
  })

  it('is not brought about by what only deletes', () => {
    const document = createDocument()
    add(document, node('write', [], edit([0, 0, 'ab'])))
    add(document, node('delete', [0], { kind: 'delete' }))
    add(document, node('only deletes', [0], edit([0, 1, ''])))
    expect(document.exists).toBe(false)
  })
})

describe('the cost of a text', () => {
  it('takes many edits of one operation at one place beside many of another, and more pieces than a change holds', () => {
    const document = createDocument()
    const prepend = (letter: string) =>
      edit(...Array.from({ length: TEXT_EDITS_MAX }, (): TextEdit => [0, 0, letter]))
    add(document, node('alice', [], prepend('a')))
    add(document, node('bob', [], prepend('b')))
    expect(document.toString()).toMatch(/^(a+b+|b+a+)$/)
    // Every second character goes, twice over, so that what is left lies in more pieces than a change names.
    const holes = (offset: number) =>
      Array.from({ length: TEXT_EDITS_MAX / 2 }, (_, i): TextEdit => [2 * i + offset, 1, ''])
    const { heads } = document
    add(document, node('holes', heads, edit(...holes(0))))
    add(document, node('more holes', heads, edit(...holes(TEXT_EDITS_MAX))))
    const { edits } = document.translate([{ insert: 'new' }, { delete: document.length }])
    expect(edits.length).toBeLessThanOrEqual(TEXT_EDITS_MAX)
    add(document, node('all', document.heads, edit(...edits)))
    expect(document.toString()).toBe('new')
  })
})

const splices = fc.array(
  fc.tuple(fc.nat(), fc.nat(5), fc.string({ unit: fc.constantFrom('x', 'y', '🎈'), maxLength: 3 })),
  { maxLength: 4 },
)

/** Splices bent to fit a text, as a delta, and what they make of it. */
function wish(
  text: string,
  wishes: readonly (readonly [number, number, string])[],
): { delta: TextDelta; text: string } {
  const characters = Array.from(text)
  const { length } = characters
  const fitting = wishes.map(([pick, count, inserted]): TextEdit => {
    const position = pick % (characters.length + 1)
    const deleted = Math.min(count, characters.length - position)
    characters.splice(position, deleted, ...Array.from(inserted))
    return [position, deleted, inserted]
  })
  const delta = composeSplices(length, fitting)
  if (delta === null) throw new Error('splices that fit were refused')
  expectNormal(delta)
  expect(applyDelta(text, delta)).toBe(characters.join(''))
  expect(composeSplices(length, spliceDelta(delta))).toEqual(delta)
  return { delta, text: characters.join('') }
}

function expectNormal(delta: TextDelta): void {
  delta.forEach((part, i) => {
    const before = delta[i - 1]
    expect(Object.values(part)[0]).not.toBe('retain' in part || 'delete' in part ? 0 : '')
    if (before !== undefined) expect(Object.keys(before)).not.toEqual(Object.keys(part))
    expect(before !== undefined && 'delete' in before && 'insert' in part).toBe(false)
  })
  expect(delta.length === 0 || !('retain' in (delta.at(-1) as object))).toBe(true)
}

function insertedBy(
  nodes: readonly NaiveNode[],
  numbers: ReadonlyMap<number, number>,
  by: number,
): readonly string[] {
  const [index] = [...numbers].find(([, number]) => number === by) as [number, number]
  const { action } = nodes[index] as NaiveNode
  return action.kind === 'edit' ? action.edits.flatMap(([, , inserted]) => Array.from(inserted)) : []
}
