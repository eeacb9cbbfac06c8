import { equalBytes } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import { CLOCK_ENTRIES_DIRECT_MAX, CLOCK_WHOLE_AUTHORS_MAX, NODES_PER_FRAME_MAX } from '../limits.ts'
import { TRIE_DEPTH_MAX, TRIE_RADIX, type TrieDigest } from '../trie.ts'
import type { NodeListing } from './message.ts'

/**
 * The walk of two clock tries down the branches that differ, one level a message, all branches of a level together. Both sides
 * decide from the same pairs of digests (what each has sent, not what it holds by now), and so stay in step.
 * Where few authors lie below a prefix, or one side has at most one, the walk stops and their entries are exchanged.
 */
export class ClockWalk {
  readonly #clock: Clock
  /** The level being listed: what we said of each prefix. */
  #level: readonly NodeListing[] = []
  #next: (readonly number[])[] = []
  #answered = 0
  readonly #differing: (readonly number[])[] = []

  /** `authors`: of both clocks together, as both sides said when they compared. */
  constructor(clock: Clock, authors: number) {
    this.#clock = clock
    if (authors <= CLOCK_WHOLE_AUTHORS_MAX) this.#differing.push([])
    else this.#next.push([])
  }

  /** The prefixes below which the clocks differ, once the walk is over. */
  get differingPrefixes(): readonly (readonly number[])[] {
    return this.#differing
  }

  /** True when the peer has listed every node of the level. */
  get isLevelDone(): boolean {
    return this.#answered === this.#level.length
  }

  /** Begins the next level: what to send, in frames; nothing when the walk is over. */
  listLevel(): readonly (readonly NodeListing[])[] {
    this.#level = this.#next.map((prefix) => ({ prefix, children: this.#clock.childrenAt(prefix) }))
    this.#next = []
    this.#answered = 0
    const frames: (readonly NodeListing[])[] = []
    for (let i = 0; i < this.#level.length; i += NODES_PER_FRAME_MAX)
      frames.push(this.#level.slice(i, i + NODES_PER_FRAME_MAX))
    return frames
  }

  /** Takes the peer's listing of the next nodes of this level; a text says what is wrong with it. */
  receive(nodes: readonly NodeListing[]): string | null {
    for (const theirs of nodes) {
      const mine = this.#level[this.#answered]
      if (mine === undefined || !isSamePrefix(mine.prefix, theirs.prefix))
        return 'a listing of another node than is due'
      if (theirs.children.length !== TRIE_RADIX) return 'a listing without sixteen children'
      this.#answered++
      this.#compare(mine, theirs)
    }
    return null
  }

  #compare(mine: NodeListing, theirs: NodeListing): void {
    for (let nibble = 0; nibble < TRIE_RADIX; nibble++) {
      const a = mine.children[nibble] as TrieDigest
      const b = theirs.children[nibble] as TrieDigest
      if (equalBytes(a.hash, b.hash)) continue
      const prefix = [...mine.prefix, nibble]
      const isShort = a.count + b.count <= CLOCK_ENTRIES_DIRECT_MAX || Math.min(a.count, b.count) <= 1
      if (isShort || prefix.length >= TRIE_DEPTH_MAX) this.#differing.push(prefix)
      else this.#next.push(prefix)
    }
  }
}

function isSamePrefix(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((nibble, depth) => nibble === b[depth])
}
