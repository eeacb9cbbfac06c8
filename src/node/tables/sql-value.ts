import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { sha256 } from '../../core/hash.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { formatValue } from '../../core/value-json.ts'

/** A value as SQLite holds it: INTEGER as bigint, REAL as number, TEXT, BLOB and NULL. */
export type SqlValue = bigint | number | string | Uint8Array | null

/** SQLite's integers have 64 bits with a sign; a field's may have one more. */
const INTEGER_MIN = -(2n ** 63n)
const INTEGER_MAX = 2n ** 63n - 1n

/** The key of a REAL that a plain number would not say: `{ real: 2 }`, `{ real: 'Infinity' }`. */
const REAL = 'real'
const INFINITIES: ReadonlyMap<unknown, number> = new Map([
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])

/**
 * A column's value as the field of a map. Reversible by {@link toSqlValue}, storage class included:
 * 1. NULL, TEXT and BLOB are null, text and bytes; INTEGER is an integer, beyond 2^53 - 1 a bigint;
 * 2. REAL is a number; one without a fraction, which DAG-CBOR would make an integer, is `{ real: n }`, except in a column whose affinity
 *    (`isReal`) makes a REAL of it again. The infinities are `{ real: 'Infinity' }` and `{ real: '-Infinity' }`.
 */
export function toFieldValue(value: SqlValue, isReal: boolean): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (typeof value !== 'number') return value
  if (!Number.isFinite(value)) return { [REAL]: String(value) }
  // Also of the zero with a sign, which SQLite does not keep either.
  if (Number.isSafeInteger(value)) return isReal ? value + 0 : { [REAL]: value + 0 }
  return value
}

/**
 * A field's value as a column takes it. Total over what a field may hold, since strangers write fields: what {@link toFieldValue} never gives
 * becomes 1 and 0 (booleans) or DAG-JSON text (lists, maps, links). `NO_SQL_VALUE` for an integer beyond 64 bits with a sign.
 */
export function toSqlValue(field: unknown): Result<SqlValue, Fault<'NO_SQL_VALUE'>> {
  switch (typeof field) {
    case 'boolean':
      return ok(field ? 1n : 0n)
    case 'number':
      return ok(Number.isSafeInteger(field) ? BigInt(field) : field)
    case 'bigint':
      if (field >= INTEGER_MIN && field <= INTEGER_MAX) return ok(field)
      return fail('NO_SQL_VALUE', `the integer ${field} has more than the 64 bits that SQLite keeps`)
    case 'string':
      return ok(field)
    default:
      if (field === null || field instanceof Uint8Array) return ok(field)
      return ok(realOf(field) ?? formatValue(field))
  }
}

function realOf(field: unknown): number | null {
  if (typeof field !== 'object' || field === null) return null
  const [only, ...others] = Object.entries(field)
  if (only === undefined || others.length > 0 || only[0] !== REAL) return null
  const real: unknown = only[1]
  return typeof real === 'number' ? real : (INFINITIES.get(real) ?? null)
}

/** Bytes of a fingerprint of a longer value: nobody finds two values with one fingerprint. */
const FINGERPRINT_BYTES = 16

/** Stands for a field's value in the row's remembered state: the canonical bytes where they are short, else their hash. */
export function fingerprint(field: unknown): Uint8Array {
  const bytes = encodeCanonical(field)
  return bytes.length < FINGERPRINT_BYTES ? bytes : sha256(bytes).slice(0, FINGERPRINT_BYTES)
}
