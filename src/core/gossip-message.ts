import { concatBytes, toHex } from './bytes.ts'
import { decodeCanonical, encodeCanonical } from './canonical-cbor.ts'
import { GOSSIP_MESSAGE_OPERATIONS_MAX, GOSSIP_OFFER_IDS_MAX, GOSSIP_REACHED_MAX } from './limits.ts'
import { decodeOperation, type Operation, type OperationFault } from './operation/operation.ts'
import { fail, ok, type Result } from './result.ts'

/** Bytes of the tag of a peer: the last of its id. */
export const PEER_TAG_BYTES = 8
const ID_BYTES = 32
/** First byte of an envelope alone: a CBOR list of three. */
const LIST_OF_THREE = 0x83

/** An operation, and the envelope it came in. */
export interface Gossiped {
  readonly operation: Operation
  readonly envelope: Uint8Array
}

/** What travels on the gossip topic of a space (docs/protocol.md §6). */
export type GossipMessage =
  /** New operations, and the tags, in lower-case hexadecimal, of peers that are said to have them: they are not sent them again. */
  | {
      readonly kind: 'operations'
      readonly reached: readonly string[]
      readonly operations: readonly Gossiped[]
    }
  /** Ids of operations that went round shortly before: who lacks one syncs. */
  | { readonly kind: 'offer'; readonly ids: readonly Uint8Array[] }

/** Encodes envelopes of new operations; `reached`: tags of PEER_TAG_BYTES each, in lower-case hexadecimal, in any order, none twice. */
export function encodeGossip(reached: readonly string[], envelopes: readonly Uint8Array[]): Uint8Array {
  const [first] = envelopes
  if (reached.length === 0 && envelopes.length === 1 && first !== undefined) return first
  return encodeCanonical([new Uint8Array(Buffer.from(reached.toSorted().join(''), 'hex')), envelopes])
}

/** Encodes ids of 32 bytes. */
export function encodeOffer(ids: readonly Uint8Array[]): Uint8Array {
  return encodeCanonical([concatBytes(...ids)])
}

/**
 * Strict reading of a gossip message; a single envelope that does not decode refuses the whole, since an honest peer hands on only
 * what it has admitted. At most GOSSIP_MESSAGE_OPERATIONS_MAX operations, GOSSIP_REACHED_MAX tags and GOSSIP_OFFER_IDS_MAX ids.
 * `decodeEnvelope`: decodeOperation, or what remembers its answers.
 */
export function decodeGossip(bytes: Uint8Array, decodeEnvelope = decodeOperation): Result<GossipMessage> {
  if (bytes[0] === LIST_OF_THREE) return decodeBatch([], [bytes], decodeEnvelope)
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = decoded.value
  if (!Array.isArray(list) || list.length < 1 || list.length > 2)
    return fail('BAD_FIELD', 'gossip is no list of one, two or three')
  const [head, envelopes] = list as unknown[]
  if (!(head instanceof Uint8Array)) return fail('BAD_FIELD', 'gossip: no bytes at the beginning')
  if (list.length === 1) return decodeOffer(head)
  const reached = decodeTags(head)
  if (!reached.ok) return reached
  if (!Array.isArray(envelopes) || !envelopes.every((one) => one instanceof Uint8Array))
    return fail('BAD_FIELD', 'gossip: no list of envelopes')
  if (envelopes.length === 0 || (envelopes.length === 1 && reached.value.length === 0))
    return fail('BAD_FIELD', 'gossip: an envelope that nobody else is sent travels alone')
  return decodeBatch(reached.value, envelopes, decodeEnvelope)
}

function decodeBatch(
  reached: readonly string[],
  envelopes: readonly Uint8Array[],
  decodeEnvelope: (bytes: Uint8Array) => Result<Operation, OperationFault>,
): Result<GossipMessage> {
  if (envelopes.length > GOSSIP_MESSAGE_OPERATIONS_MAX)
    return fail(
      'LIMIT',
      `${envelopes.length} operations, at most ${GOSSIP_MESSAGE_OPERATIONS_MAX} are allowed`,
    )
  const operations: Gossiped[] = []
  for (const envelope of envelopes) {
    const operation = decodeEnvelope(envelope)
    if (!operation.ok) return operation
    operations.push({ operation: operation.value, envelope })
  }
  return ok({ kind: 'operations', reached, operations })
}

function decodeTags(bytes: Uint8Array): Result<readonly string[]> {
  const count = countOf(bytes, PEER_TAG_BYTES, GOSSIP_REACHED_MAX, 'tags')
  if (!count.ok) return count
  const digits = toHex(bytes)
  const tags: string[] = []
  let last = ''
  for (let at = 0; at < digits.length; at += 2 * PEER_TAG_BYTES) {
    const tag = digits.slice(at, at + 2 * PEER_TAG_BYTES)
    if (tag <= last) return fail('BAD_FIELD', 'gossip: the tags are not in ascending order')
    tags.push(tag)
    last = tag
  }
  return ok(tags)
}

function decodeOffer(bytes: Uint8Array): Result<GossipMessage> {
  const count = countOf(bytes, ID_BYTES, GOSSIP_OFFER_IDS_MAX, 'ids')
  if (!count.ok) return count
  if (count.value === 0) return fail('BAD_FIELD', 'gossip: nothing is offered')
  const ids = Array.from({ length: count.value }, (_, i) => bytes.subarray(i * ID_BYTES, (i + 1) * ID_BYTES))
  return ok({ kind: 'offer', ids })
}

/** How many pieces of one size there are, at most so many. */
function countOf(bytes: Uint8Array, size: number, most: number, what: string): Result<number> {
  if (bytes.length % size !== 0)
    return fail('BAD_FIELD', `gossip: ${what} of ${size} bytes do not fill ${bytes.length}`)
  if (bytes.length > size * most)
    return fail('LIMIT', `gossip: ${bytes.length / size} ${what}, at most ${most} are allowed`)
  return ok(bytes.length / size)
}
