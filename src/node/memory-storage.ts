import { randomBytes } from 'node:crypto'
import { MemoryDatastore } from 'datastore-core'
import { ok } from '../core/result.ts'
import { createMemorySpaceStore } from '../storage/memory-space-store.ts'
import type { NodeSeeds, NodeStorage } from './data-directory.ts'

/** Storage that lasts as long as the process: tests, and nodes that are meant to forget. */
export function createMemoryStorage(seeds: Partial<NodeSeeds> = {}): NodeStorage {
  return {
    seeds: {
      peer: seeds.peer ?? new Uint8Array(randomBytes(32)),
      author: seeds.author ?? new Uint8Array(randomBytes(32)),
    },
    datastore: new MemoryDatastore(),
    listSpaces: () => [],
    openSpace: (identity) => ok(createMemorySpaceStore(identity)),
    close: () => {},
  }
}
