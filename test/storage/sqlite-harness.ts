import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpaceStore } from '../../src/storage/space-store.ts'
import { openSqliteSpaceStore, type SqliteSpaceStoreOptions } from '../../src/storage/sqlite/open.ts'
import type { StoreHarness } from './conformance.ts'
import { alice, idOf } from './fixtures.ts'

/** A folder that the test removes. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'hanse-store-'))
}

/** How tests open the file of the space called `space`. */
export function optionsFor(file: string): SqliteSpaceStoreOptions {
  return { file, spaceId: idOf('space'), spaceKey: alice.publicKey, create: true }
}

/** Opens a file that must open. */
export function openStore(options: SqliteSpaceStoreOptions): SpaceStore {
  const opened = openSqliteSpaceStore(options)
  if (!opened.ok) throw new Error(opened.fault.detail)
  return opened.value
}

/** A store in a folder of its own, opened again from the same file. */
export function createSqliteHarness(more: Partial<SqliteSpaceStoreOptions> = {}): StoreHarness {
  const folder = makeFolder()
  const options = { ...optionsFor(join(folder, 'space.sqlite')), ...more }
  return {
    open: () => openStore(options),
    reopen: (store) => {
      store.close()
      return openStore(options)
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
