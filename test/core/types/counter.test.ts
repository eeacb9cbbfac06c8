import { describe, expect, it } from 'vitest'
import { addToCounter, clearCounter } from '../../../src/core/types/counter/change.ts'
import { foldIncrement } from '../../../src/core/types/fold.ts'
import type { Cell } from '../../../src/core/types/cell.ts'
import { bytesOf, expectVoid, INDEX, NO_PAYLOADS, OPERATION, readBytes } from './reading.ts'

const KEY = { path: 'a/b', type: 'counter', field: '', index: INDEX }
const MOST = Number.MAX_SAFE_INTEGER

describe('a change of a counter', () => {
  it('adds a whole number within ±(2^53 - 1), zero too', () => {
    for (const by of [0, 1, -3, MOST, -MOST])
      expect(readBytes(addToCounter('a/b', by))).toEqual([{ ...KEY, kind: 'add', by }])
    const other = /add of a counter is a whole number within ±\(2\^53 - 1\), and clear is true/
    expectVoid(
      'counter',
      other,
      [2n ** 53n, -(2n ** 53n), 0.5, 1e300, '1', null, true, [1]].map((add) => ({ add })),
    )
  })

  it('clears', () => {
    expect(readBytes(clearCounter('a/b'))).toEqual([{ ...KEY, kind: 'clear' }])
    expectVoid(
      'counter',
      /clear is true/,
      [false, null, 1, 'true', []].map((clear) => ({ clear })),
    )
  })

  it('is void with anything else', () => {
    expectVoid('counter', /either add or clear/, [...NO_PAYLOADS, { add: 1, clear: true }, { add: 1, x: 1 }])
    expectVoid('counter', /clear is true/, [{ set: 1 }, { Add: 1 }])
  })
})

describe('a tally', () => {
  const after = (...increments: readonly number[]): Cell =>
    increments.reduce<Cell | undefined>(
      (cell, by, index) => foldIncrement(cell, { ...OPERATION, index }, by),
      undefined,
    ) as Cell

  it('is a number up to 2^53 - 1, its decimal text beyond, and a number again when it comes back', () => {
    expect(after(MOST).value).toEqual(bytesOf(MOST))
    expect(after(MOST, 1).value).toEqual(bytesOf('9007199254740992'))
    expect(after(MOST, 1, -1).value).toEqual(bytesOf(MOST))
    expect(after(-MOST, -1).value).toEqual(bytesOf('-9007199254740992'))
    expect(after(MOST, MOST, MOST, 8).value).toEqual(bytesOf('27021597764222981'))
    expect(after(5, -5).value).toEqual(bytesOf(0))
  })

  it('shows as the work of its latest increment, in whatever order they came', () => {
    const early = foldIncrement(
      foldIncrement(undefined, { ...OPERATION, index: 9 }, 1),
      { ...OPERATION, index: 2 },
      1,
    )
    expect(early).toMatchObject({ index: 9, value: bytesOf(2), removed: false })
  })
})
