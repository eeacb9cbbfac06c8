import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { HASH_BYTES } from '../../src/core/hash.ts'
import { BLOB_CHUNK_BYTES } from '../../src/core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'
import { pieceCount, rootLevel } from '../../src/core/types/blob/piece.ts'

/** Protocol id of fetching pieces of blobs. docs/protocol.md §10. */
export const BLOBS_PROTOCOL = '/hanse/blobs/1.0.0'

/** Asks for one piece by its place below a blob: `[topic, hash, size, level, index]`. */
export interface PieceRequest {
  /** Of the space in which an item refers to the blob, 32 bytes. */
  readonly topic: Uint8Array
  /** Of the blob. */
  readonly hash: Uint8Array
  readonly size: number
  /** A level that the tree of a blob of that size has, and which piece of it, from 0. */
  readonly level: number
  readonly index: number
}

/** The piece's bytes, `[1, bytes]`; null where it is not here, or not for the asker: `[0]`. */
export type PieceAnswer = Uint8Array | null

/** What a decoder of this protocol refuses with. */
export type BlobCodecFault = Fault<'NON_CANONICAL' | 'BAD_FIELD'>

const ABSENT = 0
const PIECE = 1

/** The bytes of a request, without the length prefix. */
export function encodePieceRequest({ topic, hash, size, level, index }: PieceRequest): Uint8Array {
  return encodeCanonical([topic, hash, size, level, index])
}

/** Reads a request, or refuses it. Total. The caller has bounded `bytes` by BLOB_REQUEST_BYTES_MAX. */
export function decodePieceRequest(bytes: Uint8Array): Result<PieceRequest, BlobCodecFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  if (!Array.isArray(decoded.value) || decoded.value.length !== 5) return bad('a request is a list of five')
  const [topic, hash, size, level, index] = decoded.value as unknown[]
  if (!isHash(topic) || !isHash(hash)) return bad(`topic and hash of a request have ${HASH_BYTES} bytes`)
  if (!isCount(size) || !isCount(level) || !isCount(index)) return bad('size, level and index are counts')
  if (level > rootLevel(size) || index >= pieceCount(size, level))
    return bad(`a blob of ${size} bytes has no piece ${index} at level ${level}`)
  return ok({ topic, hash, size, level, index })
}

/** The bytes of an answer, without the length prefix. */
export function encodePieceAnswer(answer: PieceAnswer): Uint8Array {
  return encodeCanonical(answer === null ? [ABSENT] : [PIECE, answer])
}

/** Reads an answer, or refuses it. Total. Whether the bytes are the piece is for the asker to see. */
export function decodePieceAnswer(bytes: Uint8Array): Result<PieceAnswer, BlobCodecFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  if (!Array.isArray(decoded.value)) return bad('an answer is a list')
  const [kind, piece, ...others] = decoded.value as unknown[]
  if (kind === ABSENT && decoded.value.length === 1) return ok(null)
  if (kind !== PIECE || !(piece instanceof Uint8Array) || others.length > 0)
    return bad('an answer is [0], or [1, bytes]')
  return piece.length <= BLOB_CHUNK_BYTES
    ? ok(piece)
    : bad(`a piece of ${piece.length} bytes, at most ${BLOB_CHUNK_BYTES}`)
}

const isHash = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === HASH_BYTES

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const bad = (detail: string) => fail('BAD_FIELD', detail)
