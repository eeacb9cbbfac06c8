import { CborReader, CborRefusal } from './cbor-reader.ts'
import { CborWriter } from './cbor-writer.ts'
import { type Fault, fail, ok, type Result } from './result.ts'
import type { SharedBytes } from './shared-bytes.ts'

/**
 * Encodes as canonical DAG-CBOR (IPLD DAG-CBOR specification, strict): one value, one encoding. Map keys shortest first,
 * then by bytes; shortest integers; 64-bit floats, and only for what is no safe integer.
 *
 * Takes null, booleans, finite numbers, bigints within 64 bits, well-formed strings, byte strings, arrays, plain objects and
 * CIDs, nested at most CBOR_DEPTH_MAX deep. Throws (a bug of the caller, who has to check what users give) on anything else:
 * `undefined`, NaN, a lone surrogate, a `__proto__` key, a Map. `room`: where the bytes go, if not into an array of their own.
 */
export function encodeCanonical(value: unknown, room?: SharedBytes): Uint8Array {
  writer.begin()
  writer.write(value)
  return writer.bytes(room)
}

/** One for all: a writer and its buffer for each value would cost more than what is written. */
const writer = new CborWriter()

/**
 * Decodes canonical DAG-CBOR, or refuses with reason and offset. Total: never throws, whatever the bytes. What it gives,
 * `encodeCanonical` encodes as the same bytes.
 *
 * Conditions: one item and nothing after it; shortest heads, no indefinite lengths; text is UTF-8 (a byte order mark is
 * kept); map keys are text, ascending, each once, none `__proto__`; floats are 64-bit, finite and no safe integers; of the
 * simple values only false, true and null; of the tags only 42 around a CID; nested at most CBOR_DEPTH_MAX deep.
 *
 * Byte strings in the value are copies, never views of `bytes`. Integers beyond 2^53 - 1 come as bigint: narrow before use.
 */
export function decodeCanonical(bytes: Uint8Array): Result<unknown, Fault<'NON_CANONICAL'>> {
  return readWhole(new CborReader(bytes, 'copies'))
}

/** The same, with byte strings that are views of `bytes`: for whoever takes them apart at once, and copies what it keeps. */
export function viewCanonical(bytes: Uint8Array): Result<unknown, Fault<'NON_CANONICAL'>> {
  return readWhole(new CborReader(bytes, 'views'))
}

function readWhole(reader: CborReader): Result<unknown, Fault<'NON_CANONICAL'>> {
  try {
    return ok(reader.readWhole())
  } catch (error) {
    if (error instanceof CborRefusal) return fail('NON_CANONICAL', error.message)
    throw error
  }
}
