import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { decodeCanonical } from '../../src/core/canonical-cbor.ts'
import { createSignatureVerifier, createSigner } from '../../src/core/native-signature.ts'
import { formatDid, parseDid } from '../../src/core/principal.ts'
import { type VerifySignature, verifyZip215 } from '../../src/core/signature.ts'
import { type ChainFault, verifyChain } from '../../src/core/ucan/chain.ts'
import {
  type Delegation,
  decodeDelegation,
  issueDelegation,
  type VerifiedDelegation,
  verifyDelegation,
} from '../../src/core/ucan/delegation.ts'
import { evaluatePolicy, type PolicySource, parsePolicy } from '../../src/core/ucan/policy.ts'
import { loadBytes, loadCases } from './load.ts'

/** Both ways by which signatures are judged; a token has the same verdict by either. */
const VERIFIERS: readonly VerifySignature[] = [verifyZip215, createSignatureVerifier().verifySync]

// delegation.json: tokens, and what they say

interface DelegationFile {
  readonly principals: Readonly<Record<string, string>>
  readonly valid: readonly {
    readonly name: string
    readonly token: string
    readonly cid: string
    readonly envelope: { readonly payload: Readonly<Record<string, unknown>>; readonly signature: string }
  }[]
}

const DELEGATIONS = loadCases('ucan-1.0', /^delegation.*\.json$/, (content) => {
  const { principals, valid } = content as DelegationFile
  return valid.map((entry) => ({ ...entry, principals }))
})

describe('the UCAN 1.0 delegation vectors', () => {
  test('are there', () => {
    expect(DELEGATIONS.length).toBeGreaterThan(0)
  })

  test.each(DELEGATIONS)(
    '$name: decodes to its payload and verifies',
    ({ token, cid, envelope: { payload } }) => {
      const delegation = verified(fromBase64(token))
      expect(formatDid(delegation.issuer)).toBe(payload['iss'])
      expect(formatDid(delegation.audience)).toBe(payload['aud'])
      expect(delegation.subject === null ? null : formatDid(delegation.subject)).toBe(payload['sub'])
      expect(delegation.command).toBe(payload['cmd'])
      expect(delegation.policy.length).toBe((payload['pol'] as readonly unknown[]).length)
      expect(delegation.expiresSeconds).toBe(payload['exp'])
      expect(delegation.notBeforeSeconds).toBe(payload['nbf'] ?? null)
      expect(toHex(delegation.nonce)).toBe(toHex(fromBase64(payload['nonce'] as string)))
      expect(cidOf(delegation.digest)).toBe(cid)
    },
  )

  test.each(DELEGATIONS)(
    '$name: is issued again, byte for byte',
    ({ token, envelope: { payload }, principals }) => {
      const seeds = Object.values(principals).map(seedOf)
      const signer = seeds
        .map(createSigner)
        .find((candidate) => formatDid(candidate.publicKey) === payload['iss'])
      const issued = issueDelegation({
        signer: signer as NonNullable<typeof signer>,
        audience: publicKeyOfDid(payload['aud']),
        subject: payload['sub'] === null ? null : publicKeyOfDid(payload['sub']),
        command: payload['cmd'] as string,
        policy: payload['pol'] as PolicySource,
        nonce: fromBase64(payload['nonce'] as string),
        notBeforeSeconds: (payload['nbf'] ?? null) as number | null,
        expiresSeconds: payload['exp'] as number | null,
        meta: (payload['meta'] ?? null) as Readonly<Record<string, unknown>> | null,
      })
      expect(issued.ok && toHex(issued.value.bytes)).toBe(toHex(fromBase64(token)))
    },
  )
})

// policy.json: statements over arguments

interface PolicyFile {
  readonly valid: readonly PolicyGroup[]
  readonly invalid: readonly PolicyGroup[]
}
interface PolicyGroup {
  readonly args: Readonly<Record<string, unknown>>
  readonly policies: readonly PolicySource[]
}

/** Every operator and selector in the policies we evaluate; a policy with any other is outside and must not hold. */
const OUR_OPERATORS: readonly string[] = ['==', 'and', 'or', 'not', 'like']
const OUR_SELECTOR = /^\.[A-Za-z_]\w*$/

const POLICIES = loadCases('ucan-1.0', /^policy.*\.json$/, (content) => {
  const { valid, invalid } = content as PolicyFile
  return [...casesOf(valid, true), ...casesOf(invalid, false)]
})

describe('the UCAN 1.0 policy vectors', () => {
  const inside = POLICIES.filter(({ policy }) => policy.every(isOurs))
  const outside = POLICIES.filter(({ policy }) => !policy.every(isOurs))

  test('have policies that hold and that do not hold inside our part, and some outside it', () => {
    expect(inside.filter(({ holds }) => holds).length).toBeGreaterThan(0)
    expect(inside.filter(({ holds }) => !holds).length).toBeGreaterThan(0)
    expect(outside.length).toBeGreaterThan(0)
  })

  test.each(inside)('inside: $text over $args is $holds', ({ policy, args, holds }) => {
    expect(evaluated(policy, args)).toBe(holds)
  })

  test.each(outside)('outside: $text fails closed', ({ policy, args }) => {
    expect(evaluated(policy, args)).toBe(false)
    // Denying it does not open it.
    for (const statement of policy.filter((candidate) => !isOurs(candidate))) {
      expect(evaluated([['not', statement]], args)).toBe(false)
      expect(
        evaluated([['or', [['==', `.${Object.keys(args)[0]}`, Object.values(args)[0]], statement]]], args),
      ).toBe(false)
    }
  })
})

// invocation.json: chains. The invocation envelope itself is not ours (an operation is the invocation, and its signature is
// the operation's), so its own signature and expiry are left out, and its fields become the request.

interface InvocationFile {
  readonly valid: readonly InvocationCase[]
  readonly invalid: readonly InvocationCase[]
}
interface InvocationCase {
  readonly name: string
  readonly description: string
  readonly time: number
  readonly invocation: DagJsonBytes
  readonly proofs: readonly DagJsonBytes[]
  readonly error?: { readonly name: string }
}
interface DagJsonBytes {
  readonly '/': { readonly bytes: string }
}

const INVOCATIONS = loadCases('ucan-1.0', /^invocation.*\.json$/, (content) => {
  const { valid, invalid } = content as InvocationFile
  return [...valid, ...invalid]
})
/** What we must say to each kind of refusal that concerns a chain; the rest is about the invocation envelope. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  Expired: ['CAP_TIME'],
  TooEarly: ['CAP_TIME'],
  InvalidAudience: ['CAP_CHAIN'],
  InvalidClaim: ['CAP_CHAIN', 'CAP_SUBJECT'],
  InvalidSubject: ['CAP_CHAIN', 'CAP_SUBJECT'],
  UnavailableProof: ['CAP_CHAIN'],
  // A signature that is not 64 bytes long is not even well-formed.
  InvalidSignature: ['CAP_SIGNATURE', 'CAP_FORM'],
  MatchError: ['CAP_POLICY'],
}

describe('the chains in the UCAN 1.0 invocation vectors', () => {
  const accepted = INVOCATIONS.filter(({ error }) => error === undefined)
  const refused = INVOCATIONS.filter((c) => c.error !== undefined && !isAboutTheEnvelope(c))

  test('are there, good and bad', () => {
    expect(accepted.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
  })

  test.each(accepted)('$name: every token verifies and the chain holds, powerlines apart', (entry) => {
    const powerline = entry.proofs.some((proof) => verified(bytesOf(proof)).subject === null)
    // DESIGN: each subject is the space's key, so a token about "whatever comes" is not taken.
    expect(verdictOn(entry)).toBe(powerline ? 'CAP_SUBJECT' : 'accepted')
  })

  test.each(refused)('$name: refused because $description', (entry) => {
    const codes = CODES[entry.error?.name ?? '']
    if (codes === undefined) expect(verdictOn(entry)).not.toBe('accepted')
    else expect(codes).toContain(verdictOn(entry))
  })
})

test('tokens of release candidates are refused', () => {
  // Container tag 0x40 is "raw CBOR": { 'ctn-v1': [token, …] }.
  const containers = loadBytes('ucan-1.0/container', /\.bin$/).filter((bytes) => bytes[0] === 0x40)
  expect(containers.length).toBeGreaterThan(0)
  for (const container of containers) {
    const decoded = decodeCanonical(container.subarray(1))
    const tokens = (decoded.ok ? (decoded.value as Record<string, Uint8Array[]>)['ctn-v1'] : undefined) ?? []
    expect(tokens.length).toBeGreaterThan(0)
    for (const token of tokens) {
      const delegation = decodeDelegation(token)
      if (Buffer.from(token).includes('ucan/dlg@1.0.0-rc.1')) expect(delegation.ok).toBe(false)
    }
  }
})

function verified(bytes: Uint8Array): VerifiedDelegation {
  const decoded = decodeDelegation(bytes)
  if (!decoded.ok) throw new Error(decoded.fault.detail)
  const delegation = verifiedByBoth(decoded.value)
  if (!delegation.ok) throw new Error(delegation.fault.detail)
  return delegation.value
}

/** Verifies a token on both signature paths, which must agree. */
function verifiedByBoth(token: Delegation): ReturnType<typeof verifyDelegation> {
  const [portable, native] = VERIFIERS.map((verify) => verifyDelegation(token, verify))
  expect(native?.ok).toBe(portable?.ok)
  return portable as ReturnType<typeof verifyDelegation>
}

function verdictOn({
  invocation,
  proofs,
  time,
}: InvocationCase): 'accepted' | 'CAP_FORM' | 'CAP_SIGNATURE' | ChainFault['code'] {
  const tokens: VerifiedDelegation[] = []
  for (const proof of proofs) {
    const decoded = decodeDelegation(bytesOf(proof))
    if (!decoded.ok) return decoded.fault.code
    const token = verifiedByBoth(decoded.value)
    if (!token.ok) return token.fault.code
    tokens.push(token.value)
  }
  const payload = payloadOf(invocation)
  const args = payload['args'] as Readonly<Record<string, unknown>>
  const chain = verifyChain({
    tokens,
    subject: publicKeyOfDid(payload['sub']),
    invoker: publicKeyOfDid(payload['iss']),
    command: payload['cmd'] as string,
    path: '',
    timeMs: time * 1000,
    bodySize: 0,
    // Our arguments are fixed; the policies of these tokens ask about others, and are judged below.
    checkCommandAndPolicy: tokens.every(({ policy }) => policy.length === 0),
  })
  if (!chain.ok) return chain.fault.code
  return tokens.every(({ policy }) => evaluatePolicy(policy, args)) ? 'accepted' : 'CAP_POLICY'
}

/** True when what is wrong is the invocation's own expiry or signature: all the proofs are in order. */
function isAboutTheEnvelope({ invocation, error, time, proofs }: InvocationCase): boolean {
  const payload = payloadOf(invocation)
  if (error?.name === 'Expired') return typeof payload['exp'] === 'number' && payload['exp'] < time
  if (error?.name !== 'InvalidSignature') return false
  return proofs.every((proof) => {
    const decoded = decodeDelegation(bytesOf(proof))
    return decoded.ok && verifiedByBoth(decoded.value).ok
  })
}

function payloadOf(invocation: DagJsonBytes): Readonly<Record<string, unknown>> {
  const decoded = decodeCanonical(bytesOf(invocation))
  if (!decoded.ok) throw new Error(decoded.fault.detail)
  const [, signed] = decoded.value as [unknown, Record<string, Record<string, unknown>>]
  return signed['ucan/inv@1.0.0'] as Record<string, unknown>
}

function casesOf(groups: readonly PolicyGroup[], holds: boolean) {
  return groups.flatMap(({ args, policies }) =>
    policies.map((policy) => ({ policy, args, holds, text: JSON.stringify(policy) })),
  )
}

function isOurs(statement: unknown): boolean {
  const [operator, first, second] = statement as readonly unknown[]
  if (!OUR_OPERATORS.includes(operator as string)) return false
  if (operator === '==' || operator === 'like')
    return OUR_SELECTOR.test(first as string) && second !== undefined
  if (operator === 'not') return isOurs(first)
  return (first as readonly unknown[]).every(isOurs)
}

function evaluated(source: PolicySource, args: Readonly<Record<string, unknown>>): boolean {
  const policy = parsePolicy(source)
  return policy.ok && evaluatePolicy(policy.value, args)
}

/** The CIDv1 text of a DAG-CBOR block, from its sha2-256 digest. */
function cidOf(digest: Uint8Array): string {
  const bytes = new Uint8Array([0x01, 0x71, 0x12, 0x20, ...digest])
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  let text = 'b'
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >> bits) & 31]
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

/** The seed in base64 of varint(0x1300), the multicodec of an Ed25519 private key, and the key. */
function seedOf(text: string): Uint8Array {
  return fromBase64(text).slice(2)
}

function publicKeyOfDid(did: unknown): Uint8Array {
  const parsed = parseDid(did as string)
  if (!parsed.ok) throw new Error(parsed.fault.detail)
  return parsed.value
}

function bytesOf(value: DagJsonBytes): Uint8Array {
  return fromBase64(value['/'].bytes)
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}
