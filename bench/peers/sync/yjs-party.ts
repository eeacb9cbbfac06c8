import * as Y from 'yjs'
import { entryPath, entryValue, type SyncSizes } from '../../workloads/sync/entries.ts'
import { documentCommands, type SyncDocument } from './document-commands.ts'

/** Entries in one map; each author is a client id, each operation a transaction. */
class YjsDocument implements SyncDocument {
  readonly #doc = new Y.Doc()
  readonly #entries = this.#doc.getMap('entries')

  write({ authors, changes }: SyncSizes, first: number, operations: number): void {
    for (let i = first; i < first + operations; i++) {
      this.#doc.clientID = 1 + (i % authors)
      this.#doc.transact(() => {
        for (let n = i * changes; n < (i + 1) * changes; n++) this.#entries.set(entryPath(n), entryValue(n))
      })
    }
  }

  version(): Uint8Array {
    return Y.encodeStateVector(this.#doc)
  }

  missingAt(version: Uint8Array): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc, version)
  }

  merge(update: Uint8Array): void {
    Y.applyUpdate(this.#doc, update)
  }

  save(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc)
  }

  read(entry: number): number | undefined {
    return (this.#entries.get(entryPath(entry)) as { readonly n: number } | undefined)?.n
  }
}

export const commands = documentCommands(
  () => new YjsDocument(),
  (saved) => {
    const document = new YjsDocument()
    document.merge(saved)
    return document
  },
)
