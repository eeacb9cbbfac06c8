import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { formatValue } from '../../src/core/value-json.ts'
import { jsonOf } from '../../src/storage/sqlite/json-of.ts'

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('the JSON beside a value', () => {
  it('is that of the value, whatever it is', () => {
    const scalars = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary', minLength: 200, maxLength: 400 }),
      fc.string({ unit: fc.constantFrom('\0', '\n', '"', '\\', '\x1f', '\x7f', 'a', '\u2028') }),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
    )
    const keys = fc.string({ unit: 'binary' }).filter((key) => key !== '/' && key !== '__proto__')
    const { values } = fc.letrec((tie) => ({
      values: fc.oneof(
        { depthSize: 'small' },
        scalars,
        fc.array(tie('values')),
        fc.dictionary(fc.oneof(keys, fc.nat().map(String)), tie('values')),
      ),
    }))
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encodeCanonical(value)
        const decoded = decodeCanonical(bytes)
        expect(textOf(jsonOf(bytes))).toBe(formatValue(decoded.ok ? decoded.value : decoded.fault))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([0, 1, 23, 24, 255, 256, 257, 65_535, 65_536])('is that of a text of %i bytes', (length) => {
    const text = 'x'.repeat(length)
    expect(textOf(jsonOf(encodeCanonical(text)))).toBe(`"${text}"`)
  })

  it('stays good while further ones are asked for, however many, also where one of them takes another way', () => {
    const values = Array.from({ length: 40 }, (_, i) =>
      i % 7 === 6 ? [i, 2n ** 60n] : { i, text: 'x'.repeat(97 * i) },
    )
    const jsons = values.map((value, i) => jsonOf(encodeCanonical(value), i > 0))
    expect(jsons.map(textOf)).toEqual(values.map(formatValue))
    expect(textOf(jsonOf(encodeCanonical(1)))).toBe('1')
  })

  it('keeps a byte order mark, and reads bytes inside a larger buffer', () => {
    const value = encodeCanonical('\ufeffü"')
    const larger = new Uint8Array([0x61, ...value, 0x62])
    expect(textOf(jsonOf(larger.subarray(1, 1 + value.length)))).toBe(JSON.stringify('\ufeffü"'))
  })
})
