import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  packAscending,
  packBody,
  packParents,
  unpackAscending,
  unpackBody,
  unpackParents,
} from '../../src/storage/sqlite/packing.ts'

describe('packing', () => {
  it('gives back exactly the changes of a body', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 300 }), (body) => {
        expect(unpackBody(packBody(body))).toEqual(body)
      }),
    )
  })

  it('gives back parents in their order, however far back', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.array(fc.maxSafeNat(), { maxLength: 65 }), (more, parents) => {
        const child = Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, ...parents) + more)
        expect(unpackParents(child, packParents(child, parents))).toEqual(parents)
      }),
    )
  })

  it('gives back numbers that ascend', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.maxSafeNat(), { maxLength: 200 }), (numbers) => {
        const ascending = numbers.toSorted((a, b) => a - b)
        expect(unpackAscending(packAscending(ascending))).toEqual(ascending)
      }),
    )
  })

  it('throws on bytes that are cut short', () => {
    const packed = packBody([new Uint8Array(200), new Uint8Array(3)])
    for (let length = 0; length < packed.length; length++) {
      expect(() => unpackBody(packed.subarray(0, length))).toThrow(/damaged row/)
    }
    expect(() => unpackParents(9, Uint8Array.of(0x80))).toThrow(/damaged row/)
  })

  it('reads a part of a larger buffer', () => {
    const packed = packBody([Uint8Array.of(1, 2, 3)])
    const larger = new Uint8Array(packed.length + 10)
    larger.set(packed, 5)
    expect(unpackBody(larger.subarray(5, 5 + packed.length))).toEqual([Uint8Array.of(1, 2, 3)])
  })
})
