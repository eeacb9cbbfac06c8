import type { VerifySignature } from '../../core/signature.ts'

/** libsodium, by way of sodium-native: a Node-API module that comes with its binaries. Null where it has none for this platform. */
const library = await import('sodium-native').then(
  (module) => module.default,
  () => null,
)

/**
 * Whether libsodium accepts an Ed25519 signature; null where there is no libsodium. It checked 26,600 a second and core where OpenSSL checked
 * 16,300 (as measured when it was chosen). It accepts less than ZIP215: no second spellings, no points of small order, and the equation
 * without the cofactor, which implies the one with it. So its *accept* may be taken.
 */
export const sodium: VerifySignature | null =
  library === null
    ? null
    : (signature, message, publicKey) => library.crypto_sign_verify_detached(signature, message, publicKey)

/** Signs with libsodium's form of a key: 64 bytes, the seed and the public key. Null where there is no libsodium. */
export const sodiumSign: ((message: Uint8Array, secretKey: Uint8Array) => Uint8Array) | null =
  library === null
    ? null
    : (message, secretKey) => {
        const signature = new Uint8Array(library.crypto_sign_BYTES)
        library.crypto_sign_detached(signature, message, secretKey)
        return signature
      }
