import type { VerifySignature } from '../../core/signature.ts'

/**
 * Ed25519 of libsodium, by way of sodium-native: a Node-API module that comes with its binaries and checks 26,600 signatures a second and
 * core where OpenSSL checks 16,300 (as measured when it was chosen). Null where it has none for this platform. It accepts less than ZIP215: no
 * second spellings, no points of small order, and the equation without the cofactor, which implies the one with it. So its *accept* may be taken.
 */
export const sodium: VerifySignature | null = await import('sodium-native').then(
  ({ default: library }): VerifySignature =>
    (signature, message, publicKey) =>
      library.crypto_sign_verify_detached(signature, message, publicKey),
  () => null,
)
