import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Automerge from '@automerge/automerge'
import { localCommands, notePath, noteText } from '../../workloads/local/store.ts'

interface Notes extends Record<string, unknown> {
  notes: Record<string, Automerge.ImmutableString>
}

/** A document in memory, written to a file as a whole. Texts that are replaced as a whole, as its documentation says for such. */
export const commands = localCommands((folder) => {
  const file = join(folder, 'document')
  let doc = existsSync(file)
    ? Automerge.load<Notes>(readFileSync(file))
    : Automerge.from<Notes>({ notes: {} })
  return {
    write(first, count) {
      doc = Automerge.change(doc, (draft) => {
        for (let i = first; i < first + count; i++)
          draft.notes[notePath(i)] = new Automerge.ImmutableString(noteText(i))
      })
    },
    get: (i) => doc.notes[notePath(i)]?.toString(),
    save: () => writeFileSync(file, Automerge.save(doc)),
    close: () => undefined,
  }
})
