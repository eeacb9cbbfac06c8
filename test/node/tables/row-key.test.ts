import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePath } from '../../../src/core/path.ts'
import { decodeRowKey, encodeRowKey } from '../../../src/node/tables/row-key.ts'
import { decodeRowState, encodeRowState } from '../../../src/node/tables/row-state.ts'
import { decodeShareConfigs, encodeShareConfigs } from '../../../src/node/tables/share-config.ts'
import { fingerprint, type SqlValue, toFieldValue, toSqlValue } from '../../../src/node/tables/sql-value.ts'
import { decodeCanonical, encodeCanonical } from '../../../src/core/canonical-cbor.ts'

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('/', '%', '~', 't', '.', '0', '-', '1', '\u0308', '\u00e9', 'e', '\0') }),
)
const integers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const reals = fc.double({ noNaN: true })
const blobs = fc.uint8Array({ maxLength: 8 })
const keyValue: fc.Arbitrary<SqlValue> = fc.oneof(texts, integers, reals, blobs)
const anyValue: fc.Arbitrary<SqlValue> = fc.oneof(keyValue, fc.constant(null))

/** What SQLite makes of a REAL in a key: without a fraction it is equal to the integer. */
const asKey = (value: SqlValue): SqlValue =>
  typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value

describe('a primary key as a path', () => {
  it('is read as it was written, and is a path, whatever is in it', () => {
    fc.assert(
      fc.property(fc.array(keyValue, { minLength: 1, maxLength: 4 }), (values) => {
        const key = encodeRowKey(values)
        expect(parsePath(`table/${key}`)).toEqual({ ok: true, value: `table/${key}` })
        expect(decodeRowKey(key, values.length)).toEqual({ ok: true, value: values.map(asKey) })
        expect(decodeRowKey(key, values.length + 1).ok).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is another for every other key', () => {
    fc.assert(
      fc.property(keyValue, keyValue, (a, b) => {
        if (encodeRowKey([a]) === encodeRowKey([b])) expect(asKey(a)).toEqual(asKey(b))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['ada', 'ada'],
    [42n, '42'],
    ['42', '~t42'],
    ['0042', '0042'],
    ['-0', '-0'],
    [-7n, '-7'],
    [2.0, '2'],
    [1.5, '~r1.5'],
    [Infinity, '~rInfinity'],
    ['', '~t'],
    ['..', '~t..'],
    ['~x', '~t~x'],
    ['a/b%', 'a%2Fb%25'],
    ['caf\u00e9', 'caf\u00e9'],
    ['cafe\u0301', 'cafe%CC%81'],
    [new Uint8Array([0, 255]), '~b00ff'],
  ])('writes %s as %s', (value, segment) => {
    expect(encodeRowKey([value])).toBe(segment)
  })

  it.each([
    '~',
    '~q',
    '~bA0',
    '~b0',
    '~r1',
    '~r',
    '~rNaN',
    '~tada',
    'a%2fb',
    'a%41',
    '%',
    '~r1.50',
    '9223372036854775808',
  ])('refuses a segment in another spelling: %s', (segment) => {
    const read = decodeRowKey(segment, 1)
    if (segment === '9223372036854775808') expect(read.ok).toBe(false)
    else expect(read).toMatchObject({ ok: false, fault: { code: 'BAD_KEY' } })
  })
})

describe('a value as a field', () => {
  it('comes back as it was, storage class included, through the canonical bytes', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const decoded = decodeCanonical(encodeCanonical(toFieldValue(value, false)))
        const back = decoded.ok ? toSqlValue(decoded.value) : null
        // SQLite keeps no zero with a sign.
        expect(back).toEqual({ ok: true, value: Object.is(value, -0) ? 0 : value })
      }),
      { numRuns: 2_000 },
    )
  })

  it('is a plain number in a column that makes a REAL of it', () => {
    expect(toFieldValue(2, true)).toBe(2)
    expect(toFieldValue(2, false)).toEqual({ real: 2 })
    expect(toFieldValue(2n, false)).toBe(2)
  })

  it('has one fingerprint, and another for every other value', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        const [one, other] = [toFieldValue(a, false), toFieldValue(b, false)]
        const areEqual = Buffer.compare(encodeCanonical(one), encodeCanonical(other)) === 0
        expect(Buffer.compare(fingerprint(one), fingerprint(other)) === 0).toBe(areEqual)
        expect(fingerprint(one).length).toBeLessThanOrEqual(16)
      }),
    )
  })
})

describe('what is remembered', () => {
  const print = fc.oneof(fc.uint8Array({ maxLength: 16 }), fc.constant(null))
  const state = fc
    .array(
      fc.tuple(
        fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__'),
        fc.record({ local: print, remote: print }),
      ),
    )
    .map((entries) => new Map(entries))

  it('of a row is read as it was written', () => {
    fc.assert(
      fc.property(state, (columns) => {
        expect(decodeRowState(encodeRowState(columns))).toEqual(columns)
      }),
    )
    expect(decodeRowState(new Uint8Array([0xff])).size).toBe(0)
  })

  it('of the shared tables is read as it was written, and what is damaged is left out', () => {
    const config = {
      id: 'a1',
      file: '/x.sqlite',
      table: 't',
      prefix: 'p',
      columns: ['a'],
      prefer: 'space',
    } as const
    expect(
      decodeShareConfigs(encodeShareConfigs([config, { ...config, columns: null, prefer: 'local' }])),
    ).toEqual([config, { ...config, columns: null, prefer: 'local' }])
    expect(decodeShareConfigs(undefined)).toEqual([])
    expect(decodeShareConfigs(encodeCanonical([['a1', '/x', 't', 'p', null, 'nobody'], 1, ['a']]))).toEqual(
      [],
    )
  })
})
