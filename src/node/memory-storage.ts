import { randomBytes } from 'node:crypto'
import { MemoryDatastore } from 'datastore-core/memory'
import { ok } from '../core/result.ts'
import { createMemoryBlobStore } from '../storage/memory-blob-store.ts'
import { createMemorySpaceStore } from '../storage/memory-space-store.ts'
import type { NodeSeeds, NodeStorage } from './data-directory.ts'

/** Storage that lasts as long as the process: tests, and nodes that are meant to forget. */
export function createMemoryStorage(seeds: Partial<NodeSeeds> = {}): NodeStorage {
  const peer = seeds.peer ?? new Uint8Array(randomBytes(32))
  const notes = new Map<string, Uint8Array>()
  const secrets = new Map<string, string>()
  const former: Uint8Array[] = []
  let author = seeds.author ?? new Uint8Array(randomBytes(32))
  let next: Uint8Array | null = null
  return {
    get seeds() {
      return { peer, author }
    },
    keys: {
      next: () => next,
      prepareNext: () => (next ??= new Uint8Array(randomBytes(32))),
      promoteNext: () => {
        if (next === null) throw new Error('bug: there is no next key')
        former.push(author)
        author = next
        next = null
      },
      discardNext: () => {
        next = null
      },
      former: () => former,
    },
    isRestored: false,
    acceptPlace: () => {},
    putNote: (key, value) => void notes.set(key, value),
    note: (key) => notes.get(key),
    putSecret: (name, value) => void (value === null ? secrets.delete(name) : secrets.set(name, value)),
    secret: (name) => secrets.get(name),
    datastore: new MemoryDatastore(),
    listSpaces: () => [],
    openBlobs: (quotaBytes) => ok(createMemoryBlobStore(quotaBytes)),
    openSpace: (identity) => ok(createMemorySpaceStore(identity)),
    close: () => {},
  }
}
