/** What is used of it; the package has no types of its own, and those of others are of versions long gone. */
declare module 'sodium-native' {
  export interface Sodium {
    readonly crypto_sign_verify_detached: (
      signature: Uint8Array,
      message: Uint8Array,
      publicKey: Uint8Array,
    ) => boolean
    readonly crypto_sign_BYTES: number
    readonly crypto_sign_detached: (signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array) => void
    /** Fills with random bytes. */
    readonly randombytes_buf: (into: Uint8Array) => void
    /** X25519 (RFC 7748): both throw where the result would be zero. */
    readonly crypto_scalarmult_base: (publicKey: Uint8Array, secretKey: Uint8Array) => void
    readonly crypto_scalarmult: (shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array) => void
    /** RFC 8439, the tag behind the ciphertext. */
    readonly crypto_aead_chacha20poly1305_ietf_encrypt: (
      ciphertext: Uint8Array,
      message: Uint8Array,
      additional: Uint8Array | null,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ) => number
    /** Throws where the tag is not that of the rest. `message` may be the memory of the ciphertext. */
    readonly crypto_aead_chacha20poly1305_ietf_decrypt: (
      message: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      additional: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ) => number
  }
  const sodium: Sodium
  export default sodium
}
