import * as dagCbor from '@ipld/dag-cbor'
import { equalBytes } from './bytes.ts'
import { type Fault, fail, ok, type Result } from './result.ts'

/**
 * Encodes as canonical DAG-CBOR: one value, one encoding (map keys shortest first, shortest integers, 64-bit floats).
 *
 * Takes null, booleans, finite numbers, bigints within 64 bits, well-formed strings, byte strings, arrays, plain objects and CIDs.
 * Throws (a bug of the caller) on anything else: `undefined`, NaN, a lone surrogate, a `__proto__` key.
 */
export function encodeCanonical(value: unknown): Uint8Array {
  assertExpressible(value)
  return dagCbor.encode(value)
}

/**
 * Decodes canonical DAG-CBOR, or refuses. Total: never throws, whatever the bytes.
 *
 * Conditions, in order: the bytes are one DAG-CBOR item with nothing after it; no map has the key `__proto__`; encoding
 * the value again gives the same bytes (which refuses unsorted keys, short floats, `undefined` and invalid UTF-8).
 *
 * Byte strings in the value are copies, never views of `bytes`. Integers beyond 2^53 come as bigint: narrow before use.
 */
export function decodeCanonical(bytes: Uint8Array): Result<unknown, Fault<'NON_CANONICAL'>> {
  try {
    const value: unknown = dagCbor.decode(bytes)
    assertExpressible(value)
    if (equalBytes(dagCbor.encode(value), bytes)) return ok(value)
    return fail('NON_CANONICAL', `not the canonical encoding of its value (${bytes.length} bytes)`)
  } catch (error) {
    return fail('NON_CANONICAL', error instanceof Error ? error.message : String(error))
  }
}

/** Throws where re-encoding would change the value in silence. Nesting too deep for the stack throws a RangeError. */
function assertExpressible(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a string with a lone surrogate has no UTF-8 form')
  } else if (Array.isArray(value)) {
    for (const element of value) assertExpressible(element)
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) {
      if (key === '__proto__') throw new TypeError('a map must not have the key __proto__')
      if (!key.isWellFormed()) throw new TypeError('a key with a lone surrogate has no UTF-8 form')
      assertExpressible((value as Record<string, unknown>)[key])
    }
  }
}
