import { utf8 } from '../../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../canonical-cbor.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'
import { HASH_BYTES } from '../../hash.ts'
import { BLOB_MEDIA_TYPE_BYTES_MAX, BLOB_NAME_BYTES_MAX } from '../../limits.ts'
import { fail, ok, type Fault, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import { writeElementRefs } from '../element-refs.ts'
import type { BlobId } from './piece.ts'

/**
 * An attachment: a reference to content that is named by its hash and travels by itself (docs/protocol.md §10), so the item is small
 * whatever the content is. Last writer wins on the reference, whole; a deletion takes away what it saw (src/core/types/cell.ts has the
 * laws). Equal content has one hash wherever it is referenced, and is kept once.
 */
export const BLOB = 'blob'
const VERSION = 1

/** The value of a blob item. */
export interface BlobReference extends BlobId {
  /** What the author says the content is (RFC 6838), e.g. `image/png`; nobody has checked. */
  readonly mediaType?: string
  /** What the author calls the file, for people; never a path to write to. */
  readonly name?: string
}

/** A media type with its parameters, loosely: visible ASCII, type and subtype. */
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(;[\x20-\x7e]+)?$/i

/** The change that sets the blob at `path`. */
export function setBlob(path: string, reference: BlobReference): Uint8Array {
  return encodeChange({ type: BLOB, version: VERSION, path, payload: { set: valueOf(reference) } })
}

/** The change that deletes the blob at `path`, by naming the writes that were seen there. The content is not touched by it. */
export function deleteBlob(path: string, observed: readonly ElementRef[]): Uint8Array {
  const payload = { delete: writeElementRefs(observed) }
  return encodeChange({ type: BLOB, version: VERSION, path, payload })
}

/** Reads the payload: a map with exactly one of `set` (a reference) and `delete` (elements). */
export function readBlob(change: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  const { payload, path } = change
  const key = { path, type: BLOB, field: '', index } as const
  if (!isMap(payload) || Object.keys(payload).length !== 1)
    return invalid('a blob change has either set or delete')
  if ('set' in payload) {
    const reference = readBlobReference(payload['set'])
    return reference.ok
      ? ok([{ ...key, kind: 'set', value: encodeCanonical(valueOf(reference.value)) }])
      : invalid(reference.fault.detail)
  }
  const observed = readElementRefs(payload['delete'])
  if (observed === null) return invalid('delete of a blob names elements [operation id, index]')
  return ok([{ ...key, kind: 'remove', observed }])
}

/**
 * Reads a reference: a map of `hash` (32 bytes), `size` (a count) and, where they are there, `mediaType` (1 to
 * BLOB_MEDIA_TYPE_BYTES_MAX bytes, a type and a subtype) and `name` (1 to BLOB_NAME_BYTES_MAX bytes); no other key.
 */
export function readBlobReference(value: unknown): Result<BlobReference, Fault<'BAD_VALUE'>> {
  if (!isMap(value)) return bad('is no map')
  const { hash, size, mediaType, name, ...others } = value
  const [other] = Object.keys(others)
  if (other !== undefined) return bad(`has the key ${JSON.stringify(other.slice(0, 40))}`)
  if (!(hash instanceof Uint8Array) || hash.length !== HASH_BYTES)
    return bad(`has no hash of ${HASH_BYTES} bytes`)
  if (!Number.isSafeInteger(size) || (size as number) < 0) return bad('has no size')
  if ('mediaType' in value && !isMediaType(mediaType))
    return bad(`has a media type that is none, or longer than ${BLOB_MEDIA_TYPE_BYTES_MAX} bytes`)
  if ('name' in value && !isName(name))
    return bad(`has a name that has not 1 to ${BLOB_NAME_BYTES_MAX} bytes`)
  return ok({
    hash,
    size: size as number,
    ...(isMediaType(mediaType) ? { mediaType } : {}),
    ...(isName(name) ? { name } : {}),
  })
}

/** The reference in a cell of this type, from its canonical bytes. */
export function decodeBlobReference(
  bytes: Uint8Array,
): Result<BlobReference, Fault<'BAD_VALUE' | 'NON_CANONICAL'>> {
  const decoded = decodeCanonical(bytes)
  return decoded.ok ? readBlobReference(decoded.value) : decoded
}

/** True for a text that a reference takes as the type of its content. */
export function isMediaType(value: unknown): value is string {
  return (
    typeof value === 'string' && utf8(value).length <= BLOB_MEDIA_TYPE_BYTES_MAX && MEDIA_TYPE.test(value)
  )
}

/** True for a text that a reference takes as the name of its content. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && utf8(value).length <= BLOB_NAME_BYTES_MAX
}

/** As DAG-CBOR has it: what is absent has no key. */
function valueOf({ hash, size, mediaType, name }: BlobReference): Readonly<Record<string, unknown>> {
  return {
    hash,
    size,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(name === undefined ? {} : { name }),
  }
}

const bad = (why: string) => fail('BAD_VALUE', `a blob's reference ${why}`)
