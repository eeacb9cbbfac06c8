import { equalBytes, toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { BODY_CHANGES_MAX } from '../../core/limits.ts'
import { decodeHeader, encodeHeader, type Header, type HeaderFault } from '../../core/operation/header.ts'
import {
  type Body,
  bodyCommitment,
  type Operation,
  operationId,
  signedBytes,
} from '../../core/operation/operation.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import type { Result } from '../../core/result.ts'
import { isWeakKey } from '../../core/signature.ts'
import type { SpaceStore, StoredOperation } from '../../storage/space-store.ts'
import { messageOf, type Problem, problem } from './finding.ts'

/** One operation as it was read again from its bytes. */
export interface ReadOperation {
  /** What the file says of it beside its bytes. */
  readonly entry: Entry
  /**
   * The operation to go on with. Where its bytes are damaged, it is the best that can be told from the rest of its row, so that one
   * damage is one finding, and not one for each operation that builds on it.
   */
  readonly operation: Operation
  readonly problems: readonly Problem[]
  /** True where there was a body, and what is there of it is not what the author signed. */
  readonly isBodyLost: boolean
}

/** The header to go on with, and its bytes. */
interface ReadHeader {
  readonly id: Uint8Array
  readonly header: Header
  readonly headerBytes: Uint8Array
  readonly problems: readonly Problem[]
}

/**
 * Reads an operation of a store from its bytes, and checks them as if they had come from a stranger:
 * 1. header: decoded strictly (check 2 of the pipeline), its id recomputed;
 * 2. author key and signature (checks 4 and 5);
 * 3. body, where it is there: its size and Merkle root.
 */
export async function readOperation(
  entry: Entry,
  store: SpaceStore,
  { verifyAsync }: SignatureVerifier,
): Promise<ReadOperation> {
  const stored = readStored(entry, store)
  const read = await readHeader(entry, stored, store, verifyAsync)
  const problems = [...stored.problems, ...read.problems]
  const { id, header, headerBytes } = read
  const { signature } = stored
  if (isWeakKey(header.author))
    problems.push(problem('author', 'a canonical key of full order', toHex(header.author)))
  if (!stored.isLost && !(await verifyAsync(signature, signedBytes(id), header.author))) {
    const expected = `a signature of ${toHex(header.author)} over the id ${toHex(id)}`
    problems.push(problem('signature', expected, toHex(signature)))
  }
  const wrongBody = stored.body === null ? null : checkBody(header, stored.body)
  if (wrongBody !== null) problems.push(wrongBody)
  const isBodyLost = wrongBody !== null || stored.isLost
  const body = isBodyLost ? null : stored.body
  return { entry, operation: { id, header, headerBytes, signature, body }, problems, isBodyLost }
}

function readStored(
  entry: Entry,
  store: SpaceStore,
): StoredOperation & { readonly problems: readonly Problem[]; readonly isLost: boolean } {
  try {
    return { ...store.operation(entry.ordinal), problems: [], isLost: false }
  } catch (error) {
    const lost = { headerBytes: new Uint8Array(), signature: new Uint8Array(), body: null, isLost: true }
    return { ...lost, problems: [problem('row', 'bytes that can be read', messageOf(error))] }
  }
}

async function readHeader(
  entry: Entry,
  stored: StoredOperation & { readonly isLost: boolean },
  store: SpaceStore,
  verifyAsync: SignatureVerifier['verifyAsync'],
): Promise<ReadHeader> {
  const { headerBytes, signature } = stored
  const decoded = decodeHeader(headerBytes)
  const id = operationId(headerBytes)
  if (decoded.ok) {
    const header = decoded.value
    if (equalBytes(id, entry.id)) return { id, header, headerBytes, problems: [] }
    // What the author has signed is right, whatever stands beside it.
    if (await verifyAsync(signature, signedBytes(id), header.author))
      return { id, header, headerBytes, problems: [problem('id', toHex(id), toHex(entry.id))] }
  }
  const header = headerOf(entry, stored.body, store)
  const bytes = encodeHeader(header)
  const problems = stored.isLost ? [] : [describeHeader(headerBytes, bytes, entry.id, decoded)]
  return { id: entry.id, header, headerBytes: bytes, problems }
}

/** Names the first byte that is wrong, where the right ones can be told. */
function describeHeader(
  found: Uint8Array,
  likely: Uint8Array,
  id: Uint8Array,
  decoded: Result<Header, HeaderFault>,
): Problem {
  const why = decoded.ok
    ? `bytes with the id ${toHex(operationId(found))}`
    : `${decoded.fault.code}: ${decoded.fault.detail}`
  const expected = `bytes with the id ${toHex(id)}`
  if (!equalBytes(operationId(likely), id)) return problem('header', expected, why)
  let at = 0
  while (found[at] === likely[at]) at++
  const byteOf = (bytes: Uint8Array) => (at < bytes.length ? toHex(bytes.subarray(at, at + 1)) : 'none')
  return problem(
    'header',
    `${expected}: byte ${at} is ${byteOf(likely)}`,
    `byte ${at} is ${byteOf(found)}; ${why}`,
  )
}

/** The header that the rest of an operation's row tells of. Its own bytes say nearly everything a second time. */
function headerOf(entry: Entry, body: Body | null, store: SpaceStore): Header {
  const { author, seq, prev, parents, lamport, time, epoch, caps, command, path } = entry
  const isGenesis = equalBytes(entry.id, store.spaceId)
  return {
    space: isGenesis ? null : store.spaceId,
    author,
    seq,
    prev: prev === null ? null : store.at(prev).id,
    deps: parents.filter((parent) => parent !== prev).map((parent) => store.at(parent).id),
    lamport,
    time,
    epoch,
    caps,
    command,
    path,
    ...(body === null ? { bodyHash: new Uint8Array(HASH_BYTES), bodySize: 0 } : bodyCommitment(body)),
  }
}

function checkBody(header: Header, body: Body): Problem | null {
  if (body.length > BODY_CHANGES_MAX)
    return problem('body', `at most ${BODY_CHANGES_MAX} changes`, `${body.length} changes`)
  const { bodySize, bodyHash } = bodyCommitment(body)
  if (bodySize === header.bodySize && equalBytes(bodyHash, header.bodyHash)) return null
  const describe = (root: Uint8Array, size: number) => `${size} bytes with the root ${toHex(root)}`
  return problem('body', describe(header.bodyHash, header.bodySize), describe(bodyHash, bodySize))
}
