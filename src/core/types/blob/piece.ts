import { joinBytes, equalBytes } from '../../bytes.ts'
import { BLOB_PIECE_TAG } from '../../domain-tags.ts'
import { HASH_BYTES, sha256 } from '../../hash.ts'
import { BLOB_CHUNK_BYTES, BLOB_LIST_HASHES_MAX } from '../../limits.ts'
import { fail, ok, type Fault, type Result } from '../../result.ts'

/**
 * What a blob's content is known by. The hash says all: it commits to the size, to the shape of the tree and to every byte. The size
 * stands beside it because nothing can be fetched without knowing the shape.
 */
export interface BlobId {
  readonly hash: Uint8Array
  /** Bytes of the content, 0 to 2^53 - 1. */
  readonly size: number
}

/**
 * One piece of a blob's tree, by what its parent says of it. Level 0 are the chunks: BLOB_CHUNK_BYTES of content each, the last one what
 * is left (a blob of no bytes is one chunk of none). A piece of a level above is a list: the hashes, one after the other, of at most
 * BLOB_LIST_HASHES_MAX pieces of the level below, each of which spans as much as one can, except for the last. docs/protocol.md §10.
 */
export interface PiecePlace {
  readonly level: number
  /** Bytes of content at and below it. */
  readonly span: number
  readonly hash: Uint8Array
}

/** A piece with its bytes, which have the hash of its place. {@link verifyPiece} and {@link makePiece} are the only makers. */
export interface VerifiedPiece extends PiecePlace {
  readonly bytes: Uint8Array
  readonly [verified]: true
}
declare const verified: unique symbol

/** Bytes of content that one whole piece of a level spans. Infinity where no number holds it. */
export function spanOf(level: number): number {
  return BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX ** level
}

/** The level of the root of a blob: the lowest of which one piece spans all of it. At most 3 for any size that a number holds. */
export function rootLevel(size: number): number {
  let level = 0
  while (spanOf(level) < size) level++
  return level
}

/** How many pieces a blob has at a level that its tree has. */
export function pieceCount(size: number, level: number): number {
  return Math.max(1, Math.ceil(size / spanOf(level)))
}

/** The piece at the top of a blob: its hash is the blob's. */
export function rootOf({ hash, size }: BlobId): PiecePlace {
  return { level: rootLevel(size), span: size, hash }
}

/** How many bytes a piece has: content for a chunk, hashes for a list. */
export function pieceBytes({ level, span }: Pick<PiecePlace, 'level' | 'span'>): number {
  return level === 0 ? span : HASH_BYTES * pieceCount(span, level - 1)
}

/** sha256(tag ‖ level as one byte ‖ span as eight bytes, greatest first ‖ bytes). */
function hashPiece(level: number, span: number, bytes: Uint8Array): Uint8Array {
  const shape = new Uint8Array(9)
  shape[0] = level
  new DataView(shape.buffer).setBigUint64(1, BigInt(span))
  return sha256(BLOB_PIECE_TAG, shape, bytes)
}

/** Makes a piece of one's own: `bytes` are as many as the place has (a bug otherwise). */
export function makePiece(level: number, span: number, bytes: Uint8Array): VerifiedPiece {
  if (bytes.length !== pieceBytes({ level, span })) throw new Error('bug: a piece of the wrong length')
  return witness({ level, span, hash: hashPiece(level, span, bytes) }, bytes)
}

/**
 * Checks the bytes of a piece against its place, and so against its parent: as many as they must be, and with that hash. `BAD_PIECE`
 * otherwise: nobody who has the piece can have these bytes for it.
 */
export function verifyPiece(place: PiecePlace, bytes: Uint8Array): Result<VerifiedPiece, Fault<'BAD_PIECE'>> {
  const expected = pieceBytes(place)
  if (bytes.length !== expected)
    return fail('BAD_PIECE', `a piece of ${bytes.length} bytes, expected ${expected}`)
  if (!equalBytes(hashPiece(place.level, place.span, bytes), place.hash))
    return fail('BAD_PIECE', `a piece of level ${place.level} whose bytes have another hash`)
  return ok(witness(place, bytes))
}

/** How many pieces a list names. */
export function childCount({ level, span }: Pick<PiecePlace, 'level' | 'span'>): number {
  return level === 0 ? 0 : pieceCount(span, level - 1)
}

/** The piece at a place of a list, from 0. `bytes`: those of the list. */
export function childOf(
  list: Pick<PiecePlace, 'level' | 'span'>,
  bytes: Uint8Array,
  index: number,
): PiecePlace {
  const whole = spanOf(list.level - 1)
  const span = Math.min(whole, list.span - index * whole)
  const hash = bytes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  return { level: list.level - 1, span, hash }
}

/**
 * The way from the root of a blob to the piece at (level, index): at each list on it, which child is next, from the top. Null where the
 * blob's tree has no such piece.
 */
export function wayTo(size: number, level: number, index: number): readonly number[] | null {
  const top = rootLevel(size)
  if (level > top || index >= pieceCount(size, level)) return null
  const way: number[] = []
  for (let above = top; above > level; above--) {
    way.push(Math.floor(index / BLOB_LIST_HASHES_MAX ** (above - 1 - level)) % BLOB_LIST_HASHES_MAX)
  }
  return way
}

function witness({ level, span, hash }: PiecePlace, bytes: Uint8Array): VerifiedPiece {
  return { level, span, hash, bytes } as VerifiedPiece
}

/** Joins parts into chunks of BLOB_CHUNK_BYTES, however they were cut; what is left comes last, and nothing where nothing came. */
export async function* chunksOf(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const part of parts) {
    let rest = part
    while (size + rest.length >= BLOB_CHUNK_BYTES) {
      const taken = BLOB_CHUNK_BYTES - size
      yield joinBytes([...waiting, rest.subarray(0, taken)])
      rest = rest.subarray(taken)
      waiting = []
      size = 0
    }
    if (rest.length > 0) waiting.push(rest.slice())
    size += rest.length
  }
  if (size > 0) yield joinBytes(waiting)
}
