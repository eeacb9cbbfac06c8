import { hash } from 'node:crypto'
import * as ed25519 from '@noble/ed25519'
import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { compareBytes, concatBytes, equalBytes } from '../../src/core/bytes.ts'
import { decodeForkProof, encodeForkProof, verifyForkProof } from '../../src/core/fork-proof.ts'
import { FORK_PROOF_BYTES_MAX, HEADER_BYTES_MAX } from '../../src/core/limits.ts'
import { type Operation, signedBytes } from '../../src/core/operation/operation.ts'
import {
  alice,
  bob,
  carol,
  forge,
  genesis,
  grants,
  mallory,
  seedNamed,
  spaceId,
  spaceKey,
  verifier,
} from '../cast.ts'

const base = forge({ author: mallory, header: { path: 'mallory' } })
const left = forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 'left')] })
const right = forge({ author: mallory, prev: base, body: [setRegister('mallory/x', 'right')] })
const [low, high] = compareBytes(left.id, right.id) < 0 ? [left, right] : [right, left]

/** What anybody makes of the bytes, with nothing else at hand. */
function check(bytes: Uint8Array) {
  const decoded = decodeForkProof(bytes)
  return decoded.ok ? verifyForkProof(decoded.value, verifier.verifySync) : decoded
}

/** Why a pair proves nothing. */
function codeOf(one: Operation, other: Operation): string {
  const checked = check(encodeForkProof(one, other))
  return checked.ok ? 'none' : checked.fault.code
}

const parts = (...operations: readonly Operation[]) =>
  operations.flatMap(({ headerBytes, signature }) => [headerBytes, signature])

describe('a fork proof by itself', () => {
  it('shows who has forked where, whichever operation was found first', () => {
    const bytes = encodeForkProof(left, right)
    expect(equalBytes(encodeForkProof(right, left), bytes)).toBe(true)
    expect(check(bytes)).toEqual({
      ok: true,
      value: {
        space: spaceId,
        author: mallory.publicKey,
        seq: 1,
        prev: base.id,
        ids: [low.id, high.id],
      },
    })
  })

  it('shows a fork at the beginning of a log, also beside the genesis itself', () => {
    expect(codeOf(base, forge({ author: mallory, body: [setRegister('mallory/y', 1)] }))).toBe('none')
    expect(codeOf(genesis, forge({ author: spaceKey, deps: [grants] }))).toBe('none')
  })

  it('cites two operations: one that is there twice is refused', () => {
    expect(codeOf(left, left)).toBe('FORK_SAME_OPERATION')
  })

  it('is refused where one header has two signatures that both hold', () => {
    const again = { ...left, signature: signAgain(signedBytes(left.id), seedNamed('mallory')) }
    expect(verifier.verifySync(again.signature, signedBytes(left.id), mallory.publicKey)).toBe(true)
    expect(equalBytes(again.signature, left.signature)).toBe(false)
    expect(codeOf(left, again)).toBe('FORK_SAME_OPERATION')
  })

  it('needs both signatures, each by the author over that very header', () => {
    for (const [one, other] of [
      [{ ...low, signature: new Uint8Array(64) }, high],
      [low, { ...high, signature: new Uint8Array(64) }],
      [{ ...low, signature: high.signature }, high],
      [low, { ...high, signature: alice.sign(signedBytes(high.id)) }],
    ] as const)
      expect(codeOf(one, other)).toBe('BAD_SIGNATURE')
  })

  it('is about one author: two at the same place of their own logs have not forked', () => {
    const [bobs, carols] = [forge({ author: bob }), forge({ author: carol })]
    expect(codeOf(bobs, carols)).toBe('FORK_AUTHOR')
    // Nor is an author framed by a header that somebody else has made and signed.
    expect(
      codeOf(left, { ...right, ...forge({ author: bob, prev: base, header: { seq: 1, prev: base.id } }) }),
    ).toBe('FORK_AUTHOR')
  })

  it('is about one place: another seq, or another operation before, proves nothing by itself', () => {
    const next = forge({ author: mallory, prev: left })
    expect(codeOf(left, next)).toBe('FORK_PLACE')
    expect(codeOf(base, left)).toBe('FORK_PLACE')
    expect(codeOf(next, forge({ author: mallory, prev: right }))).toBe('FORK_PLACE')
    expect(codeOf(left, forge({ author: mallory, prev: base, header: { seq: 2 } }))).toBe('FORK_PLACE')
  })

  it('is about one space: a key may write in many', () => {
    const elsewhere = forge({ author: mallory, prev: base, header: { space: new Uint8Array(32).fill(7) } })
    expect(codeOf(left, elsewhere)).toBe('FORK_SPACE')
    const otherGenesis = forge({ author: spaceKey, deps: [], header: { space: null, command: '/cap/grant' } })
    expect(codeOf(genesis, otherGenesis)).toBe('FORK_SPACE')
  })

  it('is refused where one of the two has seen the other', () => {
    expect(codeOf(left, forge({ author: mallory, prev: base, deps: [left] }))).toBe('FORK_ANCESTOR')
  })

  it('is refused under a key under which anybody can sign', () => {
    const weak = new Uint8Array(32)
    weak[0] = 1
    const one = forge({ author: mallory, header: { author: weak } })
    const other = forge({ author: mallory, header: { author: weak, time: one.header.time + 1 } })
    expect(codeOf(one, other)).toBe('WEAK_KEY')
  })

  it.each<readonly [string, Uint8Array]>([
    ['NON_CANONICAL', encodeCanonical([1, ...parts(high, low)])],
    ['NON_CANONICAL', new Uint8Array([...encodeForkProof(left, right), 0])],
    ['VERSION', encodeCanonical([2, ...parts(low, high)])],
    ['VERSION', encodeCanonical([])],
    ['BAD_FIELD', encodeCanonical({ a: 1 })],
    ['BAD_FIELD', encodeCanonical([1, ...parts(low)])],
    ['BAD_FIELD', encodeCanonical([1, ...parts(low, high), new Uint8Array(1)])],
    ['BAD_FIELD', encodeCanonical([1, ...parts(low), high.headerBytes, 'a signature'])],
    ['BAD_FIELD', encodeCanonical([1, ...parts(low), high.headerBytes, new Uint8Array(63)])],
    ['NON_CANONICAL', encodeCanonical([1, ...parts(low), new Uint8Array(80), high.signature])],
    ['LIMIT', new Uint8Array(FORK_PROOF_BYTES_MAX + 1)],
  ])('has one form and no other: %s', (code, bytes) => {
    expect(check(bytes)).toMatchObject({ ok: false, fault: { code } })
  })

  it('fits its bound with the largest headers there can be', () => {
    const largest = { headerBytes: new Uint8Array(HEADER_BYTES_MAX), signature: new Uint8Array(64) }
    expect(encodeForkProof(largest, largest).length).toBeLessThanOrEqual(FORK_PROOF_BYTES_MAX)
  })
})

/** Another signature that holds, over the same bytes: of RFC 8032 with a nonce that is not the one it asks for. */
function signAgain(message: Uint8Array, seed: Uint8Array): Uint8Array {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed)
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const nonce = 12_345n
  const commitment = ed25519.Point.BASE.multiply(nonce).toBytes()
  const digest = hash('sha512', concatBytes(commitment, pointBytes, message), 'buffer')
  const challenge = BigInt(`0x${Buffer.from(digest).reverse().toString('hex')}`) % order
  const s = (nonce + challenge * scalar) % order
  return concatBytes(commitment, Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse())
}
