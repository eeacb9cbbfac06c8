import { LoroDoc, VersionVector } from 'loro-crdt'
import { entryPath, entryValue, type SyncSizes } from '../../workloads/sync/entries.ts'
import { documentCommands, type SyncDocument } from './document-commands.ts'

/** Entries in one map; each author is a peer id, each operation a commit. */
class LoroDocument implements SyncDocument {
  readonly #doc = new LoroDoc()
  readonly #entries = this.#doc.getMap('entries')

  write({ authors, changes }: SyncSizes, first: number, operations: number): void {
    for (let i = first; i < first + operations; i++) {
      this.#doc.setPeerId(BigInt(1 + (i % authors)))
      for (let n = i * changes; n < (i + 1) * changes; n++) this.#entries.set(entryPath(n), entryValue(n))
      this.#doc.commit()
    }
  }

  version(): Uint8Array {
    return this.#doc.version().encode()
  }

  missingAt(version: Uint8Array): Uint8Array {
    return this.#doc.export({ mode: 'update', from: VersionVector.decode(version) })
  }

  merge(update: Uint8Array): void {
    this.#doc.import(update)
  }

  save(): Uint8Array {
    // Not a snapshot: that is decoded only when it is first needed, in the middle of what is measured.
    return this.#doc.export({ mode: 'update' })
  }

  read(entry: number): number | undefined {
    return (this.#entries.get(entryPath(entry)) as { readonly n: number } | undefined)?.n
  }
}

export const commands = documentCommands(
  () => new LoroDocument(),
  (saved) => {
    const document = new LoroDocument()
    document.merge(saved)
    return document
  },
)
