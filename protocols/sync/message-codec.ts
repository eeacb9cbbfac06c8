import { equalBytes } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { HASH_BYTES } from '../../src/core/hash.ts'
import {
  BODIES_WANTED_PER_ROUND_MAX,
  ENTRIES_PER_FRAME_MAX,
  HEADS_PER_ENTRY_MAX,
  PROBE_IDS_MAX,
  PUSHED_OPERATIONS_MAX,
  READ_TOKENS_MAX,
  SHORT_DIGEST_BYTES,
  SHORT_ID_BYTES,
  SHORT_KEY_BYTES,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'
import { SIGNATURE_BYTES } from '../../src/core/signature.ts'
import { decodeBatch, encodeBatch, signatureBytes } from '../../src/core/sync/batch.ts'
import { NONCE_BYTES, type ReadProof } from '../../src/core/sync/handshake.ts'
import type { ListedEntry, ListedHead, Standing, SyncMessage } from '../../src/core/sync/message.ts'
import type { Receipt } from '../../src/core/sync/receipt.ts'
import { NOTHING_SHARED, type SharedHeads } from '../../src/core/sync/shared-heads.ts'

/** Messages before the session: who asks for what, and the proofs. docs/protocol.md §4.2. */
export type HandshakeMessage =
  /** `knowledge`: that the sender knows the id behind the topic (src/core/sync/handshake.ts). */
  | {
      readonly kind: 'hello'
      readonly topic: Uint8Array
      readonly nonce: Uint8Array
      readonly knowledge: Uint8Array
    }
  | { readonly kind: 'proof'; readonly proof: ReadProof }
  /** The peer ends here; only a code crosses the wire. */
  | { readonly kind: 'bye'; readonly code: string }

/** After a run that ended in sync. docs/protocol.md §4.7. */
export interface ReceiptMessage {
  readonly kind: 'receipt'
  readonly receipt: Receipt
}

/** Any message of `/hanse/sync/1.0.0`. */
export type WireMessage = HandshakeMessage | SyncMessage | ReceiptMessage

/** The first element of every message, by kind. docs/protocol.md §4.1. */
const TAGS = {
  hello: 0,
  proof: 1,
  bye: 2,
  compare: 3,
  nodes: 4,
  entries: 5,
  want: 6,
  probe: 7,
  probed: 8,
  offer: 9,
  operations: 10,
  ack: 11,
  eose: 12,
  receipt: 13,
  leaves: 14,
  spell: 15,
} as const satisfies Record<WireMessage['kind'], number>

const NOTHING = new Uint8Array()

/** Canonical DAG-CBOR `[tag, …fields]`; a batch of operations is a byte string inside (src/core/sync/batch.ts). */
export function encodeMessage(message: WireMessage): Uint8Array {
  return encodeCanonical([TAGS[message.kind], ...fieldsOf(message)])
}

/** How many bytes at the end of an encoded message nothing packs: signatures. */
export function plainBytesOf(message: WireMessage): number {
  return message.kind === 'operations' ? signatureBytes(message.operations) : 0
}

function fieldsOf(message: WireMessage): readonly unknown[] {
  switch (message.kind) {
    case 'hello':
      return [message.topic, message.nonce, message.knowledge]
    case 'proof':
      return [message.proof.tokens, message.proof.signature]
    case 'bye':
      return [message.code]
    case 'compare': {
      const { clockRoot, stateRoot, authors, operations, absentBodies } = message.standing
      const { round, admitted, answers } = message
      return [round, clockRoot, stateRoot ?? NOTHING, authors, operations, absentBodies, admitted, answers]
    }
    case 'nodes':
      return [message.differing, message.listing]
    case 'entries':
      return [
        message.entries.map(({ author, heads }) => [author, heads.map(({ seq, id }) => [seq, id])]),
        message.bodies,
        message.last,
      ]
    case 'want':
      return [message.heads]
    case 'probe':
      return [message.probe, message.ids]
    case 'probed':
      return [message.probe, message.known]
    case 'offer':
      return [message.operations]
    case 'operations':
      return [message.shared?.check ?? NOTHING, encodeBatch(message.operations, message.shared)]
    case 'leaves':
      return [message.leaves]
    case 'spell':
      return []
    case 'ack':
      return []
    case 'eose':
      return [message.operations]
    case 'receipt':
      return [message.receipt.clockRoot, message.receipt.timeMs, message.receipt.signature]
  }
}

export type MessageFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'LIMIT'>

/**
 * Strict reading of one message: canonical DAG-CBOR (`NON_CANONICAL`), a known tag with its fields each of its type (`BAD_FIELD`),
 * and lists within their bounds (`LIMIT`). `spaceId` is needed to put operations together; null before the handshake is through,
 * when no message of a session is readable. `shared`: the heads that this side has listed in this round.
 */
export function decodeMessage(
  bytes: Uint8Array,
  spaceId: Uint8Array | null,
  shared = NOTHING_SHARED,
): Result<WireMessage, MessageFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  if (!Array.isArray(decoded.value)) return bad('a message is a list')
  const [tag, ...fields] = decoded.value as unknown[]
  const read = READERS.get(tag)
  // Named only if it is a number: a peer's map with a key `toString` cannot be made a text.
  if (read === undefined) return bad(`a message with ${typeof tag === 'number' ? `tag ${tag}` : 'no tag'}`)
  if (fields.length !== read.fields)
    return bad(`message ${String(tag)} has ${fields.length} fields, not ${read.fields}`)
  if (spaceId === null && !read.beforeSession)
    return bad(`message ${String(tag)} before the handshake is through`)
  return read.read(fields, spaceId ?? new Uint8Array(), shared)
}

interface Reader {
  readonly fields: number
  readonly beforeSession: boolean
  readonly read: (
    fields: readonly unknown[],
    spaceId: Uint8Array,
    shared: SharedHeads,
  ) => Result<WireMessage, MessageFault>
}

const inSession = (fields: number, read: Reader['read']): Reader => ({ fields, beforeSession: false, read })
const atAnyTime = (fields: number, read: Reader['read']): Reader => ({ fields, beforeSession: true, read })

const READERS: ReadonlyMap<unknown, Reader> = new Map<unknown, Reader>([
  [
    TAGS.hello,
    atAnyTime(3, ([topic, nonce, knowledge]) =>
      isDigest(topic) && isBytes(nonce, NONCE_BYTES) && isDigest(knowledge)
        ? ok({ kind: 'hello', topic, nonce, knowledge })
        : bad('hello'),
    ),
  ],
  [
    TAGS.proof,
    atAnyTime(2, ([tokens, signature]) =>
      isListOf(tokens, isSomeBytes, READ_TOKENS_MAX) && isBytes(signature, SIGNATURE_BYTES)
        ? ok({ kind: 'proof', proof: { tokens, signature } })
        : bad('proof'),
    ),
  ],
  [
    TAGS.bye,
    atAnyTime(1, ([code]) =>
      typeof code === 'string' && /^[A-Z_]{1,32}$/.test(code) ? ok({ kind: 'bye', code }) : bad('bye'),
    ),
  ],
  [
    TAGS.compare,
    inSession(8, ([round, clockRoot, stateRoot, authors, operations, absentBodies, admitted, answers]) => {
      const isWhole = isCount(round) && isCount(admitted) && typeof answers === 'boolean'
      const said = isBytes(stateRoot, 0) ? null : stateRoot
      const standing = { clockRoot, stateRoot: said, authors, operations, absentBodies }
      return isWhole && isStanding(standing)
        ? ok({ kind: 'compare', round, standing, admitted, answers })
        : bad('compare')
    }),
  ],
  [
    TAGS.nodes,
    inSession(2, ([differing, listing]) =>
      isSomeBytes(differing) && isSomeBytes(listing)
        ? ok({ kind: 'nodes', differing, listing })
        : bad('nodes'),
    ),
  ],
  [
    TAGS.entries,
    inSession(3, ([entries, bodies, last]) => {
      if (!Array.isArray(entries) || typeof last !== 'boolean') return bad('entries')
      if (entries.length > ENTRIES_PER_FRAME_MAX)
        return fail('LIMIT', `${entries.length} clock entries in one frame`)
      const read = (entries as unknown[]).map(readEntry)
      return read.every((entry) => entry !== null) && isListOf(bodies, isDigest, BODIES_WANTED_PER_ROUND_MAX)
        ? ok({ kind: 'entries', entries: read, bodies, last })
        : bad('entries')
    }),
  ],
  [TAGS.want, inSession(1, ([heads]) => (isSomeBytes(heads) ? ok({ kind: 'want', heads }) : bad('want')))],
  [
    TAGS.probe,
    inSession(2, ([probe, ids]) =>
      isCount(probe) && isListOf(ids, isDigest, PROBE_IDS_MAX)
        ? ok({ kind: 'probe', probe, ids })
        : bad('probe'),
    ),
  ],
  [
    TAGS.probed,
    inSession(2, ([probe, known]) =>
      isCount(probe) && isCount(known) ? ok({ kind: 'probed', probe, known }) : bad('probed'),
    ),
  ],
  [
    TAGS.offer,
    inSession(1, ([operations]) => (isCount(operations) ? ok({ kind: 'offer', operations }) : bad('offer'))),
  ],
  [
    TAGS.operations,
    inSession(2, ([check, batch], spaceId, shared) => readOperations(check, batch, spaceId, shared)),
  ],
  [TAGS.leaves, inSession(1, ([leaves]) => readLeaves(leaves))],
  [TAGS.spell, inSession(0, () => ok({ kind: 'spell' }))],
  [TAGS.ack, inSession(0, () => ok({ kind: 'ack' }))],
  [
    TAGS.eose,
    inSession(1, ([operations]) => (isCount(operations) ? ok({ kind: 'eose', operations }) : bad('eose'))),
  ],
  [
    TAGS.receipt,
    inSession(3, ([clockRoot, timeMs, signature]) =>
      isDigest(clockRoot) && isCount(timeMs) && isBytes(signature, SIGNATURE_BYTES)
        ? ok({ kind: 'receipt', receipt: { clockRoot, timeMs, signature } })
        : bad('receipt'),
    ),
  ],
])

function readEntry(entry: unknown): ListedEntry | null {
  if (!Array.isArray(entry) || entry.length !== 2) return null
  const [author, heads] = entry as unknown[]
  if (
    !isListed(author, SHORT_KEY_BYTES) ||
    !Array.isArray(heads) ||
    heads.length === 0 ||
    heads.length > HEADS_PER_ENTRY_MAX
  )
    return null
  const read: ListedHead[] = []
  for (const head of heads as unknown[]) {
    if (!Array.isArray(head) || head.length !== 2) return null
    const [seq, id] = head as unknown[]
    if (!isCount(seq) || !isListed(id, SHORT_ID_BYTES)) return null
    read.push({ seq, id })
  }
  return { author, heads: read }
}

function readLeaves(leaves: unknown): Result<WireMessage, MessageFault> {
  if (!isSomeBytes(leaves) || leaves.length === 0 || leaves.length % SHORT_DIGEST_BYTES !== 0)
    return bad('leaves')
  const count = leaves.length / SHORT_DIGEST_BYTES
  return count > PUSHED_OPERATIONS_MAX
    ? fail('LIMIT', `${count} leaves, at most ${PUSHED_OPERATIONS_MAX} allowed`)
    : ok({ kind: 'leaves', leaves })
}

function readOperations(
  check: unknown,
  batch: unknown,
  spaceId: Uint8Array,
  shared: SharedHeads,
): Result<WireMessage, MessageFault> {
  if (!isBytes(check, shared.check.length) || !isSomeBytes(batch)) return bad('operations')
  const decoded = decodeBatch(batch, spaceId, shared)
  if (!decoded.ok) return decoded
  // Names in it mean something else to the sender, which is nobody's fault: nothing made of them is looked at.
  if (!equalBytes(check, shared.check))
    return ok({ kind: 'operations', operations: [], faults: [], misread: decoded.value.length })
  const operations: Operation[] = []
  const faults: Fault[] = []
  for (const item of decoded.value) {
    if (item.ok) operations.push(item.value)
    else faults.push(item.fault)
  }
  return ok({ kind: 'operations', operations, faults })
}

const bad = (what: string) => fail('BAD_FIELD', `message not of its form: ${what}`)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isSomeBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isBytes = (value: unknown, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length
/** Whole, or its first bytes. */
const isListed = (value: unknown, shortBytes: number): value is Uint8Array =>
  isDigest(value) || isBytes(value, shortBytes)
const isDigest = (value: unknown): value is Uint8Array => isBytes(value, HASH_BYTES)

function isListOf<T>(value: unknown, is: (item: unknown) => item is T, most: number): value is readonly T[] {
  return Array.isArray(value) && value.length <= most && value.every(is)
}

function isStanding(
  value: Record<keyof Standing, unknown>,
): value is Record<keyof Standing, unknown> & Standing {
  return (
    isDigest(value.clockRoot) &&
    (value.stateRoot === null || isDigest(value.stateRoot)) &&
    isCount(value.authors) &&
    isCount(value.operations) &&
    isCount(value.absentBodies)
  )
}
