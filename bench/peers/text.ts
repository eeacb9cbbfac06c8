import * as Automerge from '@automerge/automerge'
import { LoroDoc } from 'loro-crdt'
import * as Y from 'yjs'

/** One transaction of a trace: patches `[position, deleted, inserted]`, one after the other. */
export type Patches = readonly (readonly [position: number, deleted: number, inserted: string])[]

/** A text of a peer, as a trace is replayed on it. */
export interface PeerText {
  /** Makes one transaction; gives what another replica needs to hear of it. */
  edit(patches: Patches): Uint8Array
  /** Takes up what others have made, in an order in which causes come first. */
  merge(updates: readonly Uint8Array[]): void
  text(): string
  save(): Uint8Array
}

export interface TextPeer {
  create(): PeerText
  open(saved: Uint8Array): PeerText
}

class YjsText implements PeerText {
  readonly #doc = new Y.Doc()
  readonly #text = this.#doc.getText('text')
  #update: Uint8Array = new Uint8Array()

  constructor(client: number, saved?: Uint8Array) {
    // Not a random one, so that every run breaks ties alike.
    this.#doc.clientID = client
    if (saved !== undefined) Y.applyUpdate(this.#doc, saved)
    this.#doc.on('update', (update: Uint8Array) => {
      this.#update = update
    })
  }

  edit(patches: Patches): Uint8Array {
    this.#doc.transact(() => {
      for (const [position, deleted, inserted] of patches) {
        if (deleted > 0) this.#text.delete(position, deleted)
        if (inserted !== '') this.#text.insert(position, inserted)
      }
    })
    return this.#update
  }

  merge(updates: readonly Uint8Array[]): void {
    this.#doc.transact(() => {
      for (const update of updates) Y.applyUpdate(this.#doc, update)
    })
  }

  text(): string {
    return this.#text.toString()
  }

  save(): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc)
  }
}

class LoroText implements PeerText {
  readonly #doc = new LoroDoc()
  readonly #isShared: boolean

  constructor(isShared: boolean, saved?: Uint8Array) {
    this.#isShared = isShared
    if (saved !== undefined) this.#doc.import(saved)
  }

  edit(patches: Patches): Uint8Array {
    const from = this.#isShared ? this.#doc.version() : undefined
    const text = this.#doc.getText('text')
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) text.delete(position, deleted)
      if (inserted !== '') text.insert(position, inserted)
    }
    this.#doc.commit()
    return from === undefined ? new Uint8Array() : this.#doc.export({ mode: 'update', from })
  }

  merge(updates: readonly Uint8Array[]): void {
    this.#doc.importBatch([...updates])
  }

  text(): string {
    return this.#doc.getText('text').toString()
  }

  save(): Uint8Array {
    return this.#doc.export({ mode: 'snapshot' })
  }
}

interface TextObject extends Record<string, unknown> {
  text: string
}

/** Every replica begins with this change, so that they have one text object. */
const BEGINNING = Automerge.save(Automerge.from<TextObject>({ text: '' }))

class AutomergeText implements PeerText {
  #doc: Automerge.Doc<TextObject>

  constructor(saved: Uint8Array = BEGINNING) {
    this.#doc = Automerge.load<TextObject>(saved)
  }

  edit(patches: Patches): Uint8Array {
    this.#doc = Automerge.change(this.#doc, (doc) => {
      for (const [position, deleted, inserted] of patches)
        Automerge.splice(doc, ['text'], position, deleted, inserted)
    })
    return Automerge.getLastLocalChange(this.#doc) ?? new Uint8Array()
  }

  merge(updates: readonly Uint8Array[]): void {
    ;[this.#doc] = Automerge.applyChanges(this.#doc, [...updates])
  }

  text(): string {
    return this.#doc.text
  }

  save(): Uint8Array {
    return Automerge.save(this.#doc)
  }
}

/** Several replicas of a text, or one. */
export const TEXT_PEERS: Readonly<Record<string, (isShared: boolean) => TextPeer>> = {
  Yjs: () => {
    let client = 1
    return { create: () => new YjsText(client++), open: (saved) => new YjsText(client++, saved) }
  },
  Loro: (isShared) => ({
    create: () => new LoroText(isShared),
    open: (saved) => new LoroText(isShared, saved),
  }),
  Automerge: () => ({ create: () => new AutomergeText(), open: (saved) => new AutomergeText(saved) }),
}
