import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { BLOB_CHUNK_BYTES } from '../../src/core/limits.ts'
import { BlobBuilder } from '../../src/core/types/blob/builder.ts'
import type { BlobId, VerifiedPiece } from '../../src/core/types/blob/piece.ts'
import type { BlobStore, BlobWriter } from '../../src/storage/blob-store.ts'
import { idOf } from './fixtures.ts'

/** One adapter under test. */
export interface BlobStoreHarness {
  open(quotaBytes: number): BlobStore
  /** Closes and opens again, where the adapter keeps anything; else the same store. */
  reopen(store: BlobStore, quotaBytes: number): BlobStore
  dispose(): void
}

const QUOTA_BYTES = 4 * 1024 * 1024

/** A blob made of so many chunks that differ, and of a last one that is shorter. */
export function blobOf(
  name: number,
  chunks: number,
): { readonly id: BlobId; readonly pieces: readonly VerifiedPiece[] } {
  const builder = new BlobBuilder()
  const pieces: VerifiedPiece[] = []
  for (let i = 0; i < chunks; i++)
    pieces.push(...builder.add(new Uint8Array(BLOB_CHUNK_BYTES).fill(name + i)))
  pieces.push(...builder.add(new Uint8Array(9).fill(name)))
  const { pieces: rest, id } = builder.finish()
  return { id, pieces: [...pieces, ...rest] }
}

/** The port's promises, each as a test. Every adapter passes all of them. */
export function describeBlobStore(name: string, createHarness: () => BlobStoreHarness): void {
  describe(`${name} as a store of blobs`, () => {
    const here = idOf('here')
    const there = idOf('there')
    let harness: BlobStoreHarness
    let store: BlobStore
    beforeEach(() => {
      harness = createHarness()
      store = harness.open(QUOTA_BYTES)
    })
    afterEach(() => {
      store.close()
      harness.dispose()
    })
    /** Says the same before and after the store was closed and opened. */
    const both = (look: () => void) => {
      look()
      store = harness.reopen(store, QUOTA_BYTES)
      look()
    }
    const write = <T>(work: (writer: BlobWriter) => T): T => store.transaction('process', work)
    const put = (pieces: readonly VerifiedPiece[]) =>
      write((writer) => pieces.map((piece) => writer.putPiece(piece).ok))

    it('begins empty', () => {
      both(() => {
        expect(store.usage()).toEqual({ pieces: 0, bytes: 0 })
        expect(store.has(idOf('piece'))).toBe(false)
        expect(store.bytes(idOf('piece'))).toBeUndefined()
        expect(store.mark(here)).toBeUndefined()
        expect(store.references(here, { prefix: '', limit: 9 })).toEqual([])
        expect(store.counts(here)).toEqual({
          referenced: 0,
          complete: 0,
          missingBytes: 0,
          wanted: 0,
          wantedBytes: 0,
        })
        expect(store.wants(9)).toEqual([])
        expect(store.unwanted(here, 1e9, 9)).toEqual([])
      })
    })

    it('keeps each piece once, whoever brings it', () => {
      const { pieces } = blobOf(1, 2)
      put(pieces)
      put(pieces)
      const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
      both(() => {
        expect(store.usage()).toEqual({ pieces: pieces.length, bytes })
        for (const piece of pieces) {
          expect(store.has(piece.hash)).toBe(true)
          expect(Buffer.compare(store.bytes(piece.hash) as Uint8Array, piece.bytes)).toBe(0)
        }
      })
    })

    it('keeps what fills the quota to the last byte, and refuses one byte more; what is here already is no more', () => {
      const fits = Math.floor(QUOTA_BYTES / BLOB_CHUNK_BYTES)
      const builder = new BlobBuilder()
      const chunks = Array.from({ length: fits }, (_, i) =>
        builder.add(new Uint8Array(BLOB_CHUNK_BYTES).fill(i)),
      )
      put(chunks.flat())
      expect(store.usage().bytes).toBe(QUOTA_BYTES)
      const small = blobOf(9, 0).pieces
      both(() => {
        expect(put(small)).toEqual([false])
        expect(put(chunks.flat().slice(0, 1))).toEqual([true])
        expect(store.usage().bytes).toBe(QUOTA_BYTES)
        expect(write((writer) => writer.putPiece(small[0] as VerifiedPiece))).toMatchObject({
          ok: false,
          fault: { code: 'BLOB_QUOTA' },
        })
      })
    })

    it('does all of a transaction or nothing', () => {
      const { pieces, id } = blobOf(1, 1)
      const failing = () =>
        write((writer) => {
          for (const piece of pieces) writer.putPiece(piece)
          writer.putComplete(id)
          writer.putReference(here, 'a', id)
          writer.putMark(here, idOf('mark'))
          writer.putWant({ space: here, id, sinceMs: 1, isAsked: true })
          throw new Error('half done')
        })
      expect(failing).toThrow('half done')
      both(() => {
        expect(store.usage()).toEqual({ pieces: 0, bytes: 0 })
        expect(store.isComplete(id)).toBe(false)
        expect(store.references(here, { prefix: '', limit: 9 })).toEqual([])
        expect(store.mark(here)).toBeUndefined()
        expect(store.wants(9)).toEqual([])
      })
      write((writer) => writer.putReference(here, 'a', id))
      expect(store.references(here, { prefix: '', limit: 9 })).toHaveLength(1)
    })

    it('refuses to write outside a transaction, and promises inside one', () => {
      let kept: BlobWriter | undefined
      write((writer) => {
        kept = writer
      })
      const { pieces } = blobOf(1, 0)
      expect(() => kept?.putPiece(pieces[0] as VerifiedPiece)).toThrow('bug')
      expect(() => store.transaction('process', async () => {})).toThrow('bug')
    })

    it('knows a blob as whole by hash and size, until it is told otherwise', () => {
      const { id } = blobOf(1, 1)
      write((writer) => writer.putComplete(id))
      both(() => {
        expect(store.isComplete(id)).toBe(true)
        expect(store.isComplete({ ...id, size: id.size + 1 })).toBe(false)
      })
      write((writer) => writer.dropComplete(id))
      both(() => expect(store.isComplete(id)).toBe(false))
    })

    it('forgets a damaged piece', () => {
      const { pieces } = blobOf(1, 1)
      put(pieces)
      const [first] = pieces as [VerifiedPiece]
      write((writer) => {
        writer.dropPiece(first.hash)
        writer.dropPiece(idOf('nothing'))
      })
      both(() => {
        expect(store.has(first.hash)).toBe(false)
        expect(store.usage().pieces).toBe(pieces.length - 1)
      })
    })

    it('lists what a space refers to in the order of UTF-8 bytes, below a path and after one', () => {
      const id = blobOf(1, 0).id
      const paths = ['a', 'a/b', 'a/b/c', 'a/c', 'a0', 'ab', 'b', '\uffff', '\u{1f600}']
      write((writer) => {
        for (const path of paths.toReversed()) writer.putReference(here, path, id)
        writer.putReference(there, 'elsewhere', id)
      })
      const list = (prefix: string, after?: string, limit = 99) =>
        store
          .references(here, { prefix, limit, ...(after === undefined ? {} : { after }) })
          .map(({ path }) => path)
      both(() => {
        expect(list('')).toEqual(paths)
        expect(list('a')).toEqual(['a', 'a/b', 'a/b/c', 'a/c'])
        expect(list('a', 'a/b')).toEqual(['a/b/c', 'a/c'])
        expect(list('a', undefined, 2)).toEqual(['a', 'a/b'])
        expect(list('a/b')).toEqual(['a/b', 'a/b/c'])
        expect(list('c')).toEqual([])
        expect(store.pathsOf(here, id, 'a/c', 3)).toEqual(['a0', 'ab', 'b'])
        expect(store.pathsOf(there, id, null, 3)).toEqual(['elsewhere'])
        expect(store.pathsOf(here, { ...id, size: 8 }, null, 3)).toEqual([])
      })
    })

    it('counts each blob of a space once, and says what is missing', () => {
      const [whole, missing] = [blobOf(1, 1).id, blobOf(5, 1).id]
      write((writer) => {
        writer.putReference(here, 'a', whole)
        writer.putReference(here, 'b', whole)
        writer.putReference(here, 'c', missing)
        writer.putReference(here, 'd', { ...missing, size: 3 })
        writer.putReference(there, 'a', missing)
        writer.putComplete(whole)
        writer.putWant({ space: here, id: missing, sinceMs: 5, isAsked: false })
      })
      both(() => {
        expect(store.counts(here)).toEqual({
          referenced: 3,
          complete: 1,
          missingBytes: missing.size + 3,
          wanted: 1,
          wantedBytes: missing.size,
        })
        expect(store.counts(there)).toMatchObject({ referenced: 1, complete: 0, wanted: 0 })
        expect(store.unwanted(here, 10, 9)).toEqual([{ ...missing, size: 3 }])
        expect(store.unwanted(there, missing.size, 9)).toEqual([missing])
        expect(store.unwanted(there, missing.size - 1, 9)).toEqual([])
      })
    })

    it('replaces and forgets references, and with the last one of a blob its want', () => {
      const [first, second] = [blobOf(1, 0).id, blobOf(2, 0).id]
      write((writer) => {
        writer.putReference(here, 'a', first)
        writer.putReference(here, 'b', first)
        writer.putWant({ space: here, id: first, sinceMs: 1, isAsked: false })
        writer.putReference(here, 'a', second)
      })
      both(() => expect(store.wants(9).map(({ id }) => toHex(id.hash))).toEqual([toHex(first.hash)]))
      write((writer) => writer.putReference(here, 'b', null))
      both(() => {
        expect(store.wants(9)).toEqual([])
        expect(store.references(here, { prefix: '', limit: 9 })).toEqual([{ path: 'a', id: second }])
      })
    })

    it('collects references again: the mark goes, wants stay, and those without a reference go when told', () => {
      const id = blobOf(1, 0).id
      write((writer) => {
        writer.putReference(here, 'a', id)
        writer.putReference(there, 'a', id)
        writer.putMark(here, idOf('mark'))
        writer.putWant({ space: here, id, sinceMs: 1, isAsked: true })
        writer.putWant({ space: there, id, sinceMs: 2, isAsked: true })
      })
      expect(store.mark(here)).toEqual(idOf('mark'))
      write((writer) => writer.clearReferences(here))
      both(() => {
        expect(store.mark(here)).toBeUndefined()
        expect(store.counts(here)).toMatchObject({ referenced: 0, wanted: 1 })
      })
      write((writer) => writer.dropStrayWants(here))
      both(() => expect(store.wants(9)).toEqual([{ space: there, id, sinceMs: 2, isAsked: true }]))
    })

    it('gives wants in turn, what was asked for first, and none for a blob that is whole', () => {
      const ids = [1, 2, 3, 4].map((name) => blobOf(name, 0).id) as [BlobId, BlobId, BlobId, BlobId]
      write((writer) => {
        writer.putWant({ space: here, id: ids[0], sinceMs: 10, isAsked: false })
        writer.putWant({ space: there, id: ids[1], sinceMs: 5, isAsked: false })
        writer.putWant({ space: here, id: ids[2], sinceMs: 30, isAsked: true })
        writer.putWant({ space: here, id: ids[3], sinceMs: 20, isAsked: true })
      })
      const since = () => store.wants(9).map(({ sinceMs }) => sinceMs)
      both(() => {
        expect(since()).toEqual([20, 30, 5, 10])
        expect(store.wants(1)).toEqual([{ space: here, id: ids[3], sinceMs: 20, isAsked: true }])
        expect(store.wantsOf(here, 9).map(({ sinceMs }) => sinceMs)).toEqual([20, 30, 10])
        expect(store.want(there, ids[1])?.sinceMs).toBe(5)
        expect(store.want(here, ids[1])).toBeUndefined()
      })
      write((writer) => {
        writer.putComplete(ids[1])
        writer.dropWant(here, ids[3])
        writer.putWant({ space: here, id: ids[0], sinceMs: 10, isAsked: true })
      })
      both(() => expect(since()).toEqual([10, 30]))
    })

    it('prunes exactly what no space refers to, lists with all they name, and nothing of what is half here', () => {
      const [kept, shared, gone, half] = [blobOf(1, 2), blobOf(2, 1), blobOf(30, 2), blobOf(60, 2)]
      put([...kept.pieces, ...shared.pieces, ...gone.pieces, ...half.pieces.slice(1)])
      write((writer) => {
        writer.putReference(here, 'kept', kept.id)
        writer.putReference(there, 'half', half.id)
        for (const { id } of [kept, shared, gone]) writer.putComplete(id)
      })
      const before = store.usage()
      const pruning = store.prune()
      let steps = 0
      while (!pruning.step()) if (++steps > 100) throw new Error('endless')
      const stays = new Set([...kept.pieces, ...half.pieces.slice(1)].map(({ hash }) => toHex(hash)))
      both(() => {
        for (const { hash } of [kept, shared, gone, half].flatMap(({ pieces }) => pieces))
          expect(store.has(hash)).toBe(stays.has(toHex(hash)))
        expect(store.isComplete(kept.id)).toBe(true)
        expect(store.isComplete(gone.id)).toBe(false)
        expect(store.usage()).toEqual({
          pieces: before.pieces - pruning.removed.pieces,
          bytes: before.bytes - pruning.removed.bytes,
        })
        expect(store.usage().pieces).toBe(stays.size)
      })
    })
  })
}
