import { concatBytes, equalBytes, ownBytes } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { OPERATION_ID_TAG, OPERATION_SIGNATURE_TAG } from '../domain-tags.ts'
import { sha256 } from '../hash.ts'
import { BODY_BYTES_MAX, BODY_CHANGES_MAX, HEADER_BYTES_MAX } from '../limits.ts'
import { merkleRoot } from '../merkle.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { SharedBytes } from '../shared-bytes.ts'
import { isWeakKey, SIGNATURE_BYTES, type SignatureClaim, type VerifySignature } from '../signature.ts'
import { checkHeader, decodeHeader, encodeHeader, type Header, type HeaderFault } from './header.ts'

/** The encoded changes of an operation, in order. */
export type Body = readonly Uint8Array[]

/** An operation that is well-formed; nothing is said yet about its signature or its place in the graph. */
export interface Operation {
  readonly id: Uint8Array
  readonly header: Header
  /** The canonical bytes that were hashed and signed. */
  readonly headerBytes: Uint8Array
  readonly signature: Uint8Array
  /** Null where the body has not arrived: a partial replica, or a body that comes later. */
  readonly body: Body | null
}

declare const verified: unique symbol
/** An operation whose key is sound and whose signature holds. {@link verifyOperation} is the only way to one. */
export type VerifiedOperation = Operation & { readonly [verified]: true }

export type OperationFault = HeaderFault | Fault<'BAD_FIELD' | 'LIMIT' | 'NON_CANONICAL'>

/** The id of an operation: sha256(tag ‖ header bytes). */
export function operationId(headerBytes: Uint8Array): Uint8Array {
  return sha256(OPERATION_ID_TAG, headerBytes)
}

/** Where the bytes of operations go that came together. */
export class OperationRoom {
  readonly bytes = new SharedBytes(16 * 1024)
  /** Apart and in small blocks, since ids are what is kept of operations that were admitted. */
  readonly ids = new SharedBytes(2 * 1024)
}

/** The bytes an author signs: (tag ‖ id). */
export function signedBytes(id: Uint8Array): Uint8Array {
  return concatBytes(OPERATION_SIGNATURE_TAG, id)
}

/** The hash and size that a header says of its body. */
export function bodyCommitment(body: Body): { readonly bodyHash: Uint8Array; readonly bodySize: number } {
  let bodySize = 0
  for (const change of body) bodySize += change.length
  return { bodyHash: merkleRoot(body), bodySize }
}

/** Makes and signs an operation of our own. `sign` is the author's Ed25519 signature over the given bytes. */
export function signOperation(
  header: Omit<Header, 'bodyHash' | 'bodySize'>,
  body: Body,
  sign: (message: Uint8Array) => Uint8Array,
): VerifiedOperation {
  const whole: Header = { ...header, ...bodyCommitment(body) }
  const headerBytes = encodeHeader(whole)
  const checked = decodeHeader(headerBytes)
  if (!checked.ok)
    throw new Error(`bug: we made a header we refuse: ${checked.fault.code}, ${checked.fault.detail}`)
  const id = operationId(headerBytes)
  return {
    id,
    header: whole,
    headerBytes,
    signature: sign(signedBytes(id)),
    body,
  } as unknown as VerifiedOperation
}

/** The envelope in which one operation travels alone (gossip, files): `[header bytes, signature, changes | null]`. */
export function encodeOperation(
  operation: Pick<Operation, 'headerBytes' | 'signature' | 'body'>,
): Uint8Array {
  return encodeCanonical([operation.headerBytes, operation.signature, operation.body])
}

/** Largest envelope: header, signature, body and what separates the changes. */
export const ENVELOPE_BYTES_MAX = HEADER_BYTES_MAX + BODY_BYTES_MAX + BODY_CHANGES_MAX * 5 + 128

/**
 * Strict reading of an envelope, check 2 of the pipeline:
 * 1. at most ENVELOPE_BYTES_MAX bytes (`LIMIT`);
 * 2. canonical DAG-CBOR of three elements: bytes, 64 bytes, and null or a list of bytes (`NON_CANONICAL`, `BAD_FIELD`);
 * 3. whatever {@link assembleOperation} asks.
 */
export function decodeOperation(bytes: Uint8Array): Result<Operation, OperationFault> {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    return fail('LIMIT', `envelope of ${bytes.length} bytes, at most ${ENVELOPE_BYTES_MAX} are allowed`)
  }
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = decoded.value
  if (!Array.isArray(list) || list.length !== 3) return fail('BAD_FIELD', 'envelope is not a list of three')
  const [headerBytes, signature, body] = list as unknown[]
  if (!(headerBytes instanceof Uint8Array)) return fail('BAD_FIELD', 'envelope: header is not bytes')
  if (!(signature instanceof Uint8Array)) return fail('BAD_FIELD', 'envelope: signature is not bytes')
  if (body !== null && !(Array.isArray(body) && body.every((change) => change instanceof Uint8Array))) {
    return fail('BAD_FIELD', 'envelope: body is neither null nor a list of bytes')
  }
  return assembleOperation(headerBytes, signature, body)
}

/**
 * Puts an operation together from its parts:
 * 1. the header as decodeHeader has it;
 * 2. a signature of 64 bytes (`BAD_FIELD`);
 * 3. a body, where it came along, of at most BODY_CHANGES_MAX changes (`LIMIT`) that has the size and hash the header says
 *    (`BAD_FIELD`: a wrong body says nothing against the header's author, so this is remembered by bytes, never by id).
 */
export function assembleOperation(
  headerBytes: Uint8Array,
  signature: Uint8Array,
  body: Body | null,
): Result<Operation, OperationFault> {
  const header = decodeHeader(headerBytes)
  if (!header.ok) return header
  if (body !== null) {
    const fault = checkBody(header.value, body)
    if (fault !== null) return { ok: false, fault }
  }
  return join(operationId(headerBytes), header.value, headerBytes, signature, body)
}

/** A header as it came without its own bytes, and without what it says of a body that came along. */
export type HeaderFields = Readonly<Record<Exclude<keyof Header, 'bodyHash' | 'bodySize'>, unknown>>

/**
 * The same from fields instead of header bytes, which are made here; a body is not checked against the header but put into it.
 * The verdicts are those of {@link assembleOperation} on the bytes of a header with these fields. The bytes made go into `room`: whoever keeps
 * the operation for long takes {@link ownOperation}.
 */
export function composeOperation(
  fields: HeaderFields,
  signature: Uint8Array,
  content: Body | { readonly bodyHash: unknown; readonly bodySize: unknown },
  room: OperationRoom,
): Result<Operation, OperationFault> {
  const body = isBody(content) ? content : null
  if (body !== null && body.length > BODY_CHANGES_MAX) return { ok: false, fault: tooManyChanges(body) }
  const { bodyHash, bodySize } = isBody(content) ? bodyCommitment(content) : content
  const { space, author, seq, prev, deps, lamport, time, epoch, caps, command, path } = fields
  // Field by field: what is spread and then added to takes four times the memory, as long as the operation is kept.
  const header = checkHeader({
    space,
    author,
    seq,
    prev,
    deps,
    lamport,
    time,
    epoch,
    caps,
    command,
    path,
    bodyHash: bodyHash instanceof Uint8Array ? room.bytes.copy(bodyHash) : bodyHash,
    bodySize,
  })
  if (!header.ok) return header
  const headerBytes = encodeHeader(header.value, room.bytes)
  if (headerBytes.length > HEADER_BYTES_MAX)
    return fail('LIMIT', `header of ${headerBytes.length} bytes, at most ${HEADER_BYTES_MAX} are allowed`)
  const id = room.ids.copy(operationId(headerBytes))
  return join(id, header.value, headerBytes, signature, body)
}

/** The same operation in memory that is its own, whatever its bytes were views of. */
export function ownOperation<T extends Operation>(operation: T): T {
  const { id, header, headerBytes, signature, body } = operation
  const { space, author, prev, deps, caps, bodyHash } = header
  return {
    ...operation,
    id: ownBytes(id),
    header: {
      ...header,
      space: space === null ? null : ownBytes(space),
      author: ownBytes(author),
      prev: prev === null ? null : ownBytes(prev),
      deps: deps.map(ownBytes),
      caps: caps.map(ownBytes),
      bodyHash: ownBytes(bodyHash),
    },
    headerBytes: ownBytes(headerBytes),
    signature: ownBytes(signature),
    body: body === null ? null : body.map(ownBytes),
  }
}

const isBody = (content: object): content is Body => Array.isArray(content)

function join(
  id: Uint8Array,
  header: Header,
  headerBytes: Uint8Array,
  signature: Uint8Array,
  body: Body | null,
): Result<Operation, Fault<'BAD_FIELD'>> {
  if (signature.length !== SIGNATURE_BYTES) {
    return fail('BAD_FIELD', `signature of ${signature.length} bytes, not ${SIGNATURE_BYTES}`)
  }
  return ok({ id, header, headerBytes, signature, body })
}

/** Whether `body` is the one that `header` commits to; null when it is. */
function checkBody(header: Header, body: Body): Fault<'LIMIT' | 'BAD_FIELD'> | null {
  if (body.length > BODY_CHANGES_MAX) return tooManyChanges(body)
  const found = bodyCommitment(body)
  if (found.bodySize !== header.bodySize || !equalBytes(found.bodyHash, header.bodyHash)) {
    return { code: 'BAD_FIELD', detail: 'the body that came along is not the one the header commits to' }
  }
  return null
}

function tooManyChanges(body: Body): Fault<'LIMIT'> {
  return { code: 'LIMIT', detail: `body of ${body.length} changes, at most ${BODY_CHANGES_MAX} are allowed` }
}

/**
 * Checks 4 and 5 of the pipeline: the author's key is canonical and not of small order (`WEAK_KEY`), and the signature over
 * (tag ‖ id) holds under ZIP215 (`BAD_SIGNATURE`). `isAccepted`: a verifier whose *accept* may be taken has accepted its {@link signatureClaim}.
 */
export function verifyOperation(
  operation: Operation,
  verify: VerifySignature,
  isAccepted = false,
): Result<VerifiedOperation, Fault<'WEAK_KEY' | 'BAD_SIGNATURE'>> {
  if (isWeakKey(operation.header.author))
    return fail('WEAK_KEY', 'the author key is not canonical or of small order')
  return isAccepted || isSigned(operation, verify)
    ? ok(operation as VerifiedOperation)
    : fail('BAD_SIGNATURE', 'the signature does not hold for this header and author')
}

function isSigned(operation: Operation, verify: VerifySignature): boolean {
  const { signature, message, publicKey } = signatureClaim(operation)
  return verify(signature, message, publicKey)
}

/** What {@link verifyOperation} asks about the signature. */
export function signatureClaim({ id, header, signature }: Operation): SignatureClaim {
  return { signature, message: signedBytes(id), publicKey: header.author }
}
