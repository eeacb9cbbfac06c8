import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, utf8 } from '../../../src/core/bytes.ts'
import { BODY_CHANGES_MAX } from '../../../src/core/limits.ts'
import { compareStamps } from '../../../src/core/types/cell.ts'
import { appendEntry, entryField, parseEntryField } from '../../../src/core/types/log/change.ts'
import { bytesOf, expectVoid, INDEX, NO_PAYLOADS, OPERATION, readBytes } from './reading.ts'

const stamp = fc.record({
  time: fc.oneof(fc.maxSafeNat(), fc.nat(3)),
  lamport: fc.oneof(fc.maxSafeNat(), fc.nat(3)),
  id: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  index: fc.nat(BODY_CHANGES_MAX - 1),
})

describe('a change of a log', () => {
  it('appends an entry of any value, in a cell of its own', () => {
    for (const value of [null, 'it rains', { n: 1 }]) {
      const field = entryField({ ...OPERATION, index: INDEX })
      const key = { path: 'a/b', type: 'log', field, index: INDEX }
      expect(readBytes(appendEntry('a/b', value))).toEqual([{ ...key, kind: 'set', value: bytesOf(value) }])
    }
  })

  it('is void with anything else: no entry is ever named or taken away', () => {
    expectVoid('log', 'a log change has append', [
      ...NO_PAYLOADS,
      { set: 1 },
      { delete: [] },
      { append: 1, x: 1 },
      { Append: 1 },
    ])
  })

  it('has entries whose fields, in the order of their bytes, are in the order of their stamps', () => {
    fc.assert(
      fc.property(stamp, stamp, (a, b) => {
        const order = Math.sign(compareBytes(utf8(entryField(a)), utf8(entryField(b))))
        expect(order).toBe(Math.sign(compareStamps(a, b)))
        expect(parseEntryField(entryField(a))).toEqual(a)
      }),
    )
    const last = { time: 2 ** 53 - 1, lamport: 2 ** 53 - 1, id: new Uint8Array(32).fill(255), index: 16_383 }
    expect(entryField(last)).toBe(`1fffffffffffff1fffffffffffff${'f'.repeat(64)}3fff`)
    expect(entryField({ time: 0, lamport: 1, id: new Uint8Array(32), index: 0 })).toHaveLength(96)
  })
})
