import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import { describeSpaceStore, type StoreHarness } from './conformance.ts'
import { alice, idOf } from './fixtures.ts'

/** A store in a folder of its own, opened again from the same file. */
function createSqliteHarness(idTailMax?: number): StoreHarness {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-store-'))
  const open = (): SpaceStore => {
    const opened = openSqliteSpaceStore({
      file: join(folder, 'space.sqlite'),
      spaceId: idOf('space'),
      spaceKey: alice.publicKey,
      create: true,
      ...(idTailMax === undefined ? {} : { idTailMax }),
    })
    if (!opened.ok) throw new Error(opened.fault.detail)
    return opened.value
  }
  return {
    open,
    reopen: (store) => {
      store.close()
      return open()
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}

describeSpaceStore('SQLite', () => createSqliteHarness())
describeSpaceStore('SQLite that seals its ids after every third operation', () => createSqliteHarness(3))
