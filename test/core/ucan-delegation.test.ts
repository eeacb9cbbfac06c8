import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { sha256 } from '../../src/core/hash.ts'
import { TOKEN_BYTES_MAX } from '../../src/core/limits.ts'
import { createSigner } from '../../src/core/native-signature.ts'
import { formatDid } from '../../src/core/principal.ts'
import { verifyZip215 } from '../../src/core/signature.ts'
import {
  type DelegationRequest,
  decodeDelegation,
  issueDelegation,
  type VerifiedDelegation,
  verifyDelegation,
} from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'

const ALICE = createSigner(new Uint8Array(32).fill(1))
const BOB = createSigner(new Uint8Array(32).fill(2))
const REQUEST: DelegationRequest = {
  signer: ALICE,
  audience: BOB.publicKey,
  subject: ALICE.publicKey,
  command: '/op/write',
  policy: pathPolicy('notes'),
  nonce: new Uint8Array(12).fill(3),
  notBeforeSeconds: 1_700_000_000,
  expiresSeconds: 1_800_000_000,
  meta: { role: 'writer' },
}

describe('a delegation', () => {
  test('says what it was issued with, after a round trip through its bytes', () => {
    const issued = issue({})
    const decoded = decodeDelegation(issued.bytes)
    expect(decoded).toEqual({ ok: true, value: issued })
    expect(issued).toMatchObject({
      issuer: ALICE.publicKey,
      audience: BOB.publicKey,
      subject: ALICE.publicKey,
      command: '/op/write',
      nonce: REQUEST.nonce,
      meta: { role: 'writer' },
      notBeforeSeconds: 1_700_000_000,
      expiresSeconds: 1_800_000_000,
      digest: sha256(issued.bytes),
    })
    expect(decoded.ok && verifyDelegation(decoded.value, verifyZip215).ok).toBe(true)
  })

  test('may lack a subject, bounds in time, and meta', () => {
    const issued = issue({ subject: null, notBeforeSeconds: null, expiresSeconds: null, meta: null })
    expect(issued).toMatchObject({ subject: null, notBeforeSeconds: null, expiresSeconds: null, meta: null })
  })

  test('is read from the middle of a larger buffer, and shares no memory with it', () => {
    const { bytes } = issue({})
    const within = new Uint8Array([7, 7, ...bytes, 7])
    const decoded = decodeDelegation(within.subarray(2, 2 + bytes.length))
    within.fill(0)
    expect(decoded.ok && toHex(decoded.value.bytes)).toBe(toHex(bytes))
    expect(decoded.ok && verifyDelegation(decoded.value, verifyZip215).ok).toBe(true)
  })

  test('is refused after any change of a single byte', () => {
    const { bytes } = issue({})
    const verify = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean =>
      verifyZip215(signature, message, key)
    let wellFormed = 0
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << (at % 8))
      const decoded = decodeDelegation(changed)
      if (!decoded.ok) continue
      wellFormed++
      expect([at, verifyDelegation(decoded.value, verify).ok]).toEqual([at, false])
    }
    // Some changes keep the form, so that the signature was what refused them.
    expect(wellFormed).toBeGreaterThan(64)
  })

  test('is refused when cut short or continued', () => {
    const { bytes } = issue({})
    for (let length = 0; length < bytes.length; length++)
      expect(codeOf(bytes.subarray(0, length))).toBe('CAP_FORM')
    expect(codeOf(concatBytes(bytes, new Uint8Array(1)))).toBe('CAP_FORM')
  })

  test("is refused when mallory signed it in alice's name", () => {
    const mallory = createSigner(new Uint8Array(32).fill(66))
    const forged = envelope(payloadOf(issue({})), (signed) => mallory.sign(signed))
    const decoded = decodeDelegation(forged)
    expect(decoded.ok && verifyDelegation(decoded.value, verifyZip215)).toMatchObject({
      fault: { code: 'CAP_SIGNATURE' },
    })
  })
})

describe('a token', () => {
  test('has at most 2 KiB', () => {
    const overhead = issue({ meta: { x: '' } }).bytes.length
    // One byte less leaves room for the longer head of the text.
    const filled = issue({ meta: { x: 'x'.repeat(TOKEN_BYTES_MAX - overhead - 2) } })
    expect(filled.bytes.length).toBe(TOKEN_BYTES_MAX)
    const beyond = issueDelegation({ ...REQUEST, meta: { x: 'x'.repeat(TOKEN_BYTES_MAX - overhead - 1) } })
    expect(beyond).toMatchObject({ ok: false, fault: { code: 'CAP_FORM' } })
  })

  const did = formatDid(ALICE.publicKey)
  const weakDid = formatDid(new Uint8Array(32))
  const changes: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['an unknown key', { fct: [] }],
    ['an issuer that is no DID', { iss: 'alice' }],
    ['an issuer with a fragment', { iss: `${did}#key-1` }],
    ['a weak issuer', { iss: weakDid }],
    ['a weak audience', { aud: weakDid }],
    ['a weak subject', { sub: weakDid }],
    ['an audience of null', { aud: null }],
    ['a command without its slash', { cmd: 'op' }],
    ['a command with a trailing slash', { cmd: '/op/' }],
    ['a command with an empty segment', { cmd: '/op//write' }],
    ['a command in upper case', { cmd: '/Op' }],
    ['a command beyond ASCII', { cmd: '/ö' }],
    ['a command beyond 64 bytes', { cmd: `/${'a'.repeat(64)}` }],
    ['a policy that is a map', { pol: {} }],
    ['a policy of texts', { pol: ['=='] }],
    ['a nonce of text', { nonce: 'abc' }],
    ['an expiry of text', { exp: '1800000000' }],
    ['an expiry with a fraction', { exp: 1.5 }],
    ['an expiry beyond 53 bits', { exp: 2n ** 53n }],
    ['a start of null', { nbf: null }],
    ['a start with a fraction', { nbf: 0.5 }],
    ['meta that is a list', { meta: [] }],
    ['meta of null', { meta: null }],
  ]
  test.each(changes)('with %s is refused, though its issuer signed it', (_, change) => {
    expect(codeOf(envelope({ ...payloadOf(issue({})), ...change }, ALICE.sign))).toBe('CAP_FORM')
  })

  test.each(['iss', 'aud', 'sub', 'cmd', 'pol', 'nonce', 'exp'])(
    'without %s is refused, though its issuer signed it',
    (key) => {
      const { [key]: _, ...rest } = payloadOf(issue({}))
      expect(codeOf(envelope(rest, ALICE.sign))).toBe('CAP_FORM')
    },
  )

  test('of another type, version or signature algorithm is refused', () => {
    const payload = payloadOf(issue({}))
    expect(codeOf(envelope(payload, ALICE.sign))).toBe('accepted')
    expect(codeOf(envelope(payload, ALICE.sign, { tag: 'ucan/inv@1.0.0' }))).toBe('CAP_FORM')
    expect(codeOf(envelope(payload, ALICE.sign, { tag: 'ucan/dlg@1.0.1' }))).toBe('CAP_FORM')
    expect(codeOf(envelope(payload, ALICE.sign, { header: new Uint8Array([0x34, 0x01, 0xec, 0x01]) }))).toBe(
      'CAP_FORM',
    )
    expect(codeOf(envelope(payload, ALICE.sign, { extra: { more: 1 } }))).toBe('CAP_FORM')
    expect(codeOf(envelope(payload, () => new Uint8Array(63)))).toBe('CAP_FORM')
  })

  test('that is not an envelope at all is refused', () => {
    for (const value of [
      null,
      1,
      'x',
      [],
      {},
      [new Uint8Array(64)],
      [new Uint8Array(64), []],
      [new Uint8Array(64), {}, 1],
    ]) {
      expect(codeOf(encodeCanonical(value))).toBe('CAP_FORM')
    }
  })
})

const HEADER = new Uint8Array([0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71])

/** An envelope made by hand around any payload, signed as told. */
function envelope(
  payload: unknown,
  sign: (signed: Uint8Array) => Uint8Array,
  { tag = 'ucan/dlg@1.0.0', header = HEADER, extra = {} } = {},
): Uint8Array {
  const signed = { h: header, [tag]: payload, ...extra }
  return encodeCanonical([sign(encodeCanonical(signed)), signed])
}

function payloadOf(delegation: VerifiedDelegation): Readonly<Record<string, unknown>> {
  const decoded = decodeCanonical(delegation.bytes)
  if (!decoded.ok) throw new Error(decoded.fault.detail)
  const [, signed] = decoded.value as [unknown, Record<string, Record<string, unknown>>]
  return signed['ucan/dlg@1.0.0'] as Record<string, unknown>
}

function codeOf(bytes: Uint8Array): string {
  const decoded = decodeDelegation(bytes)
  return decoded.ok ? 'accepted' : decoded.fault.code
}

function issue(change: Partial<DelegationRequest>): VerifiedDelegation {
  const issued = issueDelegation({ ...REQUEST, ...change })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}
