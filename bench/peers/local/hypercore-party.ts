import Corestore from 'corestore'
import { localCommands, noteText } from '../../workloads/local/store.ts'

/** One log on disk; a note is found by its number, for it has no keys. Several at once are one append with one signature. */
export const commands = localCommands(async (folder) => {
  const store = new Corestore(folder)
  const core = store.get({ name: 'notes' })
  await core.ready()
  return {
    write: async (first, count) =>
      await core.append(Array.from({ length: count }, (_, i) => Buffer.from(noteText(first + i)))),
    get: async (i) => ((await core.get(i)) as Buffer).toString(),
    save: () => undefined,
    close: async () => await store.close(),
  }
})
