import type { Entry } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

const PAGE_ENTRIES = 4_096
const NONE = -1

/**
 * Which operations build directly on which, the other way round than operations say it. Read from the store once, when it is first needed
 * (a space in which nothing was ever masked never does), and kept up after that. Some 12 bytes for an operation and 8 for each of
 * its parents.
 */
export class Children {
  /** By parent: the place in the two lists below of its newest child. */
  #newest = new Int32Array(1_024).fill(NONE)
  /** By place: the child, and the place of the next older child of the same parent. */
  #child = new Int32Array(1_024)
  #older = new Int32Array(1_024)
  #edges = 0
  #count = 0

  constructor(store: SpaceStore) {
    while (this.#count < store.count()) {
      for (const entry of store.entriesFrom(this.#count, PAGE_ENTRIES)) this.add(entry)
    }
  }

  /** Takes in the next operation, by ordinal. */
  add({ ordinal, parents }: Entry): void {
    if (ordinal !== this.#count) throw new Error(`bug: ordinal ${ordinal} where ${this.#count} is due`)
    this.#count++
    if (this.#count > this.#newest.length) this.#newest = grown(this.#newest, NONE)
    for (const parent of parents) {
      if (this.#edges === this.#child.length) {
        this.#child = grown(this.#child, 0)
        this.#older = grown(this.#older, 0)
      }
      this.#child[this.#edges] = ordinal
      this.#older[this.#edges] = this.#newest[parent] as number
      this.#newest[parent] = this.#edges++
    }
  }

  /** The ordinals of the operations that name this one as a parent, the newest first. */
  *of(ordinal: number): Generator<number> {
    for (let place = this.#newest[ordinal] ?? NONE; place !== NONE; place = this.#older[place] as number)
      yield this.#child[place] as number
  }
}

function grown(list: Int32Array<ArrayBuffer>, filling: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(list.length * 2).fill(filling)
  larger.set(list)
  return larger
}
