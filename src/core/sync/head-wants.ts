import { toHex } from '../bytes.ts'
import type { ClockEntry, Head } from '../clock.ts'
import { FORKED_HEADS_WANTED_PER_ROUND_MAX, HEADS_PER_ROUND_MAX } from '../limits.ts'
import type { WantedHead } from './message.ts'
import type { SyncView } from './view.ts'

/**
 * What the peer lists of its clock in one round, and which of its heads this side asks for. Invariants:
 * 1. a peer lists at most HEADS_PER_ROUND_MAX heads a round;
 * 2. of one author at most FORKED_HEADS_WANTED_PER_ROUND_MAX heads are asked for a round: only a forked author can have more;
 * 3. what is beyond comes first in the next round, so that heads which never become operations here starve no others.
 */
export class HeadWants {
  readonly #view: SyncView
  readonly #listed = new Map<string, Head[]>()
  readonly #unknown = new Map<string, Map<string, WantedHead>>()
  /** Ids, hexadecimal, asked for in earlier rounds, of authors with more than one round's worth. */
  readonly #askedBefore = new Set<string>()
  #received = 0
  #unasked = 0

  constructor(view: SyncView) {
    this.#view = view
  }

  /** Heads that the peer listed in this round, by author, hexadecimal. */
  get listed(): ReadonlyMap<string, readonly Head[]> {
    return this.#listed
  }

  /** Unknown heads that had to be left to later rounds. */
  get unasked(): number {
    return this.#unasked
  }

  beginRound(): void {
    this.#listed.clear()
    this.#unknown.clear()
    this.#received = 0
    this.#unasked = 0
  }

  /** Takes one part of the peer's clock; a text says what is wrong with it. */
  learn(entries: readonly ClockEntry[]): string | null {
    this.#received += entries.reduce((sum, { heads }) => sum + heads.length, 0)
    if (this.#received > HEADS_PER_ROUND_MAX) return 'more heads than a round may list'
    for (const entry of entries) this.#learnOne(entry)
    return null
  }

  /** The heads to ask for, once the peer has listed all. */
  take(): readonly WantedHead[] {
    return [...this.#unknown.values()].flatMap((heads) => this.#takeOf([...heads]))
  }

  #learnOne({ author, heads }: ClockEntry): void {
    const key = toHex(author)
    const listed = this.#listed.get(key)
    if (listed === undefined) this.#listed.set(key, [...heads])
    else listed.push(...heads)
    for (const { id } of heads) {
      if (this.#view.graph.find(id) !== undefined) continue
      const unknown = this.#unknown.get(key) ?? new Map<string, WantedHead>()
      this.#unknown.set(key, unknown.set(toHex(id), { author, id }))
    }
  }

  #takeOf(heads: readonly (readonly [string, WantedHead])[]): readonly WantedHead[] {
    if (heads.length <= FORKED_HEADS_WANTED_PER_ROUND_MAX) {
      return heads.flatMap(([, head]) => (this.#view.claim(head.id) ? [head] : []))
    }
    const isNew = ([key]: readonly [string, WantedHead]) => !this.#askedBefore.has(key)
    const inTurn = [...heads.filter(isNew), ...heads.filter((head) => !isNew(head))]
    const taken: WantedHead[] = []
    for (const [key, head] of inTurn) {
      if (taken.length === FORKED_HEADS_WANTED_PER_ROUND_MAX) this.#unasked++
      else if (this.#view.claim(head.id)) {
        taken.push(head)
        if (this.#askedBefore.size >= HEADS_PER_ROUND_MAX) this.#askedBefore.clear()
        this.#askedBefore.add(key)
      }
    }
    return taken
  }
}
