import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { change as anyChange } from '../../../fuzz/grammar.ts'
import { decodeChange } from '../../../src/core/changes/change.ts'
import { isAtOrBelow } from '../../../src/core/path.ts'
import type { CellEdit } from '../../../src/core/types/cell.ts'
import { appendEntry } from '../../../src/core/types/log/change.ts'
import { editMap } from '../../../src/core/types/map/change.ts'
import { readPlainChange } from '../../../src/core/types/plain-change.ts'
import { readItemChange } from '../../../src/core/types/read-item-change.ts'
import { setRegister } from '../../../src/core/types/register/change.ts'
import { INDEX, OPERATION } from './reading.ts'

const readPlain = (bytes: Uint8Array, path = '') =>
  readPlainChange(bytes, { path, index: INDEX, operation: OPERATION })

/** The edits of a change by way of its decoded value; null where it has none, or lies elsewhere. */
function readSlowly(bytes: Uint8Array, path = ''): readonly CellEdit[] | null {
  const decoded = decodeChange(bytes)
  if (!decoded.ok || !isAtOrBelow(decoded.value.path, path)) return null
  const result = readItemChange(decoded.value, INDEX, OPERATION)
  return result?.ok === true ? result.value : null
}

/** What is taken the short way is taken the long way, and comes to the same. True where it was. */
function agrees(bytes: Uint8Array, path = ''): boolean {
  const plain = readPlain(bytes, path)
  if (plain !== null) expect(plain).toEqual(readSlowly(bytes, path))
  return plain !== null
}

const scalars = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ minLength: 250, maxLength: 260 }),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<unknown>(true, false, null, 0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1),
  fc.uint8Array(),
)
const keys = fc
  .oneof(fc.string({ maxLength: 30 }), fc.nat(99).map(String))
  .filter((key) => key !== '__proto__')
const { values } = fc.letrec((tie) => ({
  values: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('values')),
    fc.dictionary(keys, tie('values')),
  ),
}))
const paths = fc.constantFrom(
  '',
  'a',
  'a/b',
  'a/b/c',
  'ab',
  'ä',
  'a/..',
  './a',
  'a//b',
  `a/${'x'.repeat(30)}`,
  'a/'.repeat(70),
)
const fields = fc.dictionary(
  keys.filter((key) => key !== ''),
  values,
  { minKeys: 1, maxKeys: 30 },
)
const changes = fc.oneof(
  fc.tuple(paths, values).map(([path, value]) => setRegister(path, value)),
  fc.tuple(paths, values).map(([path, value]) => appendEntry(path, value)),
  fc.tuple(paths, fields).map(([path, set]) => editMap(path, { set })),
  anyChange,
)

describe('a change that is read straight from its bytes', () => {
  it('comes to what it comes to when it is decoded, or is left to that', () => {
    let taken = 0
    fc.assert(
      fc.property(changes, fc.constantFrom('', 'a', 'a/b', 'ä'), (bytes, path) => {
        if (agrees(bytes, path)) taken++
      }),
      { numRuns: 2_000 },
    )
    expect(taken).toBeGreaterThan(200)
  })

  it('is refused as strictly, whatever one byte is', () => {
    const edits = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('set', 'insert', 'delete', 'end'), fc.integer({ min: 0, max: 255 })),
      { minLength: 1, maxLength: 2 },
    )
    fc.assert(
      fc.property(changes, edits, (bytes, mutations) => {
        const list = [...bytes]
        for (const [pick, how, byte] of mutations) {
          const at = pick % Math.max(1, list.length)
          if (how === 'set') list[at] = byte
          else if (how === 'insert') list.splice(at, 0, byte)
          else list.splice(at, how === 'delete' ? 1 : Infinity)
        }
        agrees(Uint8Array.from(list))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is each of the common ones', () => {
    const value = {
      n: 1,
      text: 'ü'.repeat(20),
      list: [1.5, -7, null, true, 'x'.repeat(300), 1_800_000_000_000],
    }
    for (const bytes of [setRegister('a/b', value), appendEntry('a', value), editMap('a/b', { set: value })])
      expect(agrees(bytes, 'a')).toBe(true)
    expect(agrees(setRegister('', 1))).toBe(true)
  })

  it('is a view of plain bytes also where it lies inside a larger buffer', () => {
    const bytes = setRegister('a', [1, 'two'])
    const larger = Buffer.concat([Buffer.from([1, 2, 3]), bytes, Buffer.from([4])])
    const [edit] = readPlain(larger.subarray(3, 3 + bytes.length)) ?? []
    expect(edit).toEqual((readSlowly(bytes) ?? [])[0])
    expect(edit?.kind === 'set' && Object.getPrototypeOf(edit.value)).toBe(Uint8Array.prototype)
  })

  const set = (...value: readonly number[]) => {
    const bytes = setRegister('a', 0)
    return Uint8Array.from([...bytes.subarray(0, -1), ...value])
  }
  it.each([
    ['a length that is not the shortest', set(0x78, 3, 0x61, 0x62, 0x63)],
    ['a number that is not the shortest', set(0x1b, 0, 0, 0, 0, 1, 0, 0, 0)],
    ['a whole number as a float', set(0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0)],
    ['a number that is none', set(0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)],
    ['text that is not UTF-8', set(0x62, 0xc3, 0x28)],
    ['a half of a pair of surrogates', set(0x63, 0xed, 0xa0, 0x80)],
    ['keys out of order', set(0xa2, 0x61, 0x62, 0, 0x61, 0x61, 0)],
    ['longer keys first', set(0xa2, 0x62, 0x61, 0x61, 0, 0x61, 0x62, 0)],
    ['a key twice', set(0xa2, 0x61, 0x61, 0, 0x61, 0x61, 0)],
    ['the key __proto__', set(0xa1, 0x69, ...Buffer.from('__proto__'), 0)],
    ['a key that is no text', set(0xa1, 0, 0)],
    ['no end', set(0x9f, 0xff)],
    ['a list cut short', set(0x82, 0)],
    ['bytes cut short', set(0x42, 0)],
    ['text cut short', set(0x62, 0x61)],
    ['something after it', set(0, 0)],
    ['undefined', set(0xf7)],
    ['a short float', set(0xf9, 0x3e, 0)],
    ['nothing', set()],
    ['another version', Uint8Array.from(setRegister('a', 0), (byte, i) => (i === 10 ? 2 : byte))],
  ])('is not one with %s', (_, bytes) => {
    expect(readPlain(bytes)).toBeNull()
    expect(readSlowly(bytes)).toBeNull()
  })

  it('leaves what is deep, links and numbers as fields to the other way', () => {
    let deep: unknown = 0
    for (let i = 0; i < 17; i++) deep = [deep]
    expect(readPlain(setRegister('a', deep))).toBeNull()
    expect(readSlowly(setRegister('a', deep))).not.toBeNull()
    expect(readPlain(editMap('a', { set: { 1: 1 } }))).toBeNull()
    expect(readSlowly(editMap('a', { set: { 1: 1 } }))).not.toBeNull()
  })
})
