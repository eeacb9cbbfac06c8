import { hash } from 'node:crypto'
import { type ICryptoInterface, pureJsCrypto } from '@libp2p/noise'
import type { Sodium } from 'sodium-native'
import { libsodium } from '../sodium/libsodium.ts'

const KEY_BYTES = 32
const TAG_BYTES = 16

/**
 * What Noise computes with, by libsodium; undefined where there is none, and then Noise has its own: WebAssembly for messages below 1,200
 * bytes, OpenSSL by way of node:crypto for longer ones and for keys. Those take several times as long, since node:crypto makes an object for
 * each message and reads each key from its DER; a handshake agrees on three keys on each side.
 */
export const noiseCrypto: ICryptoInterface | undefined =
  libsodium === null ? undefined : createNoiseCrypto(libsodium)

function createNoiseCrypto(sodium: Sodium): ICryptoInterface {
  return {
    ...pureJsCrypto,
    hashSHA256: (data) => hash('sha256', data.subarray(), 'buffer'),
    generateX25519KeyPair() {
      const privateKey = new Uint8Array(KEY_BYTES)
      sodium.randombytes_buf(privateKey)
      return keyPairOf(privateKey)
    },
    generateX25519KeyPairFromSeed: keyPairOf,
    generateX25519SharedKey(privateKey, publicKey) {
      const shared = new Uint8Array(KEY_BYTES)
      sodium.crypto_scalarmult(shared, privateKey.subarray(), publicKey.subarray())
      return shared
    },
    chaCha20Poly1305Encrypt(plaintext, nonce, additional, key) {
      const ciphertext = new Uint8Array(plaintext.byteLength + TAG_BYTES)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
        ciphertext,
        plaintext.subarray(),
        additional.length === 0 ? null : additional,
        null,
        nonce,
        key,
      )
      return ciphertext
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, additional, key, into) {
      const plaintext = into ?? new Uint8Array(ciphertext.byteLength - TAG_BYTES)
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
        plaintext,
        null,
        ciphertext.subarray(),
        additional.length === 0 ? null : additional,
        nonce,
        key,
      )
      return plaintext
    },
  }

  function keyPairOf(privateKey: Uint8Array) {
    const publicKey = new Uint8Array(KEY_BYTES)
    sodium.crypto_scalarmult_base(publicKey, privateKey)
    return { publicKey, privateKey }
  }
}
