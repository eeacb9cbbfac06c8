import { fail, type Fault, type Result } from '../core/result.ts'
import type { BlobId, VerifiedPiece } from '../core/types/blob/piece.ts'

/** An item that refers to a blob. */
export interface StoredReference {
  readonly path: string
  readonly id: BlobId
}

/** A blob that a space wants, until it is here. */
export interface BlobWant {
  readonly space: Uint8Array
  readonly id: BlobId
  /** Since when, ms since 1970 by this node's clock. */
  readonly sinceMs: number
  /** True where somebody asked for it; false where it is fetched because it is small. */
  readonly isAsked: boolean
}

/** What is kept. */
export interface BlobUsage {
  readonly pieces: number
  /** Bytes of all pieces. */
  readonly bytes: number
}

/** How a space's blobs stand; each blob counts once, at however many paths it is. */
export interface BlobCounts {
  readonly referenced: number
  /** Of those, how many are here whole. */
  readonly complete: number
  /** Bytes of content of those that are not. */
  readonly missingBytes: number
  readonly wanted: number
  /** Bytes of content of those that are wanted, whatever of them is here already. */
  readonly wantedBytes: number
}

/** Which references to list, ascending by UTF-8 bytes of the path. */
export interface ReferenceRange {
  /** Only at or below this path, by whole segments; the root is everything. */
  readonly prefix: string
  /** Only after this path. */
  readonly after?: string
  readonly limit: number
}

/**
 * The blobs of a node: pieces by their hash, so that equal content is kept once whatever spaces refer to it; which blobs are whole; what the
 * spaces refer to; and what they want. The port that every adapter implements and test/storage/blob-conformance.ts checks. References follow
 * from the spaces' own state and could be derived again; the rest could not. Promises of every adapter:
 * 1. `transaction` is atomic and durable as in {@link SpaceStore};
 * 2. inside `work`, reads see what the writer has written;
 * 3. never more than the quota of bytes of pieces.
 */
export interface BlobStore {
  usage(): BlobUsage
  has(hash: Uint8Array): boolean
  /** Bytes of a piece as they were stored: checked then, and to be checked again before anybody relies on them, since disks forget. */
  bytes(hash: Uint8Array): Uint8Array | undefined
  /** True for a blob of which every piece is here. */
  isComplete(id: BlobId): boolean

  /** What was noted last with the references of a space, by which their owner knows how far they are true. */
  mark(space: Uint8Array): Uint8Array | undefined
  references(space: Uint8Array, range: ReferenceRange): readonly StoredReference[]
  /** Paths at which a space refers to a blob, ascending, after a path, at most `limit`. */
  pathsOf(space: Uint8Array, id: BlobId, after: string | null, limit: number): readonly string[]
  counts(space: Uint8Array): BlobCounts
  /** Blobs that a space refers to and that are neither here nor wanted, with at most so many bytes; at most `limit`. */
  unwanted(space: Uint8Array, bytesMax: number, limit: number): readonly BlobId[]

  /** What is wanted, those that somebody asked for first, then the longest wanted, at most `limit`. */
  wants(limit: number): readonly BlobWant[]
  /** The wants of one space in the same order. */
  wantsOf(space: Uint8Array, limit: number): readonly BlobWant[]
  want(space: Uint8Array, id: BlobId): BlobWant | undefined

  /** Does all of `work` or nothing. */
  transaction<T>(durability: 'power' | 'process', work: (writer: BlobWriter) => T): T

  /**
   * Marks what is reached from the blobs that any space refers to, and removes the rest, a bounded number of pieces at a time: call
   * until it is done. Nothing else may be written between the first call and the last.
   */
  prune(): BlobPruning

  /** Closes files; nothing else may be called after. */
  close(): void
}

/** A pruning under way: each step takes some milliseconds. */
export interface BlobPruning {
  /** Removes some more. True when nothing is left to remove. */
  step(): boolean
  readonly removed: BlobUsage
}

/** Why a piece was not kept: what there is room for is configured. */
export type QuotaFault = Fault<'BLOB_QUOTA'>

/** Nothing more is kept: what to do about it. */
export function quotaReached(quotaBytes: number): { readonly ok: false; readonly fault: QuotaFault } {
  return fail(
    'BLOB_QUOTA',
    `this node keeps at most ${quotaBytes} bytes of blobs: raise blob_quota_mib in config.toml, or remove what nothing refers to with "hanse blob prune"`,
  )
}

/** What may be written inside a transaction. */
export interface BlobWriter {
  /** Keeps a piece; one that is here already is no harm. */
  putPiece(piece: VerifiedPiece): Result<void, QuotaFault>
  /** Forgets a piece, because its bytes have turned out damaged. */
  dropPiece(hash: Uint8Array): void
  /** A blob has turned out not to be whole. Others that share a piece with it are found out when they are read. */
  dropComplete(id: BlobId): void
  /** Notes that every piece of a blob is here; its wants are over. */
  putComplete(id: BlobId): void
  /** What a space refers to at a path; null: nothing. A blob that a space refers to no more is not wanted there. */
  putReference(space: Uint8Array, path: string, id: BlobId | null): void
  /** Forgets all that a space refers to, to be collected again. Its wants stay. */
  clearReferences(space: Uint8Array): void
  /** Forgets the wants of a space for which it has no reference. */
  dropStrayWants(space: Uint8Array): void
  putMark(space: Uint8Array, mark: Uint8Array): void
  putWant(want: BlobWant): void
  dropWant(space: Uint8Array, id: BlobId): void
}
