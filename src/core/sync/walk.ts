import { compareBytes, concatBytes } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import {
  CLOCK_LEAVES_AT_ROOT_MAX,
  CLOCK_LEAVES_MAX,
  CLOCK_LISTING_BYTES_MAX,
  HEADS_PER_ROUND_MAX,
} from '../limits.ts'
import { TRIE_DEPTH_MAX, TRIE_RADIX, type TrieDigest } from '../trie.ts'
import { packBits, setBits } from './bits.ts'

/** What stands in a listing in place of a number of leaves: the digests of sixteen children follow. */
export const CHILDREN = 0xffff
/** The same of two levels: the digests of 256 grandchildren follow. */
export const GRANDCHILDREN = 0xfffe
/** Authors from which on the first listing begins two levels down, so that the walk is a message shorter. */
const GRANDCHILDREN_FROM_AUTHORS = 2_048
/** Bytes of the number before each part of a listing. */
const COUNT_BYTES = 2

/** One step of a walk, as it travels. */
export interface WalkStep {
  /** A bit for each place of the peer's last listing, the first in the highest bit: 1 where this side has something else. */
  readonly differing: Uint8Array
  /** What this side has below each of those of its places that the peer's last step marked, in that order. */
  readonly listing: Uint8Array
}

/** A digest that was listed: of the children below a prefix, or of one author. */
type Place =
  | { readonly kind: 'branch'; readonly prefix: readonly number[] }
  | { readonly kind: 'leaf'; readonly author: Uint8Array }

/**
 * The walk of two clock tries down the branches that differ (docs/protocol.md §4.3). The sides take turns: one lists digests, the other
 * marks those that differ from its own and lists what it has below these. Where few authors lie below a prefix, their leaves are listed
 * instead. In the end each side knows which of its own authors the other has not, or has otherwise. Invariants:
 * 1. digests are cut to `digestBytes`: two that are equal when cut hide a difference from this round, never from the roots;
 * 2. a listing has at most CLOCK_LISTING_BYTES_MAX; what does not fit is not marked, and waits for the next round;
 * 3. the work of a step is that of the peer's listing and of one's own, whatever the peer marks.
 */
export class ClockWalk {
  readonly #clock: Clock
  readonly #digestBytes: number
  /** What this side listed last. */
  #listed: readonly Place[] = []
  /** The prefixes below which the peer lists next. */
  #due: readonly (readonly number[])[] = [[]]
  readonly #differing = new Map<string, Uint8Array>()
  /** Bytes of the listing that is being decided on. */
  #nextBytes = 0
  #isOver = false

  /** `digestBytes`: 1 to 32. */
  constructor(clock: Clock, digestBytes: number) {
    this.#clock = clock
    this.#digestBytes = digestBytes
  }

  /** True once nothing is left to list on either side. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The authors here that the peer has not, or with other heads, ascending; once the walk is over. */
  get differingAuthors(): readonly Uint8Array[] {
    return [...this.#differing.values()].sort(compareBytes)
  }

  /** Begins the walk from this side. */
  begin(): WalkStep {
    this.#due = []
    return { differing: new Uint8Array(), listing: this.#list([[]]) }
  }

  /** Takes a step of the peer and gives this side's; null where the peer's was the last; a text says what is wrong with it. */
  answer({ differing, listing }: WalkStep): WalkStep | string | null {
    const marked = this.#takeMarks(differing)
    if (typeof marked === 'string') return marked
    const reader = new ListingReader(listing, this.#digestBytes)
    this.#nextBytes = 0
    const marks: boolean[] = []
    const next: (readonly number[])[] = []
    for (const prefix of marked) {
      const part = reader.next()
      if (part === null) return 'a listing that ends early, or is not of its form'
      if (part.levels === 0) this.#compareLeaves(prefix, part.digests, marks)
      else if (prefix.length + part.levels > TRIE_DEPTH_MAX) return 'a listing below the leaves'
      else this.#compareChildren(prefix, part, marks, next)
    }
    if (!reader.isAtEnd) return 'a listing of more than is due'
    if (marked.length === 0) {
      this.#isOver = true
      return null
    }
    this.#isOver = next.length === 0
    return { differing: packBits(marks), listing: this.#list(next) }
  }

  /** The prefixes that the peer has marked and lists below; its marks of leaves are taken down. */
  #takeMarks(differing: Uint8Array): readonly (readonly number[])[] | string {
    const places = setBits(differing, this.#listed.length)
    if (places === null) return 'marks of other places than were listed'
    const marked: (readonly number[])[] = [...this.#due]
    for (const i of places) {
      const place = this.#listed[i] as Place
      if (place.kind === 'leaf') this.#differ(place.author)
      else marked.push(place.prefix)
    }
    this.#due = []
    this.#listed = []
    return marked
  }

  #compareChildren(
    prefix: readonly number[],
    { levels, digests }: ListingPart,
    marks: boolean[],
    next: (readonly number[])[],
  ): void {
    for (const [place, digest] of digests.entries()) {
      const child = [...prefix, ...nibblesOf(place, levels)]
      const own = this.#clock.digestAt(child)
      const bytes = this.#bytesOf(own.count)
      const isMarked = !this.#isSame(own, digest) && this.#nextBytes + bytes <= CLOCK_LISTING_BYTES_MAX
      marks.push(isMarked)
      if (!isMarked) continue
      this.#nextBytes += bytes
      next.push(child)
    }
  }

  #compareLeaves(prefix: readonly number[], digests: readonly Uint8Array[], marks: boolean[]): void {
    const own = new Map<string, Uint8Array>()
    const { count } = this.#clock.digestAt(prefix)
    // A peer that lists few where there are very many is told of as many as one round can be about.
    if (count > 0 && this.#differing.size < HEADS_PER_ROUND_MAX)
      for (const author of this.#clock.authorsAt(prefix)) own.set(keyOf(this.#leafOf(author)), author)
    for (const digest of digests) marks.push(!own.delete(keyOf(digest)))
    for (const author of own.values()) this.#differ(author)
  }

  #differ(author: Uint8Array): void {
    if (this.#differing.size < HEADS_PER_ROUND_MAX) this.#differing.set(keyOf(author), author)
  }

  /** Lists what is below each of the prefixes. */
  #list(prefixes: readonly (readonly number[])[]): Uint8Array {
    const parts: Uint8Array[] = []
    const places: Place[] = []
    for (const prefix of prefixes) {
      const { count } = this.#clock.digestAt(prefix)
      if (count <= leavesMaxAt(prefix)) {
        parts.push(Uint8Array.of(count >> 8, count & 255))
        for (const author of this.#clock.authorsAt(prefix)) {
          parts.push(this.#leafOf(author))
          places.push({ kind: 'leaf', author })
        }
        continue
      }
      const levels = levelsAt(prefix, count)
      parts.push(Uint8Array.of(0xff, (levels === 1 ? CHILDREN : GRANDCHILDREN) & 255))
      for (let place = 0; place < TRIE_RADIX ** levels; place++) {
        const child = [...prefix, ...nibblesOf(place, levels)]
        parts.push(this.#cut(this.#clock.digestAt(child)))
        places.push({ kind: 'branch', prefix: child })
      }
    }
    this.#listed = places
    return concatBytes(...parts)
  }

  /** Bytes of the part of a listing for a prefix, not the root, with so many authors below it. */
  #bytesOf(count: number): number {
    return COUNT_BYTES + (count <= CLOCK_LEAVES_MAX ? count : TRIE_RADIX) * this.#digestBytes
  }

  #isSame(own: TrieDigest, theirs: Uint8Array): boolean {
    return theirs.every((byte, i) => byte === own.hash[i])
  }

  #leafOf(author: Uint8Array): Uint8Array {
    return this.#cut(this.#clock.digestOf(author))
  }

  #cut({ hash }: TrieDigest): Uint8Array {
    return hash.subarray(0, this.#digestBytes)
  }
}

/** What is listed of one prefix: leaves where `levels` is 0, else the digests so many levels down. */
interface ListingPart {
  readonly levels: 0 | 1 | 2
  readonly digests: readonly Uint8Array[]
}

/** Reads a listing part by part. */
class ListingReader {
  readonly #bytes: Uint8Array
  readonly #digestBytes: number
  #at = 0

  constructor(bytes: Uint8Array, digestBytes: number) {
    this.#bytes = bytes
    this.#digestBytes = digestBytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The next part; null where there is none of its form. */
  next(): ListingPart | null {
    if (this.#at + COUNT_BYTES > this.#bytes.length) return null
    const count = ((this.#bytes[this.#at] as number) << 8) | (this.#bytes[this.#at + 1] as number)
    const levels = count === CHILDREN ? 1 : count === GRANDCHILDREN ? 2 : 0
    if (levels === 0 && count > CLOCK_LEAVES_AT_ROOT_MAX) return null
    const digestCount = levels === 0 ? count : TRIE_RADIX ** levels
    const from = this.#at + COUNT_BYTES
    const end = from + digestCount * this.#digestBytes
    if (end > this.#bytes.length) return null
    this.#at = end
    const digests = Array.from({ length: digestCount }, (_, i) =>
      this.#bytes.subarray(from + i * this.#digestBytes, from + (i + 1) * this.#digestBytes),
    )
    return { levels, digests }
  }
}

const leavesMaxAt = (prefix: readonly number[]): number =>
  prefix.length === 0 ? CLOCK_LEAVES_AT_ROOT_MAX : CLOCK_LEAVES_MAX

const levelsAt = (prefix: readonly number[], count: number): 1 | 2 =>
  prefix.length === 0 && count >= GRANDCHILDREN_FROM_AUTHORS ? 2 : 1

const nibblesOf = (place: number, levels: number): readonly number[] =>
  levels === 1 ? [place] : [place >> 4, place & 15]

/** Bytes as a key of a map: a character each. */
const keyOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
