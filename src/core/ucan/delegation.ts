import { concatBytes, equalBytes } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { sha256 } from '../hash.ts'
import { TOKEN_BYTES_MAX } from '../limits.ts'
import { formatDid, parseDid } from '../principal.ts'
import { type Fault, fail, ok, type Result } from '../result.ts'
import { isWeakKey, SIGNATURE_BYTES, type Signer, type VerifySignature } from '../signature.ts'
import { isCommand } from './command.ts'
import { type Policy, type PolicySource, parsePolicy } from './policy.ts'

/** A UCAN 1.0.0 delegation that is well-formed; whether `issuer` signed it is not known yet. */
export interface Delegation {
  /** Ed25519 public keys, 32 bytes each. */
  readonly issuer: Uint8Array
  readonly audience: Uint8Array
  /** Whose resource this is about; null in a "powerline" token, which no chain of ours accepts. */
  readonly subject: Uint8Array | null
  readonly command: string
  readonly policy: Policy
  readonly nonce: Uint8Array
  readonly meta: Readonly<Record<string, unknown>> | null
  /** Unix times in seconds; null means unbounded on that side. */
  readonly notBeforeSeconds: number | null
  readonly expiresSeconds: number | null
  /** The envelope as it travels; a copy of our own. */
  readonly bytes: Uint8Array
  /** sha256 of `bytes`, 32 bytes: the digest inside the token's CID, and how `caps` names it. */
  readonly digest: Uint8Array
}

declare const verified: unique symbol

/** A delegation whose issuer did sign it. Only this file makes one. */
export type VerifiedDelegation = Delegation & { readonly [verified]: true }

/** What a new delegation says; the issuer is the signer. */
export interface DelegationRequest {
  readonly signer: Signer
  readonly audience: Uint8Array
  readonly subject: Uint8Array | null
  readonly command: string
  readonly policy: PolicySource
  /** Makes two otherwise equal tokens differ: 12 random bytes will do. */
  readonly nonce: Uint8Array
  readonly notBeforeSeconds?: number | null
  readonly expiresSeconds: number | null
  readonly meta?: Readonly<Record<string, unknown>> | null
}

const TYPE_TAG = 'ucan/dlg@1.0.0'
/** Varsig v1 header: Ed25519 (0xed 0xed), SHA-512 (0x13), DAG-CBOR (0x71), numbers as varints. */
const VARSIG_HEADER = new Uint8Array([0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71])
/** CBOR in front of the signature: an array of two, a byte string of 64. */
const SIGNATURE_OFFSET = 3
/** Where the signed region begins: the second element of the envelope, to its end. */
const SIGNED_OFFSET = SIGNATURE_OFFSET + SIGNATURE_BYTES

/**
 * Reads the envelope `[signature, { h: varsig, 'ucan/dlg@1.0.0': payload }]`. Total; the signature is not checked.
 *
 * Conditions, in order: at most 2 KiB; canonical DAG-CBOR; an array of a 64-byte signature and a map with exactly the two
 * keys; the varsig header of Ed25519 over DAG-CBOR; a payload with the keys iss, aud, sub, cmd, pol, nonce and exp, at most
 * also nbf and meta; iss, aud and sub (or null) are did:key of Ed25519 and no weak keys; cmd is a command; pol is a policy
 * within the limits; nonce is bytes; exp is whole seconds or null; nbf, if there, is whole seconds; meta, if there, a map.
 */
export function decodeDelegation(bytes: Uint8Array): Result<Delegation, Fault<'CAP_FORM'>> {
  if (bytes.length > TOKEN_BYTES_MAX) {
    return fail('CAP_FORM', `a token has at most ${TOKEN_BYTES_MAX} bytes, this one ${bytes.length}`)
  }
  const own = new Uint8Array(bytes)
  const decoded = decodeCanonical(own)
  if (!decoded.ok) return fail('CAP_FORM', decoded.fault.detail)
  const payload = payloadOf(decoded.value)
  if (payload === null) return fail('CAP_FORM', `not an Ed25519-signed ${TYPE_TAG} envelope`)
  return decodePayload(payload, own)
}

/**
 * Checks the issuer's signature over the signed region as received, under the predicate of `verifyZip215`.
 * The only way from received bytes to a `VerifiedDelegation`.
 */
export function verifyDelegation(
  delegation: Delegation,
  verify: VerifySignature,
): Result<VerifiedDelegation, Fault<'CAP_SIGNATURE'>> {
  const signature = delegation.bytes.subarray(SIGNATURE_OFFSET, SIGNED_OFFSET)
  const signed = delegation.bytes.subarray(SIGNED_OFFSET)
  if (!verify(signature, signed, delegation.issuer)) {
    return fail('CAP_SIGNATURE', `not signed by its issuer ${formatDid(delegation.issuer)}`)
  }
  return ok(delegation as VerifiedDelegation)
}

/**
 * Makes and signs a delegation; byte for byte the same for the same request. Refuses what `decodeDelegation` would refuse:
 * a command in the wrong form, a policy beyond the limits, a token beyond 2 KiB.
 */
export function issueDelegation(request: DelegationRequest): Result<VerifiedDelegation, Fault<'CAP_FORM'>> {
  const payload: Record<string, unknown> = {
    iss: formatDid(request.signer.publicKey),
    aud: formatDid(request.audience),
    sub: request.subject === null ? null : formatDid(request.subject),
    cmd: request.command,
    pol: request.policy,
    nonce: request.nonce,
    exp: request.expiresSeconds,
  }
  if (request.notBeforeSeconds != null) payload['nbf'] = request.notBeforeSeconds
  if (request.meta != null) payload['meta'] = request.meta
  const signed = encodeCanonical({ h: VARSIG_HEADER, [TYPE_TAG]: payload })
  const signature = request.signer.sign(signed)
  const envelopeHead = new Uint8Array([0x82, 0x58, SIGNATURE_BYTES])
  const issued = decodeDelegation(concatBytes(envelopeHead, signature, signed))
  // Signed here and now by the issuer: as good as verified.
  return issued.ok ? ok(issued.value as VerifiedDelegation) : issued
}

/** The payload of a well-formed envelope, else null. */
/** The policy of a delegation as its token carries it, for people. */
export function policySourceOf({ bytes }: Delegation): PolicySource {
  const decoded = decodeCanonical(bytes)
  const payload = decoded.ok ? payloadOf(decoded.value) : null
  return (payload?.['pol'] ?? []) as PolicySource
}

function payloadOf(envelope: unknown): Readonly<Record<string, unknown>> | null {
  if (!Array.isArray(envelope) || envelope.length !== 2) return null
  const [signature, signed] = envelope as [unknown, unknown]
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES) return null
  if (!isMap(signed) || Object.keys(signed).length !== 2) return null
  const header = signed['h']
  const payload = signed[TYPE_TAG]
  if (!(header instanceof Uint8Array) || !equalBytes(header, VARSIG_HEADER)) return null
  return isMap(payload) ? payload : null
}

const REQUIRED_KEYS: readonly string[] = ['iss', 'aud', 'sub', 'cmd', 'pol', 'nonce', 'exp']
const OPTIONAL_KEYS: readonly string[] = ['nbf', 'meta']

function decodePayload(
  payload: Readonly<Record<string, unknown>>,
  bytes: Uint8Array,
): Result<Delegation, Fault<'CAP_FORM'>> {
  const missing = REQUIRED_KEYS.find((key) => !Object.hasOwn(payload, key))
  if (missing !== undefined) return fail('CAP_FORM', `the payload lacks ${missing}`)
  const foreign = Object.keys(payload).find(
    (key) => !REQUIRED_KEYS.includes(key) && !OPTIONAL_KEYS.includes(key),
  )
  if (foreign !== undefined)
    return fail('CAP_FORM', `the payload has an unknown key ${JSON.stringify(foreign)}`)

  const issuer = decodePrincipal(payload['iss'], 'iss')
  if (!issuer.ok) return issuer
  const audience = decodePrincipal(payload['aud'], 'aud')
  if (!audience.ok) return audience
  const subject = payload['sub'] === null ? ok(null) : decodePrincipal(payload['sub'], 'sub')
  if (!subject.ok) return subject
  const command = payload['cmd']
  if (typeof command !== 'string' || !isCommand(command)) {
    return fail('CAP_FORM', 'cmd is lower case with a leading and no trailing slash, at most 64 bytes')
  }
  const policy = parsePolicy(payload['pol'])
  if (!policy.ok) return policy
  const { nonce, exp, nbf = null, meta = null } = payload
  if (!(nonce instanceof Uint8Array)) return fail('CAP_FORM', 'nonce is a byte string')
  if (exp !== null && !isSeconds(exp)) return fail('CAP_FORM', 'exp is whole seconds or null')
  if (Object.hasOwn(payload, 'nbf') && !isSeconds(nbf)) return fail('CAP_FORM', 'nbf is whole seconds')
  if (Object.hasOwn(payload, 'meta') && !isMap(meta)) return fail('CAP_FORM', 'meta is a map')

  return ok({
    issuer: issuer.value,
    audience: audience.value,
    subject: subject.value,
    command,
    policy: policy.value,
    nonce,
    meta: meta as Readonly<Record<string, unknown>> | null,
    notBeforeSeconds: nbf as number | null,
    expiresSeconds: exp,
    bytes,
    digest: sha256(bytes),
  })
}

function decodePrincipal(did: unknown, field: string): Result<Uint8Array, Fault<'CAP_FORM'>> {
  if (typeof did !== 'string') return fail('CAP_FORM', `${field} is a DID in text`)
  const publicKey = parseDid(did)
  if (!publicKey.ok) return fail('CAP_FORM', `${field}: ${publicKey.fault.detail}`)
  if (isWeakKey(publicKey.value)) return fail('CAP_FORM', `${field} is a weak key, for which anyone can sign`)
  return publicKey
}

/** Whole seconds within 53 bits, as UCAN 1.0 limits them. */
function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
