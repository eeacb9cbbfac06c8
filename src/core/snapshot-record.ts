import { decodeCanonical, encodeCanonical } from './canonical-cbor.ts'
import { isMap } from './changes/change.ts'
import { HASH_BYTES } from './hash.ts'
import type { Body } from './operation/operation.ts'
import { parsePath } from './path.ts'
import { fail, ok, type Fault, type Result } from './result.ts'

/** The format of snapshots that this code writes and reads (docs/formats.md). */
const SNAPSHOT_FORMAT = 1
const SNAPSHOT_KIND = 'hanse snapshot'

/** What a snapshot says of itself, at its beginning. */
export interface SnapshotManifest {
  /** Id of the genesis. */
  readonly space: Uint8Array
  /** Author of the genesis: the root of all authority. */
  readonly spaceKey: Uint8Array
  /** The root of what is snapped: bodies of control operations, and at or below it; all headers. */
  readonly path: string
  /** Operations in it. */
  readonly operations: number
  /** Root over the heads of the operations in it (docs/protocol.md §5). */
  readonly clockRoot: Uint8Array
  /** Root over the state at and below `path`: the state root, or the selection root of that one prefix. */
  readonly stateRoot: Uint8Array
  /** When it was made, ms since 1970 by that node's clock. */
  readonly timeMs: number
}

/** An operation as it lies in a snapshot: an envelope (docs/protocol.md §2) that is still to be read. */
export interface SnapshotOperation {
  readonly headerBytes: Uint8Array
  readonly signature: Uint8Array
  readonly body: Body | null
}

/** A cell that shows. */
export interface SnapshotCell {
  readonly path: string
  readonly type: string
  readonly field: string
  /** Canonical DAG-CBOR. */
  readonly value: Uint8Array
}

/** What a snapshot holds, in this order: one manifest, operations parents first, cells ascending, one end. */
export type SnapshotRecord =
  | { readonly kind: 'manifest'; readonly manifest: SnapshotManifest }
  | { readonly kind: 'operations'; readonly operations: readonly SnapshotOperation[] }
  | { readonly kind: 'cells'; readonly cells: readonly SnapshotCell[] }
  | { readonly kind: 'end'; readonly operations: number; readonly bodies: number; readonly cells: number }

export type SnapshotRecordFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'VERSION'>

/** Canonical bytes of a record: `[kind, content]`. */
export function encodeSnapshotRecord(record: SnapshotRecord): Uint8Array {
  switch (record.kind) {
    case 'manifest':
      return encodeCanonical([
        record.kind,
        { kind: SNAPSHOT_KIND, format: SNAPSHOT_FORMAT, ...record.manifest },
      ])
    case 'operations':
      return encodeCanonical([
        record.kind,
        record.operations.map(({ headerBytes, signature, body }) => [headerBytes, signature, body]),
      ])
    case 'cells':
      return encodeCanonical([
        record.kind,
        record.cells.map(({ path, type, field, value }) => [path, type, field, value]),
      ])
    case 'end': {
      const { kind, ...counts } = record
      return encodeCanonical([kind, counts])
    }
  }
}

/**
 * Reads a record: canonical (`NON_CANONICAL`), of a kind and format that this version knows (`VERSION`), and with exactly its fields, each of
 * its type (`BAD_FIELD`). What operations and cells say is not judged here.
 */
export function decodeSnapshotRecord(bytes: Uint8Array): Result<SnapshotRecord, SnapshotRecordFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const list = decoded.value
  if (!isList(list, 2) || typeof list[0] !== 'string') return bad('a record is a list of kind and content')
  const [kind, content] = list
  switch (kind) {
    case 'manifest':
      return readManifest(content)
    case 'operations':
      return isListOf(content, isEnvelope)
        ? ok({
            kind,
            operations: content.map(([headerBytes, signature, body]) => ({ headerBytes, signature, body })),
          })
        : bad('operations are a list of [header, signature, body or null]')
    case 'cells':
      return isListOf(content, isCell)
        ? ok({ kind, cells: content.map(([path, type, field, value]) => ({ path, type, field, value })) })
        : bad('cells are a list of [path, type, field, value]')
    case 'end':
      return readEnd(content)
    default:
      return fail(
        'VERSION',
        `it has a part ${JSON.stringify(kind.slice(0, 40))}, which this version of Hanse does not know: import it with the version that wrote it, or a later one`,
      )
  }
}

function readManifest(content: unknown): Result<SnapshotRecord, SnapshotRecordFault> {
  if (!isMap(content) || content['kind'] !== SNAPSHOT_KIND) return bad('it is no snapshot of a Hanse space')
  if (content['format'] !== SNAPSHOT_FORMAT)
    return fail(
      'VERSION',
      `it has the format ${String(content['format']).slice(0, 20)}, this version of Hanse reads ${SNAPSHOT_FORMAT}: import it with the version that wrote it, or a later one`,
    )
  const { kind: _kind, format: _format, ...fields } = content
  const { space, spaceKey, path, operations, clockRoot, stateRoot, timeMs, ...rest } = fields
  const isSound =
    isDigest(space) &&
    isDigest(spaceKey) &&
    typeof path === 'string' &&
    parsePath(path).ok &&
    isCount(operations) &&
    isDigest(clockRoot) &&
    isDigest(stateRoot) &&
    isCount(timeMs) &&
    Object.keys(rest).length === 0
  return isSound
    ? ok({
        kind: 'manifest',
        manifest: { space, spaceKey, path, operations, clockRoot, stateRoot, timeMs },
      })
    : bad('its manifest is not what a manifest of this format is')
}

function readEnd(content: unknown): Result<SnapshotRecord, SnapshotRecordFault> {
  if (!isMap(content)) return bad('the end is not a map of counts')
  const { operations, bodies, cells, ...rest } = content
  return isCount(operations) && isCount(bodies) && isCount(cells) && Object.keys(rest).length === 0
    ? ok({ kind: 'end', operations, bodies, cells })
    : bad('the end is not a map of the counts of operations, bodies and cells')
}

const bad = (detail: string) => fail('BAD_FIELD', detail)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isDigest = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === HASH_BYTES
const isList = (value: unknown, length: number): value is unknown[] =>
  Array.isArray(value) && value.length === length
const isListOf = <T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] =>
  Array.isArray(value) && value.every(is)
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

const isEnvelope = (item: unknown): item is [Uint8Array, Uint8Array, Body | null] =>
  isList(item, 3) && isBytes(item[0]) && isBytes(item[1]) && (item[2] === null || isListOf(item[2], isBytes))

const isCell = (item: unknown): item is [string, string, string, Uint8Array] =>
  isList(item, 4) &&
  typeof item[0] === 'string' &&
  typeof item[1] === 'string' &&
  typeof item[2] === 'string' &&
  isBytes(item[3])
