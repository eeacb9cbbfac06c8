import * as ed25519 from '@noble/ed25519'
import { describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../src/core/bytes.ts'
import {
  createNodeEd25519,
  createSignatureVerifier,
  createSigner,
  type NativeEd25519,
} from '../../src/core/native-signature.ts'
import { isWeakKey, publicKeyOf, sign, verifyZip215 } from '../../src/core/signature.ts'

const ALICE = createSigner(new Uint8Array(32).fill(1))
const BOB = createSigner(new Uint8Array(32).fill(2))
const MESSAGE = utf8('the Hanse meets in Lübeck')
const SIGNATURE = ALICE.sign(MESSAGE)

describe('the predicate', () => {
  test('accepts a signature for its message and key, and for no other', () => {
    expect(verifyZip215(SIGNATURE, MESSAGE, ALICE.publicKey)).toBe(true)
    expect(verifyZip215(SIGNATURE, MESSAGE, BOB.publicKey)).toBe(false)
    expect(verifyZip215(SIGNATURE, MESSAGE.subarray(1), ALICE.publicKey)).toBe(false)
    expect(verifyZip215(BOB.sign(MESSAGE), MESSAGE, ALICE.publicKey)).toBe(false)
  })

  test('refuses a signature with any one bit changed', () => {
    for (let bit = 0; bit < 512; bit += 7) {
      const changed = Uint8Array.from(SIGNATURE)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect([bit, verifyZip215(changed, MESSAGE, ALICE.publicKey)]).toEqual([bit, false])
    }
  })

  test('gives false, on every path, for lengths other than 64 and 32', async () => {
    const native = createSignatureVerifier()
    const longer = new Uint8Array([...SIGNATURE, 0])
    const cases = [
      [SIGNATURE.subarray(0, 63), ALICE.publicKey],
      [longer, ALICE.publicKey],
      [new Uint8Array(0), ALICE.publicKey],
      [SIGNATURE, ALICE.publicKey.subarray(0, 31)],
      [SIGNATURE, new Uint8Array([...ALICE.publicKey, 0])],
      [SIGNATURE, new Uint8Array(0)],
    ] as const
    for (const [signature, publicKey] of cases) {
      expect(verifyZip215(signature, MESSAGE, publicKey)).toBe(false)
      expect(native.verifySync(signature, MESSAGE, publicKey)).toBe(false)
      expect(await native.verifyAsync(signature, MESSAGE, publicKey)).toBe(false)
    }
  })

  test('gives false for a key that is no point', () => {
    const noPoint = new Uint8Array(32).fill(2)
    expect(() => ed25519.Point.fromBytes(noPoint, true)).toThrow()
    expect(verifyZip215(SIGNATURE, MESSAGE, noPoint)).toBe(false)
    expect(createSignatureVerifier().verifySync(SIGNATURE, MESSAGE, noPoint)).toBe(false)
  })
})

describe('the accelerated verifier', () => {
  test('asks the native one first, and the portable one only after a reject', () => {
    const asked: string[] = []
    const accepting: NativeEd25519 = {
      verifySync: () => {
        asked.push('native')
        return true
      },
      verifyAsync: () => Promise.resolve(true),
    }
    // Mallory's signature passes only because this runtime says so: its accept is taken unchecked.
    expect(createSignatureVerifier(accepting).verifySync(new Uint8Array(64), MESSAGE, ALICE.publicKey)).toBe(
      true,
    )
    expect(asked).toEqual(['native'])
  })

  test('believes no lengths that a native verifier would accept', async () => {
    const gullible: NativeEd25519 = { verifySync: () => true, verifyAsync: () => Promise.resolve(true) }
    const verifier = createSignatureVerifier(gullible)
    expect(verifier.verifySync(new Uint8Array(65), MESSAGE, ALICE.publicKey)).toBe(false)
    expect(await verifier.verifyAsync(new Uint8Array(64), MESSAGE, new Uint8Array(33))).toBe(false)
  })

  test('gives the right verdicts while keys come and go from a cache of one', async () => {
    const verifier = createSignatureVerifier(createNodeEd25519(1))
    const mallorys = BOB.sign(MESSAGE)
    for (let round = 0; round < 3; round++) {
      for (const signer of [ALICE, BOB]) {
        expect(verifier.verifySync(signer.sign(MESSAGE), MESSAGE, signer.publicKey)).toBe(true)
        expect(await verifier.verifyAsync(signer.sign(MESSAGE), MESSAGE, signer.publicKey)).toBe(true)
      }
      expect(await verifier.verifyAsync(mallorys, MESSAGE, ALICE.publicKey)).toBe(false)
    }
  })

  test('takes key, message and signature from the middle of larger buffers', async () => {
    const within = new Uint8Array([9, 9, 9, ...ALICE.publicKey, ...SIGNATURE, ...MESSAGE, 9])
    const key = within.subarray(3, 35)
    const signature = within.subarray(35, 99)
    const message = within.subarray(99, 99 + MESSAGE.length)
    const verifier = createSignatureVerifier()
    expect(verifier.verifySync(signature, message, key)).toBe(true)
    expect(await verifier.verifyAsync(signature, message, key)).toBe(true)
    expect(verifyZip215(signature, message, key)).toBe(true)
  })
})

describe('a signer', () => {
  test('has the key and makes the signature of the portable code', () => {
    const seed = new Uint8Array(40).fill(7).subarray(4, 36)
    const signer = createSigner(seed)
    expect(toHex(signer.publicKey)).toBe(toHex(publicKeyOf(seed)))
    expect(toHex(signer.sign(MESSAGE))).toBe(toHex(sign(MESSAGE, seed)))
  })

  test('is not made from anything but 32 bytes', () => {
    expect(() => createSigner(new Uint8Array(31))).toThrow(TypeError)
    expect(() => createSigner(new Uint8Array(64))).toThrow(TypeError)
  })
})

describe('a weak key', () => {
  test('is one of the points of small order, however it is spelt', () => {
    const generator = ed25519.Point.fromHex(
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    )
    const orders: string[] = []
    for (let point = generator, i = 0; i < 8; i++, point = point.add(generator)) {
      orders.push(toHex(point.toBytes()))
      expect([i, isWeakKey(point.toBytes())]).toEqual([i, true])
    }
    expect(new Set(orders).size).toBe(8)
  })

  test('is an encoding at or above the field, or a negative zero', () => {
    for (let low = 0xed; low <= 0xff; low++) {
      for (const high of [0x7f, 0xff]) {
        expect(isWeakKey(new Uint8Array([low, ...new Uint8Array(30).fill(0xff), high]))).toBe(true)
      }
    }
    expect(isWeakKey(new Uint8Array([1, ...new Uint8Array(30), 0x80]))).toBe(true)
  })

  test('is one of another length', () => {
    for (const length of [0, 31, 33]) expect(isWeakKey(new Uint8Array(length).fill(7))).toBe(true)
  })

  test('is not the key of any seed, nor the largest canonical encoding but one', () => {
    for (let i = 0; i < 50; i++) expect(isWeakKey(publicKeyOf(new Uint8Array(32).fill(i)))).toBe(false)
    expect(isWeakKey(new Uint8Array([0xeb, ...new Uint8Array(30).fill(0xff), 0x7f]))).toBe(false)
    for (let at = 1; at < 32; at++) {
      const below = new Uint8Array([0xed, ...new Uint8Array(30).fill(0xff), 0x7f])
      below[at] = (below[at] as number) - 1
      expect([at, isWeakKey(below)]).toEqual([at, false])
    }
  })
})
