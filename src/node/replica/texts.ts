import type { Entry } from '../../core/graph.ts'
import { TEXTS_OPEN_BYTES_MAX } from '../../core/limits.ts'
import { TEXT } from '../../core/types/text/change.ts'
import type { TextDelta } from '../../core/types/text/delta.ts'
import type { CellKey } from '../../core/types/cell.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { mayChange, OpenText, type TextCellEdit } from './open-text.ts'
import { Pasts } from './pasts.ts'

/** How the text at a path shows otherwise than before a transaction. */
export interface TextChange {
  readonly path: string
  /** Empty where only who it is shown as the work of has changed. */
  readonly delta: TextDelta
}

/**
 * The texts of a space: the ones used last are open in memory, up to TEXTS_OPEN_BYTES_MAX together (a single larger one while it is
 * used). What a transaction changes is written once, by {@link write}, however many operations changed it. After a transaction that
 * failed, whoever has this object makes a new one.
 */
export class Texts {
  readonly #store: SpaceStore
  readonly #pasts: Pasts
  readonly #bytesMax: number
  /** By path, the one used last at the end. */
  readonly #open = new Map<string, OpenText>()
  readonly #changed = new Map<string, OpenText>()
  readonly #weights = new Map<string, number>()
  #weightBytes = 0

  /** `bytesMax`: of memory that open texts take together. */
  constructor(store: SpaceStore, bytesMax: number = TEXTS_OPEN_BYTES_MAX) {
    this.#store = store
    this.#pasts = new Pasts(store)
    this.#bytesMax = bytesMax
  }

  /** The text at a path, which there need not be, outside a transaction. */
  open(path: string): OpenText {
    const text = this.#get(path, false)
    this.#weigh(text)
    return text
  }

  /** Takes the changes of texts of an operation whose body has just come, with it or late, within the transaction. */
  take(entry: Entry, edits: readonly TextCellEdit[], writer: SpaceWriter): void {
    for (const [path, ofPath] of Map.groupBy(edits, (edit) => edit.path))
      this.#change(path).take(entry, ofPath, writer)
  }

  /** A body has come late: what waited for it is placed. Returns the cells that may show something else. */
  arrived(entry: Entry, writer: SpaceWriter): readonly CellKey[] {
    const waiting = this.#store.waitingTexts().filter((path) => mayChange(entry.path, path))
    for (const path of waiting) this.#change(path).placeWaiting(writer)
    return waiting.map((path) => ({ path, type: TEXT, field: '' }))
  }

  /** Operations that changed the text got or lost their effect. */
  remask(path: string, entries: readonly Entry[]): void {
    this.#change(path).remask(entries)
  }

  /** Writes the texts that were changed, at the end of a transaction. */
  write(writer: SpaceWriter): readonly TextChange[] {
    if (this.#changed.size === 0) return []
    const changes: TextChange[] = []
    for (const [path, text] of this.#changed) {
      changes.push({ path, delta: text.write(writer) })
    }
    const written = [...this.#changed.values()]
    this.#changed.clear()
    for (const text of written) this.#weigh(text)
    return changes
  }

  #change(path: string): OpenText {
    const text = this.#get(path, true)
    this.#changed.set(path, text)
    return text
  }

  #get(path: string, isDuringChange: boolean): OpenText {
    const text = this.#open.get(path) ?? new OpenText(path, this.#store, this.#pasts, isDuringChange)
    this.#open.delete(path)
    this.#open.set(path, text)
    return text
  }

  /** Counts what a text weighs now, and closes those used longest ago where there is too much. */
  #weigh(text: OpenText): void {
    this.#weightBytes += text.weightBytes - (this.#weights.get(text.path) ?? 0)
    this.#weights.set(text.path, text.weightBytes)
    for (const [path] of this.#open) {
      if (this.#weightBytes <= this.#bytesMax) return
      if (path === text.path || this.#changed.has(path)) continue
      this.#open.delete(path)
      this.#weightBytes -= this.#weights.get(path) ?? 0
      this.#weights.delete(path)
    }
  }
}
