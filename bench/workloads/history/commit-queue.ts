import { nodeOf } from '../../../src/demo/people.ts'
import type { Commit, History } from '../../../src/node/exchange/history-file.ts'

/**
 * Which commits the people of one node may write, as commits arrive: each not before those it builds on, its author's last among them.
 * For the peers; Hanse's nodes use the demo's own, which finds out from operations alone.
 */
export class CommitQueue {
  readonly #history: History
  readonly #arrived: boolean[] = []
  /** Index of an own commit → how many it still waits for. */
  readonly #missing = new Map<number, number>()
  /** Index of a commit → own commits that wait for it. */
  readonly #waiting = new Map<number, number[]>()
  readonly #ready: number[] = []
  #count = 0

  /** For node `index` of so many. */
  constructor(history: History, index: number, nodes: number) {
    this.#history = history
    const last = new Map<number, number>()
    for (const commit of history.commits) {
      const previous = last.get(commit.author)
      last.set(commit.author, commit.index)
      if (nodeOf(commit.author, nodes) !== index) continue
      const before = new Set([...commit.parents, ...(previous === undefined ? [] : [previous])])
      this.#missing.set(commit.index, before.size)
      if (before.size === 0) this.#ready.push(commit.index)
      for (const one of before) this.#waiting.set(one, [...(this.#waiting.get(one) ?? []), commit.index])
    }
  }

  get isComplete(): boolean {
    return this.#count === this.#history.commits.length
  }

  /** Notes a commit that is here now, written here or elsewhere. */
  note(index: number): void {
    if (this.#arrived[index] === true) return
    this.#arrived[index] = true
    this.#count++
    for (const waiting of this.#waiting.get(index) ?? []) {
      const left = (this.#missing.get(waiting) as number) - 1
      this.#missing.set(waiting, left)
      if (left === 0) this.#ready.push(waiting)
    }
  }

  /** The next own commit to write; undefined while there is none. It counts as here only once it is noted. */
  next(): Commit | undefined {
    const index = this.#ready.shift()
    return index === undefined ? undefined : this.#history.commits[index]
  }
}
