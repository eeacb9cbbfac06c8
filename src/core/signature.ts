import { hash } from 'node:crypto'
import * as ed25519 from '@noble/ed25519'

/** Bytes of an Ed25519 public key, and of the seed it comes from. */
export const PUBLIC_KEY_BYTES = 32
/** Bytes of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64

/** Says whether `signature` is one of `message` by `publicKey`, under the predicate of this file. Total. */
export type VerifySignature = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean

/** What a signature is said to be: {@link VerifySignature}'s question. */
export interface SignatureClaim {
  readonly signature: Uint8Array
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
}

/** What signs in the name of one key; where the seed lives is its own business. */
export interface Signer {
  readonly publicKey: Uint8Array
  readonly sign: (message: Uint8Array) => Uint8Array
}

// noble's synchronous functions take their SHA-512 from here.
ed25519.hashes.sha512 = (message: Uint8Array) => new Uint8Array(hash('sha512', message, 'buffer'))

/**
 * The signature predicate of Hanse: ZIP215 (Zcash ZIP 215), the same verdict on every runtime for ever. Total.
 *
 * Conditions: the signature has 64 bytes and the key 32; A and R decode to points (encodings at or above p and "negative
 * zero" included); S < L; [8][S]B = [8]R + [8][k]A with k over the bytes as given. Takes about 1 ms; `createSignatureVerifier`
 * gives the same verdict faster.
 */
export function verifyZip215(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true })
  } catch {
    return false
  }
}

/** The public key of a seed (RFC 8032 §5.1.5). Throws unless the seed has 32 bytes. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed)
}

/** Signs as RFC 8032 §5.1.6, deterministic, 64 bytes. Throws unless the seed has 32 bytes. */
export function sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed)
}

/** y of the points whose order divides 8, without the sign bit, little-endian: 0, 1, -1 and the two of order 8. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))

/**
 * True for a key that must not author anything, because signatures under it can be made without a secret or because it has
 * a second spelling: not 32 bytes, y at or above p = 2^255 - 19, or a point of small order (with either sign bit).
 * Compares bytes only; a key that is no point at all is not found here, no signature verifies under it.
 */
export function isWeakKey(publicKey: Uint8Array): boolean {
  return (
    publicKey.length !== PUBLIC_KEY_BYTES ||
    isAboveField(publicKey) ||
    SMALL_ORDER_Y.some((y) => equalWithoutSign(publicKey, y))
  )
}

/** True when y, the lower 255 bits, is at or above p: only 0xed … 0xff, then thirty 0xff, then 0x7f. */
function isAboveField(publicKey: Uint8Array): boolean {
  if (((publicKey[31] as number) & 0x7f) !== 0x7f || (publicKey[0] as number) < 0xed) return false
  for (let i = 1; i < 31; i++) if (publicKey[i] !== 0xff) return false
  return true
}

function equalWithoutSign(publicKey: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (publicKey[i] !== y[i]) return false
  return ((publicKey[31] as number) & 0x7f) === y[31]
}
