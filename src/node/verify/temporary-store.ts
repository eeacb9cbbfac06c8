import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SpaceIdentity } from '../../storage/sqlite/inspect.ts'
import { openSqliteSpaceStore } from '../../storage/sqlite/open.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { orThrow } from '../fault-error.ts'

/** Does something with an empty store of a space, in a file of the system's temporary folder that is gone afterwards. */
export async function withTemporaryStore<T>(
  { spaceId, spaceKey }: SpaceIdentity,
  work: (store: SpaceStore) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-verify-'))
  try {
    const file = join(folder, 'space.sqlite')
    const store = orThrow(openSqliteSpaceStore({ file, spaceId, spaceKey, create: true }))
    try {
      return await work(store)
    } finally {
      store.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
