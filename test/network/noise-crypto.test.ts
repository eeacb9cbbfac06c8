import { type ICryptoInterface, pureJsCrypto } from '@libp2p/noise'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it } from 'vitest'
import { noiseCrypto } from '../../src/node/network/noise-crypto.ts'

const ours = noiseCrypto as ICryptoInterface
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const parts = fc.array(fc.uint8Array({ maxLength: 2_000 }), { minLength: 1, maxLength: 3 })
const additional = fc.oneof(fc.constant(new Uint8Array()), bytes(32))
const listOf = (arrays: readonly Uint8Array[]) => new Uint8ArrayList(...arrays.map((one) => one.slice()))

it('is there for this platform', () => {
  expect(noiseCrypto).toBeDefined()
})

it('encrypts and decrypts as the JavaScript of Noise does, in one piece or several, also in place', () => {
  fc.assert(
    fc.property(parts, bytes(12), additional, bytes(32), (message, nonce, ad, key) => {
      const whole = listOf(message).slice()
      const ciphertext = pureJsCrypto.chaCha20Poly1305Encrypt(whole, nonce, ad, key).slice()
      expect(ours.chaCha20Poly1305Encrypt(whole, nonce, ad, key).slice()).toEqual(ciphertext)
      expect(ours.chaCha20Poly1305Encrypt(listOf(message), nonce, ad, key).slice()).toEqual(ciphertext)
      const cut = listOf([ciphertext.subarray(0, 7), ciphertext.subarray(7)])
      expect(ours.chaCha20Poly1305Decrypt(cut, nonce, ad, key).slice()).toEqual(whole)
      const inPlace = ciphertext.subarray(0, ciphertext.length - 16)
      expect(ours.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, inPlace).slice()).toEqual(whole)
    }),
  )
})

it('throws for a message of which any bit is another, under another key, number or what goes with it', () => {
  const flipped = (of: Uint8Array, at: number) => of.with(at % of.length, (of[at % of.length] as number) ^ 1)
  fc.assert(
    fc.property(parts, bytes(12), bytes(32), bytes(32), fc.nat(), (message, nonce, ad, key, at) => {
      const ciphertext = ours.chaCha20Poly1305Encrypt(listOf(message), nonce, ad, key).slice()
      const decrypt = (...of: [Uint8Array, Uint8Array, Uint8Array, Uint8Array]) =>
        ours.chaCha20Poly1305Decrypt(...of)
      expect(() => decrypt(flipped(ciphertext, at), nonce, ad, key)).toThrow()
      expect(() => decrypt(ciphertext, flipped(nonce, at), ad, key)).toThrow()
      expect(() => decrypt(ciphertext, nonce, flipped(ad, at), key)).toThrow()
      expect(() => decrypt(ciphertext, nonce, ad, flipped(key, at))).toThrow()
      expect(() => decrypt(ciphertext.slice(0, at % 16), nonce, ad, key)).toThrow()
    }),
  )
})

it('makes keys, agrees on them and hashes as the JavaScript of Noise does', () => {
  fc.assert(
    fc.property(bytes(32), bytes(32), parts, (seed, otherSeed, data) => {
      const own = ours.generateX25519KeyPairFromSeed(seed)
      const other = pureJsCrypto.generateX25519KeyPairFromSeed(otherSeed)
      expect(own).toEqual(pureJsCrypto.generateX25519KeyPairFromSeed(seed))
      const shared = pureJsCrypto.generateX25519SharedKey(other.privateKey, own.publicKey)
      expect(ours.generateX25519SharedKey(own.privateKey, other.publicKey)).toEqual(shared)
      const inParts = ours.generateX25519SharedKey(own.privateKey, listOf([other.publicKey]))
      expect(inParts).toEqual(shared)
      expect([...ours.hashSHA256(listOf(data))]).toEqual([...pureJsCrypto.hashSHA256(listOf(data))])
    }),
    { numRuns: 20 },
  )
  const [one, another] = [ours.generateX25519KeyPair(), ours.generateX25519KeyPair()]
  expect(one.privateKey).not.toEqual(another.privateKey)
  expect(one).toEqual(pureJsCrypto.generateX25519KeyPairFromSeed(one.privateKey))
})

it('agrees on nothing with a key of small order, which would make a secret that all know', () => {
  const { privateKey } = ours.generateX25519KeyPair()
  for (const point of [new Uint8Array(32), new Uint8Array(32).with(0, 1)])
    expect(() => ours.generateX25519SharedKey(privateKey, point)).toThrow()
})
