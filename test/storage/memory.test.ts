import { createMemorySpaceStore } from '../../src/storage/memory-space-store.ts'
import { describeSpaceStore } from './conformance.ts'
import { alice, idOf } from './fixtures.ts'

describeSpaceStore('memory', () => ({
  open: () => createMemorySpaceStore({ spaceId: idOf('space'), spaceKey: alice.publicKey }),
  reopen: (store) => store,
  dispose: () => undefined,
}))
