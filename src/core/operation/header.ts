import { compareBytes, equalBytes } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { HASH_BYTES } from '../hash.ts'
import { BODY_BYTES_MAX, CAPS_MAX, COMMAND_BYTES_MAX, DEPS_MAX, HEADER_BYTES_MAX } from '../limits.ts'
import { parsePath } from '../path.ts'
import { readPlainHeader } from './plain-header.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import type { SharedBytes } from '../shared-bytes.ts'

/** The version of the operation format that this code writes and reads. */
const OPERATION_VERSION = 1

/**
 * What an author signs. On the wire it is a canonical DAG-CBOR list of the fields in this order (docs/protocol.md §2):
 * a list, because the fields never vary within a version and their names would cost a third of every header.
 */
export interface Header {
  /** Id of the genesis operation, 32 bytes; null in the genesis itself. */
  readonly space: Uint8Array | null
  /** Ed25519 public key, 32 bytes. */
  readonly author: Uint8Array
  /** Position in the author's log, from 0. */
  readonly seq: number
  /** Id of the author's previous operation; null at seq 0. */
  readonly prev: Uint8Array | null
  /** Ids of other operations seen since `prev`: sorted, unique, at most DEPS_MAX, `prev` not among them. */
  readonly deps: readonly Uint8Array[]
  /** 1 + the greatest lamport of `prev` and `deps`; 1 in the genesis. */
  readonly lamport: number
  /** Milliseconds since 1970 by the author's clock, never less than any parent's. */
  readonly time: number
  /** Height of the last checkpoint the author had seen; 0 in a space without validators. */
  readonly epoch: number
  /** Digests of the delegations used, root first; empty for the space key alone. */
  readonly caps: readonly Uint8Array[]
  /** What is done, e.g. `/op/write`. */
  readonly command: string
  /** Where: every change of the body is at or below it. */
  readonly path: string
  /** Merkle root over the encoded changes (src/core/merkle.ts). */
  readonly bodyHash: Uint8Array
  /** Sum of the lengths of the encoded changes, in bytes. */
  readonly bodySize: number
}

export type HeaderFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'LIMIT' | 'VERSION'>

/** Canonical bytes of a header, in `room` where there is any. The caller vouches for the fields; {@link decodeHeader} is what checks them. */
export function encodeHeader(header: Header, room?: SharedBytes): Uint8Array {
  const fields = [
    OPERATION_VERSION,
    header.space,
    header.author,
    header.seq,
    header.prev,
    header.deps,
    header.lamport,
    header.time,
    header.epoch,
    header.caps,
    header.command,
    header.path,
    header.bodyHash,
    header.bodySize,
  ]
  return encodeCanonical(fields, room)
}

const FIELDS = 14
/** What nearly every operation does, known to be well-formed. */
const USUAL_COMMAND = '/op/write'

/**
 * Strict reading of header bytes: check 2 of the pipeline. In this order:
 * 1. at most HEADER_BYTES_MAX bytes (`LIMIT`);
 * 2. canonical DAG-CBOR, re-encoding to the same bytes (`NON_CANONICAL`);
 * 3. a list whose first element is the version; any other version is `VERSION`;
 * 4. exactly 14 fields, each of its type: ids, keys and hashes 32 bytes, numbers whole and from 0 to 2^53 − 1 (`BAD_FIELD`);
 * 5. `prev` is null exactly at seq 0; without `space` (a genesis): seq 0, no deps, no caps, lamport 1, epoch 0 (`BAD_FIELD`);
 * 6. `deps` strictly ascending, without `prev` (`BAD_FIELD`), at most DEPS_MAX (`LIMIT`);
 * 7. `caps` at most CAPS_MAX (`LIMIT`), no digest twice (`BAD_FIELD`);
 * 8. `command` of lower-case segments, at most COMMAND_BYTES_MAX (`BAD_FIELD`, `LIMIT`);
 * 9. `path` as parsePath has it (`BAD_FIELD`);
 * 10. `bodySize` at most BODY_BYTES_MAX (`LIMIT`).
 * Digests in the header may be views of `bytes`.
 */
export function decodeHeader(bytes: Uint8Array): Result<Header, HeaderFault> {
  if (bytes.length > HEADER_BYTES_MAX) {
    return fail('LIMIT', `header of ${bytes.length} bytes, at most ${HEADER_BYTES_MAX} are allowed`)
  }
  const plain = readPlainHeader(bytes)
  if (plain !== null) return checkHeader(plain)
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = decoded.value
  if (!Array.isArray(list)) return fail('BAD_FIELD', 'header is not a list')
  if (list[0] !== OPERATION_VERSION) {
    return fail('VERSION', `operation version ${describe(list[0])}, this node reads ${OPERATION_VERSION}`)
  }
  if (list.length !== FIELDS) return fail('BAD_FIELD', `header has ${list.length} fields, not ${FIELDS}`)
  const [, space, author, seq, prev, deps, lamport, time, epoch, caps, command, path, bodyHash, bodySize] =
    list as unknown[]
  return checkHeader({
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
    bodyHash,
    bodySize,
  })
}

/** The same of fields that came otherwise than as a header's bytes: conditions 4 to 10 of {@link decodeHeader}. */
export function checkHeader(fields: Readonly<Record<keyof Header, unknown>>): Result<Header, HeaderFault> {
  const { space, author, seq, prev, deps, lamport, time, epoch, caps, command, path, bodyHash, bodySize } =
    fields
  if (space !== null && !isDigest(space)) return bad('space', space)
  if (!isDigest(author)) return bad('author', author)
  if (!isCount(seq)) return bad('seq', seq)
  if (prev !== null && !isDigest(prev)) return bad('prev', prev)
  if (!isDigestList(deps)) return bad('deps', deps)
  if (!isCount(lamport)) return bad('lamport', lamport)
  if (!isCount(time)) return bad('time', time)
  if (!isCount(epoch)) return bad('epoch', epoch)
  if (!isDigestList(caps)) return bad('caps', caps)
  if (typeof command !== 'string') return bad('command', command)
  if (typeof path !== 'string') return bad('path', path)
  if (!isDigest(bodyHash)) return bad('bodyHash', bodyHash)
  if (!isCount(bodySize)) return bad('bodySize', bodySize)
  const header = fields as Header
  const fault = checkShape(header)
  return fault === null ? ok(header) : { ok: false, fault }
}

function checkShape(header: Header): HeaderFault | null {
  const { space, seq, prev, deps, caps, command, path } = header
  if ((seq === 0) !== (prev === null)) return badFault(`prev must be null exactly at seq 0, seq is ${seq}`)
  if (space === null) {
    const plain =
      seq === 0 && deps.length === 0 && caps.length === 0 && header.lamport === 1 && header.epoch === 0
    if (!plain) return badFault('a genesis has seq 0, no deps, no caps, lamport 1 and epoch 0')
  }
  if (deps.length > DEPS_MAX) return limitFault(`${deps.length} deps, at most ${DEPS_MAX} are allowed`)
  for (let i = 0; i < deps.length; i++) {
    const dep = deps[i] as Uint8Array
    if (i > 0 && compareBytes(deps[i - 1] as Uint8Array, dep) !== -1)
      return badFault('deps are not sorted and unique')
    if (prev !== null && equalBytes(prev, dep)) return badFault('prev is listed among deps')
  }
  if (caps.length > CAPS_MAX) return limitFault(`${caps.length} caps, at most ${CAPS_MAX} are allowed`)
  for (let i = 0; i < caps.length; i++) {
    for (let j = 0; j < i; j++) {
      if (equalBytes(caps[i] as Uint8Array, caps[j] as Uint8Array))
        return badFault('a delegation is listed twice in caps')
    }
  }
  if (Buffer.byteLength(command) > COMMAND_BYTES_MAX)
    return limitFault(`command is longer than ${COMMAND_BYTES_MAX} bytes`)
  if (command !== USUAL_COMMAND && !/^(\/[a-z0-9_-]+)+$/.test(command))
    return badFault(`command ${describe(command)} is not of the form /op/write`)
  const parsed = parsePath(path)
  if (!parsed.ok) return badFault(parsed.fault.detail)
  if (header.bodySize > BODY_BYTES_MAX) {
    return limitFault(`bodySize ${header.bodySize}, at most ${BODY_BYTES_MAX} is allowed`)
  }
  return null
}

const badFault = (detail: string): HeaderFault => ({ code: 'BAD_FIELD', detail })
const limitFault = (detail: string): HeaderFault => ({ code: 'LIMIT', detail })
const bad = (field: string, found: unknown) =>
  fail('BAD_FIELD', `header field ${field} holds ${describe(found)}`)

const isDigest = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === HASH_BYTES
const isDigestList = (value: unknown): value is readonly Uint8Array[] =>
  Array.isArray(value) && value.every(isDigest)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return value === null || typeof value !== 'object' ? String(value) : 'a map'
}
