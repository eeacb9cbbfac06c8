import { type BlobId, childCount, childOf, type PiecePlace, rootOf } from '../../core/types/blob/piece.ts'
import type { BlobPruning, BlobUsage } from '../blob-store.ts'
import type { Database, Query } from './database.ts'

/** What pruning needs of the store around it. */
export interface PrunedStore {
  bytes(hash: Uint8Array): Uint8Array | undefined
  transaction(work: () => boolean): boolean
  onRemoved(usage: BlobUsage): void
}

/** Hashes marked, and pieces removed, in one step. */
const MARKS_A_STEP = 4_096
const PIECES_A_STEP = 64

/** A list whose names are being marked. */
interface OpenList {
  readonly place: PiecePlace
  readonly bytes: Uint8Array
  next: number
}

/**
 * Removes the pieces that are reached from no reference: first every reference's tree is walked through the lists that are here and its hashes
 * are marked in a table of this connection, then what is unmarked goes. Lists are marked before what they name, so a list that was marked
 * already is not walked again.
 */
export class SqliteBlobPruning implements BlobPruning {
  readonly #store: PrunedStore
  readonly #roots: Query<[Uint8Array, number, number], [Uint8Array, number]>
  readonly #markPiece: Query<[Uint8Array]>
  readonly #doomed: Query<[number, number], [number, number]>
  readonly #delete: Query<[number]>
  readonly #forgetComplete: Query<[]>
  readonly #open: OpenList[] = []
  /** The root that was marked last; null when all are. */
  #after: BlobId | null = { hash: new Uint8Array(), size: -1 }
  /** The last piece that was looked at. */
  #piece = 0
  #removed: BlobUsage = { pieces: 0, bytes: 0 }

  constructor(database: Database, store: PrunedStore) {
    this.#store = store
    database.query('CREATE TEMP TABLE IF NOT EXISTS marked (hash BLOB PRIMARY KEY) WITHOUT ROWID').run()
    database.query('DELETE FROM marked').run()
    this.#roots = database.query(
      'SELECT DISTINCT hash, size FROM blob_references WHERE (hash, size) > (?, ?) ORDER BY hash, size LIMIT ?',
    )
    this.#markPiece = database.query('INSERT OR IGNORE INTO marked VALUES (?)')
    this.#doomed = database.query(`
      SELECT p.piece, length(p.bytes) FROM pieces p LEFT JOIN marked m ON m.hash = p.hash
      WHERE p.piece > ? AND m.hash IS NULL ORDER BY p.piece LIMIT ?`)
    this.#delete = database.query('DELETE FROM pieces WHERE piece = ?')
    this.#forgetComplete = database.query(
      'DELETE FROM complete WHERE NOT EXISTS (SELECT 1 FROM marked m WHERE m.hash = complete.hash)',
    )
  }

  get removed(): BlobUsage {
    return this.#removed
  }

  step(): boolean {
    return this.#after === null ? this.#sweep() : this.#mark(this.#after)
  }

  #mark(begin: BlobId): false {
    let after = begin
    for (let marks = 0; marks < MARKS_A_STEP; marks++) {
      const top = this.#open.at(-1)
      if (top === undefined) {
        const [root] = this.#roots.all(after.hash, after.size, 1)
        this.#after = root === undefined ? null : { hash: root[0], size: root[1] }
        if (this.#after === null) return false
        this.#visit(rootOf(this.#after))
        after = this.#after
      } else if (top.next < childCount(top.place)) this.#visit(childOf(top.place, top.bytes, top.next++))
      else this.#open.pop()
    }
    return false
  }

  #visit(place: PiecePlace): void {
    if (Number(this.#markPiece.run(place.hash).changes) === 0 || place.level === 0) return
    const bytes = this.#store.bytes(place.hash)
    if (bytes !== undefined) this.#open.push({ place, bytes, next: 0 })
  }

  #sweep(): boolean {
    return this.#store.transaction(() => {
      const doomed = this.#doomed.all(this.#piece, PIECES_A_STEP)
      let bytes = 0
      for (const [piece, size] of doomed) {
        this.#delete.run(piece)
        bytes += size
        this.#piece = piece
      }
      this.#removed = { pieces: this.#removed.pieces + doomed.length, bytes: this.#removed.bytes + bytes }
      this.#store.onRemoved({ pieces: doomed.length, bytes })
      if (doomed.length === PIECES_A_STEP) return false
      this.#forgetComplete.run()
      return true
    })
  }
}
