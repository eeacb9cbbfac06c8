import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { formatValue } from '../../src/core/value-json.ts'
import { jsonOf } from '../../src/storage/sqlite/cells.ts'

describe('the JSON beside a value', () => {
  it('is that of the value, whatever it is', () => {
    const scalars = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    )
    const values = fc.oneof(
      scalars,
      fc.array(scalars),
      fc.dictionary(
        fc.string().filter((key) => key !== '/' && key !== '__proto__'),
        scalars,
      ),
    )
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCanonical(value)
        const decoded = decodeCanonical(bytes)
        expect(jsonOf(bytes)).toBe(formatValue(decoded.ok ? decoded.value : decoded.fault))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([0, 1, 23, 24, 255, 256, 65_535, 65_536])('is that of a text of %i bytes', (length) => {
    const text = 'x'.repeat(length)
    expect(jsonOf(encodeCanonical(text))).toBe(`"${text}"`)
  })

  it('keeps a byte order mark, and reads bytes inside a larger buffer', () => {
    const value = encodeCanonical('\ufeffü"')
    const larger = new Uint8Array([0x61, ...value, 0x62])
    expect(jsonOf(larger.subarray(1, 1 + value.length))).toBe(JSON.stringify('\ufeffü"'))
  })
})
