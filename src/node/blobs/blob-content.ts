import { toHex } from '../../core/bytes.ts'
import { BLOB_CHUNK_BYTES } from '../../core/limits.ts'
import {
  childCount,
  childOf,
  type BlobId,
  type PiecePlace,
  rootOf,
  verifyPiece,
  wayTo,
} from '../../core/types/blob/piece.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { RecentCache } from '../../storage/recent-cache.ts'
import { FaultError } from '../fault-error.ts'

/** Lists kept in memory after they were checked, at most BLOB_CHUNK_BYTES each: those of blobs that are being served. */
const LISTS_KEPT = 32

/**
 * The content of blobs, read piece by piece and checked each time: a disk forgets. A piece that has turned out damaged is forgotten, and its
 * blob counts as missing again.
 */
export class BlobContent {
  readonly #store: BlobStore
  readonly #onDamaged: (id: BlobId) => void
  readonly #lists = new RecentCache<string, Uint8Array>(LISTS_KEPT)

  constructor(store: BlobStore, onDamaged: (id: BlobId) => void) {
    this.#store = store
    this.#onDamaged = onDamaged
  }

  /** Bytes of the piece of a blob at (level, index); null where it is not here. */
  piece(id: BlobId, level: number, index: number): Uint8Array | null {
    let place = rootOf(id)
    for (const step of wayTo(id.size, level, index) ?? []) {
      const list = this.#bytes(id, place)
      if (list === null) return null
      place = childOf(place, list, step)
    }
    return place.level === level ? this.#bytes(id, place) : null
  }

  /** The content in order, a chunk at a time. Throws `BLOB_MISSING` where a piece is not here, and `BLOB_DAMAGED` where it was and is spoilt. */
  *chunks(id: BlobId): Generator<Uint8Array> {
    yield* this.#below(id, rootOf(id))
  }

  /** The bytes of the content from `start` up to `end`, which is not among them; only the pieces that have some are read. Throws `BLOB_MISSING`. */
  *range(id: BlobId, start: number, end: number): Generator<Uint8Array> {
    for (let index = Math.floor(start / BLOB_CHUNK_BYTES); index * BLOB_CHUNK_BYTES < end; index++) {
      const bytes = this.piece(id, 0, index)
      if (bytes === null) throw missing(id)
      const at = index * BLOB_CHUNK_BYTES
      yield bytes.subarray(Math.max(0, start - at), Math.min(bytes.length, end - at))
    }
  }

  *#below(id: BlobId, place: PiecePlace): Generator<Uint8Array> {
    const wasHere = this.#store.has(place.hash)
    const bytes = this.#bytes(id, place)
    if (bytes === null) {
      if (!wasHere) throw missing(id)
      const detail = `a piece of the blob ${toHex(id.hash)} was damaged on this disk: it is fetched again, "hanse blob get"`
      throw new FaultError({ code: 'BLOB_DAMAGED', detail })
    }
    if (place.level === 0) yield bytes
    else for (let i = 0; i < childCount(place); i++) yield* this.#below(id, childOf(place, bytes, i))
  }

  #bytes(id: BlobId, place: PiecePlace): Uint8Array | null {
    const name = place.level === 0 ? '' : toHex(place.hash)
    const kept = place.level === 0 ? undefined : this.#lists.get(name)
    if (kept !== undefined) return kept
    const bytes = this.#store.bytes(place.hash)
    if (bytes === undefined) return null
    if (verifyPiece(place, bytes).ok) {
      if (place.level > 0) this.#lists.set(name, bytes)
      return bytes
    }
    this.#store.transaction('process', (writer) => {
      writer.dropPiece(place.hash)
      writer.dropComplete(id)
    })
    this.#onDamaged(id)
    return null
  }
}

const missing = (id: BlobId): FaultError =>
  new FaultError({
    code: 'BLOB_MISSING',
    detail: `not all of the blob ${toHex(id.hash)} is here: fetch it first`,
  })
