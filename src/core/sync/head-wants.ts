import { toHex } from '../bytes.ts'
import type { ClockEntry, Head } from '../clock.ts'
import { FORKED_HEADS_WANTED_PER_ROUND_MAX, HEADS_PER_ROUND_MAX } from '../limits.ts'
import type { WantedHead } from './message.ts'
import type { SyncView } from './view.ts'

/** By what factor more heads of one author are asked for, once all of those before have arrived. */
const ALLOWANCE_GROWTH = 4
/** Authors whose allowance is remembered; nobody can list more of them with that many heads in two rounds. */
const ALLOWANCES_KEPT_MAX = 256

/**
 * What the peer lists of its clock in one round, and which of its heads this side asks for. Invariants:
 * 1. a peer lists at most HEADS_PER_ROUND_MAX heads a round;
 * 2. of one author at most FORKED_HEADS_WANTED_PER_ROUND_MAX heads are asked for in the first round, and only while all that is asked for
 *    arrives more in later ones: only a forked author can have more;
 * 3. what is beyond comes first in the next round, so that heads which never become operations here starve no others.
 */
export class HeadWants {
  readonly #view: SyncView
  readonly #listed = new Map<string, Head[]>()
  readonly #unknown = new Map<string, Map<string, WantedHead>>()
  /** Ids, hexadecimal, asked for in earlier rounds, of authors with more than one round's worth. */
  readonly #askedBefore = new Set<string>()
  /** By author, hexadecimal: what was asked for last, where it was less than was listed. */
  readonly #allowances = new Map<
    string,
    { readonly allowance: number; readonly asked: readonly WantedHead[] }
  >()
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
    return [...this.#unknown].flatMap(([author, heads]) => this.#takeOf(author, [...heads]))
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

  #takeOf(author: string, heads: readonly (readonly [string, WantedHead])[]): readonly WantedHead[] {
    const allowance = this.#allowanceOf(author)
    if (heads.length <= FORKED_HEADS_WANTED_PER_ROUND_MAX) {
      return heads.flatMap(([, head]) => (this.#view.claim(head.id, head.author) ? [head] : []))
    }
    const isNew = ([key]: readonly [string, WantedHead]) => !this.#askedBefore.has(key)
    const inTurn = [...heads.filter(isNew), ...heads.filter((head) => !isNew(head))]
    const taken: WantedHead[] = []
    for (const [key, head] of inTurn) {
      if (taken.length === allowance) this.#unasked++
      else if (this.#view.claim(head.id, head.author)) {
        taken.push(head)
        if (this.#askedBefore.size >= HEADS_PER_ROUND_MAX) this.#askedBefore.clear()
        this.#askedBefore.add(key)
      }
    }
    if (this.#allowances.size >= ALLOWANCES_KEPT_MAX) this.#allowances.clear()
    this.#allowances.set(author, { allowance, asked: taken })
    return taken
  }

  /** Every round that brought all that was asked for makes the next one larger, so that a storm costs its heads and not their square. */
  #allowanceOf(author: string): number {
    const last = this.#allowances.get(author)
    if (last === undefined) return FORKED_HEADS_WANTED_PER_ROUND_MAX
    const hasAllArrived = last.asked.every(({ id }) => this.#view.graph.find(id) !== undefined)
    return hasAllArrived ? Math.min(last.allowance * ALLOWANCE_GROWTH, HEADS_PER_ROUND_MAX) : last.allowance
  }
}
