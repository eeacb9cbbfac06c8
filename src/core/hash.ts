import { hash } from 'node:crypto'
import { joinBytes } from './bytes.ts'

/** Bytes of a SHA-256 digest, and so of every id and root. */
export const HASH_BYTES = 32

/** What parts are joined in before they are hashed: nearly all that is hashed here is a tag and little more. */
const scratch = new Uint8Array(4096)

/** SHA-256 of the parts, one after the other (FIPS 180-4). 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES)
  sha256Into(bytes, 0, parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts))
  return bytes
}

/** Writes the SHA-256 of some bytes, or of a text in UTF-8, to where 32 bytes have room from `at` on. */
export function sha256Into(target: Uint8Array, at: number, input: Uint8Array | string): void {
  // By way of a text, which takes 0.2 µs where a Buffer takes 0.7 µs, and a Buffer more memory as long as the digest is kept.
  const digest = hash('sha256', input, 'binary')
  for (let i = 0; i < HASH_BYTES; i++) target[at + i] = digest.charCodeAt(i)
}

/** The parts as one array, good until the next call. An array of its own for each would cost as much as its hash. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  if (length > scratch.length) return joinBytes(parts)
  let at = 0
  for (const part of parts) {
    scratch.set(part, at)
    at += part.length
  }
  return scratch.subarray(0, length)
}
