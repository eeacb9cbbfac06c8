import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LoroDoc } from 'loro-crdt'
import { localCommands, notePath, noteText } from '../../workloads/local/store.ts'

/** A document in memory, written to a file as a whole. */
export const commands = localCommands((folder) => {
  const file = join(folder, 'document')
  const doc = new LoroDoc()
  if (existsSync(file)) doc.import(readFileSync(file))
  const notes = doc.getMap('notes')
  return {
    write(first, count) {
      for (let i = first; i < first + count; i++) notes.set(notePath(i), noteText(i))
      doc.commit()
    },
    get: (i) => notes.get(notePath(i)),
    save: () => writeFileSync(file, doc.export({ mode: 'snapshot' })),
    close: () => undefined,
  }
})
