import type { VerifySignature } from '../../core/signature.ts'
import type { Sodium } from 'sodium-native'
import { libsodium } from '../sodium/libsodium.ts'

/**
 * Whether libsodium accepts an Ed25519 signature; null where there is no libsodium. It checked 26,600 a second and core where OpenSSL checked
 * 16,300 (as measured when it was chosen). It accepts less than ZIP215: no second spellings, no points of small order, and the equation
 * without the cofactor, which implies the one with it. So its *accept* may be taken.
 */
export const sodium: VerifySignature | null =
  libsodium === null ? null : libsodium.crypto_sign_verify_detached

/** Signs with libsodium's form of a key: 64 bytes, the seed and the public key. Null where there is no libsodium. */
export const sodiumSign: ((message: Uint8Array, secretKey: Uint8Array) => Uint8Array) | null =
  libsodium === null ? null : signerOf(libsodium)

function signerOf(library: Sodium) {
  return (message: Uint8Array, secretKey: Uint8Array) => {
    const signature = new Uint8Array(library.crypto_sign_BYTES)
    library.crypto_sign_detached(signature, message, secretKey)
    return signature
  }
}
