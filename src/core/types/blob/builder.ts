import { HASH_BYTES } from '../../hash.ts'
import { BLOB_CHUNK_BYTES, BLOB_LIST_HASHES_MAX } from '../../limits.ts'
import { type BlobId, makePiece, spanOf, type VerifiedPiece } from './piece.ts'

/** A list that is being filled. */
interface OpenList {
  readonly hashes: Uint8Array
  count: number
  span: number
}

/**
 * Makes the pieces of a blob from its chunks, one after the other, without knowing how many there will be. Memory: one list of hashes a
 * level (BLOB_CHUNK_BYTES each). A list that is full waits for the next hash before it is given out, because it may be the root.
 */
export class BlobBuilder {
  readonly #lists: OpenList[] = []
  #size = 0
  #last: VerifiedPiece | null = null
  #isLast = false

  /** Adds a chunk and gives the pieces that are done by it. Only the last chunk may be shorter than BLOB_CHUNK_BYTES (a bug otherwise). */
  add(chunk: Uint8Array): readonly VerifiedPiece[] {
    if (this.#isLast || chunk.length === 0) throw new Error('bug: a chunk after the last one')
    this.#isLast = chunk.length < BLOB_CHUNK_BYTES
    this.#size += chunk.length
    const done: VerifiedPiece[] = []
    this.#give(makePiece(0, chunk.length, chunk), done)
    return done
  }

  /** The pieces that are left, and what the blob is known by. */
  finish(): { readonly pieces: readonly VerifiedPiece[]; readonly id: BlobId } {
    const done: VerifiedPiece[] = []
    if (this.#size === 0) this.#give(makePiece(0, 0, new Uint8Array()), done)
    for (let level = 1; level <= this.#lists.length; level++) {
      const list = this.#lists[level - 1] as OpenList
      // One hash at the top is the root's own.
      if (level === this.#lists.length && list.count === 1) break
      this.#give(closed(list, level), done)
    }
    const root = this.#last
    if (root === null) throw new Error('bug: a blob without a piece')
    return { pieces: done, id: { hash: root.hash, size: this.#size } }
  }

  /** Gives a piece out, and puts its hash into the list above. */
  #give(piece: VerifiedPiece, done: VerifiedPiece[]): void {
    done.push(piece)
    this.#last = piece
    const { level } = piece
    const above = this.#lists[level] ?? {
      hashes: new Uint8Array(HASH_BYTES * BLOB_LIST_HASHES_MAX),
      count: 0,
      span: 0,
    }
    if (above.count < BLOB_LIST_HASHES_MAX) {
      this.#lists[level] = above
      append(above, piece)
      return
    }
    const fresh: OpenList = { hashes: new Uint8Array(HASH_BYTES * BLOB_LIST_HASHES_MAX), count: 0, span: 0 }
    this.#lists[level] = fresh
    append(fresh, piece)
    this.#give(closed(above, level + 1), done)
  }
}

function append(list: OpenList, piece: VerifiedPiece): void {
  list.hashes.set(piece.hash, list.count * HASH_BYTES)
  list.count++
  list.span += piece.span
}

function closed({ hashes, count, span }: OpenList, level: number): VerifiedPiece {
  if (span > spanOf(level)) throw new Error('bug: a list that spans too much')
  return makePiece(level, span, hashes.slice(0, count * HASH_BYTES))
}
