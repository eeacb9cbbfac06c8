import { hash } from 'node:crypto'
import { concatBytes } from './bytes.ts'

/** Bytes of a SHA-256 digest, and so of every id and root. */
export const HASH_BYTES = 32

/** SHA-256 of the parts, one after the other (FIPS 180-4). 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const input = parts.length === 1 ? (parts[0] as Uint8Array) : concatBytes(...parts)
  // By way of a text, which takes 0.4 µs where a Buffer takes 1 µs, and a Buffer more memory as long as the digest is kept.
  const digest = hash('sha256', input, 'binary')
  const bytes = new Uint8Array(HASH_BYTES)
  for (let i = 0; i < HASH_BYTES; i++) bytes[i] = digest.charCodeAt(i)
  return bytes
}
