import { toHex } from '../core/bytes.ts'
import { isAtOrBelow } from '../core/path.ts'
import { ok } from '../core/result.ts'
import {
  type BlobId,
  childCount,
  childOf,
  type PiecePlace,
  rootOf,
  type VerifiedPiece,
} from '../core/types/blob/piece.ts'
import {
  quotaReached,
  type BlobCounts,
  type BlobPruning,
  type BlobStore,
  type BlobUsage,
  type BlobWant,
  type BlobWriter,
  type ReferenceRange,
  type StoredReference,
} from './blob-store.ts'
import { compareText } from './cell-order.ts'
import { assertSynchronous, TransactionGuard } from './transaction-guard.ts'
import { UndoLog } from './undo-log.ts'

/** What is kept of one space. */
interface SpaceRecord {
  readonly id: Uint8Array
  /** By path. */
  readonly references: Map<string, BlobId>
  readonly wants: Map<string, BlobWant>
  mark: Uint8Array | undefined
}

/** Keeps a node's blobs in memory: for tests, and nodes that are meant to forget. */
export function createMemoryBlobStore(quotaBytes: number): BlobStore {
  return new MemoryBlobStore(quotaBytes)
}

class MemoryBlobStore implements BlobStore {
  readonly #quotaBytes: number
  readonly #guard = new TransactionGuard()
  readonly #log = new UndoLog(this.#guard)
  readonly #pieces = new Map<string, Uint8Array>()
  readonly #complete = new Map<string, BlobId>()
  readonly #spaces = new Map<string, SpaceRecord>()
  readonly #writer: BlobWriter

  constructor(quotaBytes: number) {
    this.#quotaBytes = quotaBytes
    this.#writer = this.#createWriter()
  }

  usage(): BlobUsage {
    return usageOf(this.#pieces.values())
  }

  has(hash: Uint8Array): boolean {
    return this.#pieces.has(toHex(hash))
  }

  bytes(hash: Uint8Array): Uint8Array | undefined {
    return this.#pieces.get(toHex(hash))
  }

  isComplete(id: BlobId): boolean {
    return this.#complete.has(nameOf(id))
  }

  mark(space: Uint8Array): Uint8Array | undefined {
    return this.#spaces.get(toHex(space))?.mark
  }

  references(space: Uint8Array, { prefix, after = '', limit }: ReferenceRange): readonly StoredReference[] {
    return this.#sorted(space)
      .filter(({ path }) => isAtOrBelow(path, prefix) && compareText(path, after) > 0)
      .slice(0, limit)
  }

  pathsOf(space: Uint8Array, id: BlobId, after: string | null, limit: number): readonly string[] {
    return this.#sorted(space)
      .filter((one) => nameOf(one.id) === nameOf(id) && compareText(one.path, after ?? '') > 0)
      .map(({ path }) => path)
      .slice(0, limit)
  }

  counts(space: Uint8Array): BlobCounts {
    const record = this.#spaces.get(toHex(space))
    const referenced = distinct(record?.references.values() ?? [])
    const missing = referenced.filter((id) => !this.isComplete(id))
    const wants = [...(record?.wants.values() ?? [])]
    return {
      referenced: referenced.length,
      complete: referenced.length - missing.length,
      missingBytes: missing.reduce((sum, { size }) => sum + size, 0),
      wanted: wants.length,
      wantedBytes: wants.reduce((sum, { id }) => sum + id.size, 0),
    }
  }

  unwanted(space: Uint8Array, bytesMax: number, limit: number): readonly BlobId[] {
    const record = this.#spaces.get(toHex(space))
    return distinct(record?.references.values() ?? [])
      .filter((id) => id.size <= bytesMax && !this.isComplete(id) && record?.wants.has(nameOf(id)) === false)
      .slice(0, limit)
  }

  wants(limit: number): readonly BlobWant[] {
    return inTurn([...this.#spaces.values()].flatMap(({ wants }) => [...wants.values()])).slice(0, limit)
  }

  wantsOf(space: Uint8Array, limit: number): readonly BlobWant[] {
    return inTurn([...(this.#spaces.get(toHex(space))?.wants.values() ?? [])]).slice(0, limit)
  }

  want(space: Uint8Array, id: BlobId): BlobWant | undefined {
    return this.#spaces.get(toHex(space))?.wants.get(nameOf(id))
  }

  transaction<T>(_durability: 'power' | 'process', work: (writer: BlobWriter) => T): T {
    return this.#guard.run(() => {
      this.#log.clear()
      try {
        return assertSynchronous(work(this.#writer))
      } catch (error) {
        this.#log.runBackwards()
        throw error
      }
    })
  }

  prune(): BlobPruning {
    let removed: BlobUsage = { pieces: 0, bytes: 0 }
    return {
      get removed() {
        return removed
      },
      step: () => {
        const marked = new Set<string>()
        for (const { references } of this.#spaces.values())
          for (const id of references.values()) this.#mark(rootOf(id), marked)
        const doomed = [...this.#pieces].filter(([hash]) => !marked.has(hash))
        for (const [hash] of doomed) this.#pieces.delete(hash)
        for (const [name, { hash }] of this.#complete)
          if (!marked.has(toHex(hash))) this.#complete.delete(name)
        removed = usageOf(doomed.map(([, bytes]) => bytes))
        return true
      },
    }
  }

  close(): void {
    // Nothing is open.
  }

  #mark(place: PiecePlace, marked: Set<string>): void {
    const hash = toHex(place.hash)
    if (marked.has(hash)) return
    marked.add(hash)
    const bytes = this.#pieces.get(hash)
    if (bytes === undefined) return
    for (let i = 0; i < childCount(place); i++) this.#mark(childOf(place, bytes, i), marked)
  }

  #sorted(space: Uint8Array): readonly StoredReference[] {
    const references = this.#spaces.get(toHex(space))?.references ?? new Map<string, BlobId>()
    return [...references].map(([path, id]) => ({ path, id })).sort((a, b) => compareText(a.path, b.path))
  }

  #record(id: Uint8Array): SpaceRecord {
    this.#guard.assertOpen()
    const known = this.#spaces.get(toHex(id))
    if (known !== undefined) return known
    const record: SpaceRecord = { id, references: new Map(), wants: new Map(), mark: undefined }
    this.#log.set(this.#spaces, toHex(id), record)
    return record
  }

  #setMark(record: SpaceRecord, mark: Uint8Array | undefined): void {
    const before = record.mark
    this.#log.note(() => (record.mark = before))
    record.mark = mark
  }

  #createWriter(): BlobWriter {
    const log = this.#log
    return {
      putPiece: (piece) => this.#putPiece(piece),
      dropPiece: (hash) => log.delete(this.#pieces, toHex(hash)),
      dropComplete: (id) => log.delete(this.#complete, nameOf(id)),
      putComplete: (id) => {
        log.set(this.#complete, nameOf(id), id)
        for (const { wants } of this.#spaces.values()) log.delete(wants, nameOf(id))
      },
      putReference: (space, path, id) => {
        const { references, wants } = this.#record(space)
        const before = references.get(path)
        if (id === null) log.delete(references, path)
        else log.set(references, path, id)
        if (before === undefined) return
        const name = nameOf(before)
        if (![...references.values()].some((one) => nameOf(one) === name)) log.delete(wants, name)
      },
      clearReferences: (space) => {
        const record = this.#record(space)
        for (const path of record.references.keys()) log.delete(record.references, path)
        this.#setMark(record, undefined)
      },
      dropStrayWants: (space) => {
        const { references, wants } = this.#record(space)
        dropStray(references, wants, log)
      },
      putMark: (space, mark) => this.#setMark(this.#record(space), mark),
      putWant: (want) => log.set(this.#record(want.space).wants, nameOf(want.id), want),
      dropWant: (space, id) => log.delete(this.#record(space).wants, nameOf(id)),
    }
  }

  #putPiece({ hash, bytes }: VerifiedPiece): ReturnType<BlobWriter['putPiece']> {
    this.#guard.assertOpen()
    if (this.has(hash)) return ok(undefined)
    if (this.usage().bytes + bytes.length > this.#quotaBytes) return quotaReached(this.#quotaBytes)
    this.#log.set(this.#pieces, toHex(hash), bytes)
    return ok(undefined)
  }
}

const nameOf = ({ hash, size }: BlobId): string => `${toHex(hash)} ${size}`

function usageOf(pieces: Iterable<Uint8Array>): BlobUsage {
  let bytes = 0
  let count = 0
  for (const piece of pieces) {
    bytes += piece.length
    count++
  }
  return { pieces: count, bytes }
}

function distinct(ids: Iterable<BlobId>): readonly BlobId[] {
  return [...new Map([...ids].map((id) => [nameOf(id), id])).values()]
}

function inTurn(wants: readonly BlobWant[]): readonly BlobWant[] {
  return wants.toSorted((a, b) => Number(b.isAsked) - Number(a.isAsked) || a.sinceMs - b.sinceMs)
}

function dropStray(
  references: ReadonlyMap<string, BlobId>,
  wants: Map<string, BlobWant>,
  log: UndoLog,
): void {
  const referenced = new Set([...references.values()].map(nameOf))
  for (const name of wants.keys()) if (!referenced.has(name)) log.delete(wants, name)
}
