import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, utf8 } from '../../src/core/bytes.ts'
import { cellName, compareText } from '../../src/storage/cell-order.ts'

describe('the order of texts', () => {
  it('is the order of their UTF-8 bytes', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '\0', 'é', '\uD7FF', '\uE000', '\uFFFF', '\u{10000}', '\u{1F600}'),
    })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(compareBytes(utf8(a), utf8(b)))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the name of a cell', () => {
  it('is different for different keys', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '1', '/', 'map', 'register'), maxLength: 4 })
    const key = fc.record({
      path: text,
      type: fc.constantFrom('map' as const, 'register' as const),
      field: text,
    })
    fc.assert(
      fc.property(key, key, (a, b) => {
        const isSame = a.path === b.path && a.type === b.type && a.field === b.field
        expect(cellName(a) === cellName(b)).toBe(isSame)
      }),
      { numRuns: 2_000 },
    )
  })
})
