/** What is used of it; the package has no types of its own, and those of others are of versions long gone. */
declare module 'sodium-native' {
  interface Sodium {
    readonly crypto_sign_verify_detached: (
      signature: Uint8Array,
      message: Uint8Array,
      publicKey: Uint8Array,
    ) => boolean
    readonly crypto_sign_BYTES: number
    readonly crypto_sign_detached: (signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array) => void
  }
  const sodium: Sodium
  export default sodium
}
