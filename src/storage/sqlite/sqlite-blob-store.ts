import { ok, type Result } from '../../core/result.ts'
import type { BlobId, VerifiedPiece } from '../../core/types/blob/piece.ts'
import {
  quotaReached,
  type BlobCounts,
  type BlobPruning,
  type BlobStore,
  type BlobUsage,
  type BlobWant,
  type BlobWriter,
  type QuotaFault,
  type ReferenceRange,
  type StoredReference,
} from '../blob-store.ts'
import { StoreError } from '../store-error.ts'
import { assertSynchronous, TransactionGuard } from '../transaction-guard.ts'
import { SqliteBlobPruning } from './blob-pruning.ts'
import { BlobReferences } from './blob-references.ts'
import type { Database, Query } from './database.ts'

type WantRow = [Uint8Array, Uint8Array, number, number, number]

/** A node's blobs in one SQLite file; `openSqliteBlobStore` makes it. Between transactions the usage in memory is what the file says. */
export class SqliteBlobStore implements BlobStore {
  readonly #database: Database
  readonly #quotaBytes: number
  readonly #guard = new TransactionGuard()
  readonly #references: BlobReferences
  readonly #has: Query<[Uint8Array], [number]>
  readonly #bytes: Query<[Uint8Array], [Uint8Array]>
  readonly #insert: Query<[Uint8Array, Uint8Array]>
  readonly #delete: Query<[Uint8Array]>
  readonly #readUsage: Query<[], [number, number]>
  readonly #writeUsage: Query<[number, number]>
  readonly #isComplete: Query<[Uint8Array, number], [number]>
  readonly #insertComplete: Query<[Uint8Array, number]>
  readonly #deleteComplete: Query<[Uint8Array, number]>
  readonly #wants: Query<[number], WantRow>
  readonly #wantsOf: Query<[Uint8Array, number], WantRow>
  readonly #want: Query<[Uint8Array, Uint8Array, number], WantRow>
  readonly #insertWant: Query<[number, Uint8Array, number, number, number]>
  readonly #deleteWant: Query<[number, Uint8Array, number]>
  readonly #deleteWants: Query<[Uint8Array, number]>
  readonly #writer: BlobWriter
  #usage: BlobUsage

  constructor(database: Database, quotaBytes: number) {
    this.#database = database
    this.#quotaBytes = quotaBytes
    this.#references = new BlobReferences(database)
    this.#has = database.query('SELECT 1 FROM pieces WHERE hash = ?')
    this.#bytes = database.query('SELECT bytes FROM pieces WHERE hash = ?')
    this.#insert = database.query('INSERT INTO pieces (hash, bytes) VALUES (?, ?)')
    this.#delete = database.query('DELETE FROM pieces WHERE hash = ?')
    this.#readUsage = database.query('SELECT pieces, bytes FROM usage')
    this.#writeUsage = database.query('UPDATE usage SET pieces = ?, bytes = ?')
    this.#isComplete = database.query('SELECT 1 FROM complete WHERE hash = ? AND size = ?')
    this.#insertComplete = database.query('INSERT OR REPLACE INTO complete VALUES (?, ?)')
    this.#deleteComplete = database.query('DELETE FROM complete WHERE hash = ? AND size = ?')
    const columns =
      'SELECT s.id, w.hash, w.size, w.since, w.asked FROM wants w JOIN spaces s ON s.space = w.space'
    this.#wants = database.query(`${columns} ORDER BY w.asked DESC, w.since LIMIT ?`)
    this.#wantsOf = database.query(`${columns} WHERE s.id = ? ORDER BY w.asked DESC, w.since LIMIT ?`)
    this.#want = database.query(`${columns} WHERE s.id = ? AND w.hash = ? AND w.size = ?`)
    this.#insertWant = database.query('INSERT OR REPLACE INTO wants VALUES (?, ?, ?, ?, ?)')
    this.#deleteWant = database.query('DELETE FROM wants WHERE space = ? AND hash = ? AND size = ?')
    this.#deleteWants = database.query('DELETE FROM wants WHERE hash = ? AND size = ?')
    this.#writer = this.#createWriter()
    this.#usage = this.#loadUsage()
  }

  usage(): BlobUsage {
    return this.#usage
  }

  has(hash: Uint8Array): boolean {
    return this.#has.get(hash) !== undefined
  }

  bytes(hash: Uint8Array): Uint8Array | undefined {
    return this.#bytes.get(hash)?.[0]
  }

  isComplete({ hash, size }: BlobId): boolean {
    return this.#isComplete.get(hash, size) !== undefined
  }

  mark(space: Uint8Array): Uint8Array | undefined {
    return this.#references.mark(space)
  }

  references(space: Uint8Array, range: ReferenceRange): readonly StoredReference[] {
    return this.#references.list(space, range)
  }

  pathsOf(space: Uint8Array, id: BlobId, after: string | null, limit: number): readonly string[] {
    return this.#references.pathsOf(space, id, after, limit)
  }

  counts(space: Uint8Array): BlobCounts {
    return this.#references.counts(space)
  }

  unwanted(space: Uint8Array, bytesMax: number, limit: number): readonly BlobId[] {
    return this.#references.unwanted(space, bytesMax, limit)
  }

  wants(limit: number): readonly BlobWant[] {
    return this.#wants.all(limit).map(toWant)
  }

  wantsOf(space: Uint8Array, limit: number): readonly BlobWant[] {
    return this.#wantsOf.all(space, limit).map(toWant)
  }

  want(space: Uint8Array, { hash, size }: BlobId): BlobWant | undefined {
    const row = this.#want.get(space, hash, size)
    return row === undefined ? undefined : toWant(row)
  }

  transaction<T>(durability: 'power' | 'process', work: (writer: BlobWriter) => T): T {
    return this.#guard.run(() => {
      try {
        this.#database.begin(durability)
        const before = this.#usage
        const result = assertSynchronous(work(this.#writer))
        if (this.#usage !== before) this.#writeUsage.run(this.#usage.pieces, this.#usage.bytes)
        this.#database.commit()
        return result
      } catch (error) {
        const explained = this.#database.explain(error)
        this.#database.rollback()
        this.#usage = this.#loadUsage()
        this.#references.forget()
        throw explained
      }
    })
  }

  prune(): BlobPruning {
    return new SqliteBlobPruning(this.#database, {
      bytes: (hash) => this.bytes(hash),
      transaction: (work) => this.transaction('process', work),
      onRemoved: ({ pieces, bytes }) => {
        this.#usage = { pieces: this.#usage.pieces - pieces, bytes: this.#usage.bytes - bytes }
      },
    })
  }

  close(): void {
    this.#database.close()
  }

  #loadUsage(): BlobUsage {
    const row = this.#readUsage.get()
    if (row === undefined)
      throw new StoreError({
        code: 'STORE_CORRUPT',
        detail:
          'the file of blobs does not say how much it holds: move it away; its content is fetched again',
      })
    return { pieces: row[0], bytes: row[1] }
  }

  #createWriter(): BlobWriter {
    const references = this.#references
    const writing = (work: () => void) => {
      this.#guard.assertOpen()
      work()
    }
    return {
      putPiece: (piece) => this.#putPiece(piece),
      dropPiece: (hash) => writing(() => this.#dropPiece(hash)),
      dropComplete: ({ hash, size }) => writing(() => this.#deleteComplete.run(hash, size)),
      putComplete: ({ hash, size }) =>
        writing(() => {
          this.#insertComplete.run(hash, size)
          this.#deleteWants.run(hash, size)
        }),
      putReference: (space, path, id) => writing(() => references.put(space, path, id)),
      clearReferences: (space) => writing(() => references.clear(space)),
      dropStrayWants: (space) => writing(() => references.dropStrayWants(space)),
      putMark: (space, mark) => writing(() => references.putMark(space, mark)),
      putWant: ({ space, id, sinceMs, isAsked }) =>
        writing(() =>
          this.#insertWant.run(references.space(space), id.hash, id.size, sinceMs, Number(isAsked)),
        ),
      dropWant: (space, { hash, size }) =>
        writing(() => this.#deleteWant.run(references.space(space), hash, size)),
    }
  }

  #putPiece({ hash, bytes }: VerifiedPiece): Result<void, QuotaFault> {
    this.#guard.assertOpen()
    if (this.has(hash)) return ok(undefined)
    const usage = { pieces: this.#usage.pieces + 1, bytes: this.#usage.bytes + bytes.length }
    if (usage.bytes > this.#quotaBytes) return quotaReached(this.#quotaBytes)
    this.#insert.run(hash, bytes)
    this.#usage = usage
    return ok(undefined)
  }

  #dropPiece(hash: Uint8Array): void {
    const bytes = this.bytes(hash)
    if (bytes === undefined) return
    this.#delete.run(hash)
    this.#usage = { pieces: this.#usage.pieces - 1, bytes: this.#usage.bytes - bytes.length }
  }
}

function toWant([space, hash, size, sinceMs, asked]: WantRow): BlobWant {
  return { space, id: { hash, size }, sinceMs, isAsked: asked !== 0 }
}
