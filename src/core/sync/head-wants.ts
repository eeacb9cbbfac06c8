import { toHex } from '../bytes.ts'
import type { Head } from '../clock.ts'
import type { Entry } from '../graph.ts'
import { FORKED_HEADS_WANTED_PER_ROUND_MAX, HEADS_PER_ROUND_MAX, SHORT_KEY_BYTES } from '../limits.ts'
import { packBits } from './bits.ts'
import { ALLOWANCE_GROWTH, authorOf, findListed, headsListedMax } from './listing.ts'
import type { ListedEntry } from './message.ts'
import { SharedHeads } from './shared-heads.ts'
import type { SyncView } from './view.ts'

/** A head that the peer listed and this side lacks. */
interface UnknownHead {
  /** As far as it was listed. */
  readonly author: Uint8Array
  readonly id: Uint8Array
  /** Among all heads that the peer listed in this round, from 0. */
  readonly place: number
}

/** Authors whose allowance is remembered; nobody can list more of them with that many heads in two rounds. */
const ALLOWANCES_KEPT_MAX = 256

/**
 * What the peer lists of its clock in one round, and which of its heads this side asks for. Invariants:
 * 1. a peer lists at most HEADS_PER_ROUND_MAX heads a round; where it lists as many of one author as a round may ask for, it may have more;
 * 2. of one author at most FORKED_HEADS_WANTED_PER_ROUND_MAX heads are asked for in the first round, and only while all that is asked for
 *    arrives more in later ones: only a forked author can have more;
 * 3. what is beyond comes first in the next round, so that heads which never become operations here starve no others.
 */
export class HeadWants {
  readonly #view: SyncView
  readonly #listed = new Map<string, Head[]>()
  readonly #unknown = new Map<string, Map<string, UnknownHead>>()
  /** Ids, hexadecimal, asked for in earlier rounds, of authors with more than one round's worth. */
  readonly #askedBefore = new Set<string>()
  /** What was asked for last, by the first bytes of the author, hexadecimal: where as much was listed as may be asked for. */
  readonly #allowances = new Map<
    string,
    { readonly allowance: number; readonly asked: readonly Uint8Array[] }
  >()
  /** What is here of the heads listed in this round, by place. */
  #shared: (Entry | undefined)[] = []
  #areLeaves = false
  #unasked = 0
  #listedMax = headsListedMax(0)

  constructor(view: SyncView) {
    this.#view = view
  }

  /** Heads that the peer listed in this round, by author, hexadecimal; the ids of those that are here are whole. */
  get listed(): ReadonlyMap<string, readonly Head[]> {
    return this.#listed
  }

  /** Heads that the peer listed in this round. */
  get received(): number {
    return this.#shared.length
  }

  /** Those of them that are here. */
  get shared(): SharedHeads {
    return new SharedHeads(this.#shared, this.#areLeaves)
  }

  /** True where the peer has listed all its heads of the author, and none that is not here. */
  knowsAllOf(author: Uint8Array): boolean {
    return !this.#unknown.has(toHex(author)) && !this.isCut(author)
  }

  /** True where the peer may have more heads of the author than it had room for in this round. */
  isCut(author: Uint8Array): boolean {
    return (this.#listed.get(toHex(author))?.length ?? 0) >= this.#listedMax
  }

  /** True where that is so of any author, and there is more room in the next round. */
  get hasMoreNextRound(): boolean {
    if (this.#listedMax === HEADS_PER_ROUND_MAX) return false
    return [...this.#listed.values()].some(({ length }) => length >= this.#listedMax)
  }

  /** Unknown heads that had to be left to later rounds. */
  get unasked(): number {
    return this.#unasked
  }

  /** `round`: from 0. */
  beginRound(round: number): void {
    this.#listedMax = headsListedMax(round)
    this.#listed.clear()
    this.#unknown.clear()
    this.#shared = []
    this.#areLeaves = false
    this.#unasked = 0
  }

  /** Takes the heads that the peer listed by their leaves, all of which are here. */
  recognise(heads: readonly Entry[]): void {
    this.#areLeaves = true
    for (const head of heads) {
      this.#shared.push(head)
      this.#listed.set(toHex(head.author), [head])
    }
  }

  /** Takes one part of the peer's clock; a text says what is wrong with it. */
  learn(entries: readonly ListedEntry[]): string | null {
    const heads = entries.reduce((sum, entry) => sum + entry.heads.length, this.received)
    if (heads > HEADS_PER_ROUND_MAX) return 'more heads than a round may list'
    for (const entry of entries) this.#learnOne(entry)
    return null
  }

  /** The heads to ask for, once the peer has listed all: a bit for each that it listed. */
  take(): Uint8Array {
    const wanted = new Array<boolean>(this.received).fill(false)
    for (const [author, heads] of this.#unknown) {
      for (const { place } of this.#takeOf(author, [...heads])) wanted[place] = true
    }
    return packBits(wanted)
  }

  #learnOne(entry: ListedEntry): void {
    const author = authorOf(this.#view, entry.author)
    const key = toHex(author)
    const listed = this.#listed.get(key) ?? []
    this.#listed.set(key, listed)
    for (const head of entry.heads) {
      const known = findListed(this.#view, author, head)
      const place = this.#shared.push(known) - 1
      listed.push({ seq: head.seq, id: known?.id ?? head.id })
      if (known !== undefined) continue
      const unknown = this.#unknown.get(key) ?? new Map<string, UnknownHead>()
      this.#unknown.set(key, unknown.set(toHex(head.id), { author, id: head.id, place }))
    }
  }

  #takeOf(author: string, heads: readonly (readonly [string, UnknownHead])[]): readonly UnknownHead[] {
    const allowance = this.#allowanceOf(author)
    if ((this.#listed.get(author)?.length ?? 0) < FORKED_HEADS_WANTED_PER_ROUND_MAX) {
      return heads.flatMap(([, head]) => (this.#view.claim(head.id, head.author) ? [head] : []))
    }
    const isNew = ([key]: readonly [string, UnknownHead]) => !this.#askedBefore.has(key)
    const inTurn = [...heads.filter(isNew), ...heads.filter((head) => !isNew(head))]
    const taken: UnknownHead[] = []
    for (const [key, head] of inTurn) {
      if (taken.length === allowance) this.#unasked++
      else if (this.#view.claim(head.id, head.author)) {
        taken.push(head)
        if (this.#askedBefore.size >= HEADS_PER_ROUND_MAX) this.#askedBefore.clear()
        this.#askedBefore.add(key)
      }
    }
    if (this.#allowances.size >= ALLOWANCES_KEPT_MAX) this.#allowances.clear()
    this.#allowances.set(shortKeyOf(author), { allowance, asked: taken.map(({ id }) => id) })
    return taken
  }

  /** Every round that brought all that was asked for makes the next one larger, so that a storm costs its heads and not their square. */
  #allowanceOf(author: string): number {
    const last = this.#allowances.get(shortKeyOf(author))
    if (last === undefined) return FORKED_HEADS_WANTED_PER_ROUND_MAX
    const hasAllArrived = last.asked.every((id) => this.#view.graph.find(id) !== undefined)
    return hasAllArrived ? Math.min(last.allowance * ALLOWANCE_GROWTH, HEADS_PER_ROUND_MAX) : last.allowance
  }
}

/** An author that is not here is named in full only from the second round on. */
const shortKeyOf = (author: string): string => author.slice(0, 2 * SHORT_KEY_BYTES)
