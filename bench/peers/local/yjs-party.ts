import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Y from 'yjs'
import { localCommands, notePath, noteText } from '../../workloads/local/store.ts'

/** A document in memory, written to a file as a whole. */
export const commands = localCommands((folder) => {
  const file = join(folder, 'document')
  const doc = new Y.Doc()
  if (existsSync(file)) Y.applyUpdate(doc, readFileSync(file))
  const notes = doc.getMap('notes')
  return {
    write: (first, count) =>
      doc.transact(() => {
        for (let i = first; i < first + count; i++) notes.set(notePath(i), noteText(i))
      }),
    get: (i) => notes.get(notePath(i)),
    save: () => writeFileSync(file, Y.encodeStateAsUpdate(doc)),
    close: () => undefined,
  }
})
