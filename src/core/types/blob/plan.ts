import { BLOB_LIST_HASHES_MAX, BLOB_RETURNED_MAX } from '../../limits.ts'
import { type BlobId, childCount, childOf, type PiecePlace, rootOf, type VerifiedPiece } from './piece.ts'

/** One piece that is missing, and how others know it: by its place in the blob. */
export interface WantedPiece extends PiecePlace {
  /** Which one it is of its level, from 0. */
  readonly index: number
}

/** What is here of a blob, by the hashes of its pieces. */
export interface HeldPieces {
  has(hash: Uint8Array): boolean
  /** Bytes of a piece; undefined where it is not here. */
  bytes(hash: Uint8Array): Uint8Array | undefined
}

/** A list that is being walked. */
interface OpenList {
  readonly list: WantedPiece
  readonly bytes: Uint8Array
  next: number
}

/** What nobody has been asked for lately, and who does not have it. */
interface Returned {
  readonly piece: WantedPiece
  readonly lackedBy: Set<string>
}

/**
 * Which pieces of a blob are to be fetched next, and from whom not again. Pure; the caller asks peers and stores what they bring.
 * Invariants:
 * 1. pieces come in the order of the content, each list before what it names, so what has arrived is a beginning of the content as far
 *    as one peer is asked;
 * 2. a piece is with one asker at a time, and comes back when that one does not bring it;
 * 3. a peer that lacked a piece is not asked for it again;
 * 4. at most BLOB_RETURNED_MAX pieces wait for another peer; beyond them nothing new is begun;
 * 5. memory: one list for each level, and what is asked for or returned. What is held already costs a look and no more.
 */
export class BlobPlan {
  readonly #held: HeldPieces
  /** The lists on the way to where the walk is, the root's first. */
  readonly #open: OpenList[] = []
  /** What is asked for, with the peers that lacked it. */
  readonly #asked = new Map<WantedPiece, Set<string>>()
  readonly #returned: Returned[] = []
  /** Where the walk begins; null once it has begun. */
  #root: WantedPiece | null
  #doneBytes = 0
  #isWalking = false

  constructor(id: BlobId, held: HeldPieces) {
    this.#held = held
    this.#root = { ...rootOf(id), index: 0 }
  }

  /** Bytes of content known to be here so far: what was walked past and what arrived. */
  get doneBytes(): number {
    return this.#doneBytes
  }

  /** True where `next` stopped only for a breath: ask again after other work. */
  get isWalking(): boolean {
    return this.#isWalking
  }

  /** True when nothing is missing any more, as far as `next` has looked. */
  get isComplete(): boolean {
    const isWalked = this.#root === null && this.#open.length === 0 && !this.#isWalking
    return isWalked && this.#asked.size === 0 && this.#returned.length === 0
  }

  /** The next piece to ask that peer for; null where there is none for it now. */
  next(peer: string): WantedPiece | null {
    this.#isWalking = false
    const at = this.#returned.findIndex(({ lackedBy }) => !lackedBy.has(peer))
    const [again] = at < 0 ? [] : this.#returned.splice(at, 1)
    if (again !== undefined) {
      this.#asked.set(again.piece, again.lackedBy)
      return again.piece
    }
    if (this.#returned.length >= BLOB_RETURNED_MAX) return null
    const fresh = this.#walk()
    if (fresh !== null) this.#asked.set(fresh, new Set())
    return fresh
  }

  /** A piece that was asked for is here, and stored. */
  arrived(wanted: WantedPiece, piece: VerifiedPiece): void {
    this.#asked.delete(wanted)
    this.#pass(wanted, piece.bytes)
  }

  /** A piece that was asked for has not come. `lackedBy`: the peer, where it said that it does not have it. */
  returned(wanted: WantedPiece, lackedBy: string | null): void {
    const lackers = this.#asked.get(wanted) ?? new Set<string>()
    this.#asked.delete(wanted)
    if (lackedBy !== null) lackers.add(lackedBy)
    this.#returned.push({ piece: wanted, lackedBy: lackers })
  }

  /** The first piece from here on that is not here. */
  #walk(): WantedPiece | null {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const piece = this.#step()
      if (piece === null) return null
      if (!this.#held.has(piece.hash)) return piece
      const bytes = piece.level === 0 ? NO_BYTES : this.#held.bytes(piece.hash)
      if (bytes === undefined) return piece
      this.#pass(piece, bytes)
    }
    this.#isWalking = true
    return null
  }

  /** The piece after the one before, in the order of the content. */
  #step(): WantedPiece | null {
    if (this.#root !== null) {
      const root = this.#root
      this.#root = null
      return root
    }
    for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
      if (top.next < childCount(top.list)) {
        const index = top.list.index * BLOB_LIST_HASHES_MAX + top.next
        return { ...childOf(top.list, top.bytes, top.next++), index }
      }
      this.#open.pop()
    }
    return null
  }

  #pass(piece: WantedPiece, bytes: Uint8Array): void {
    if (piece.level === 0) this.#doneBytes += piece.span
    else this.#open.push({ list: piece, bytes, next: 0 })
  }
}

const NO_BYTES = new Uint8Array()
/** Pieces looked at in one go, at some microseconds each. */
const LOOKS_MAX = 4_096
