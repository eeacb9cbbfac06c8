import { setImmediate as nextTurn } from 'node:timers/promises'
import { ancestorAtSeq, isInChain } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import type { KnownLog } from '../../core/clock-text.ts'
import type { Entry, Graph } from '../../core/graph.ts'
import type { FrozenSpace, SpaceStore } from '../../storage/space-store.ts'

/** Entries read at a time. */
const PAGE = 1_024

/** A set of ordinals: all before `first`, and one bit each from there on. */
export class OrdinalBits {
  readonly first: number
  readonly #bits: Uint8Array

  constructor(first: number, count: number) {
    this.first = first
    this.#bits = new Uint8Array(Math.ceil(Math.max(0, count - first) / 8))
  }

  has(ordinal: number): boolean {
    const at = ordinal - this.first
    return at < 0 || ((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
  }

  add(ordinal: number): void {
    const at = ordinal - this.first
    if (at >= 0) this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) | (1 << (at & 7))
  }
}

/**
 * The operations that somebody with that clock has, as far as they are known here, of each log the latest:
 * 1. of a seq, those of the author at that seq, on every branch;
 * 2. of a head that is here, that one;
 * 3. of a head that is not here and has a seq, as of that seq, if the author has one branch here; else none: which branch it is on
 *    cannot be told, and what is sent once too often harms nobody.
 */
export function knownEnds(graph: Graph, clock: readonly KnownLog[]): readonly Entry[] {
  return clock.flatMap(({ author, seq, heads }) => {
    const own = graph.heads(author)
    const upTo = (most: number) => own.map((head) => ancestorAtSeq(graph, head, Math.min(most, head.seq)))
    const ends = seq === null ? [] : [...upTo(seq)]
    for (const head of heads) {
      const entry = graph.find(head.id)
      if (entry !== undefined) ends.push(entry)
      else if (head.seq !== null && own.length === 1) ends.push(...upTo(head.seq))
    }
    return ends
  })
}

/**
 * An ordinal before which everything is an end or before one in its author's own log, and so is in their past; at most the count. Whoever
 * lacks little lacks what came last, so that nothing before is walked over. O(log) steps for each author.
 */
export function firstBeyond(
  space: Graph & Pick<SpaceStore, 'authors' | 'count'>,
  ends: readonly Entry[],
): number {
  const byAuthor = new Map<string, Entry[]>()
  for (const end of ends) {
    const own = byAuthor.get(toHex(end.author))
    if (own === undefined) byAuthor.set(toHex(end.author), [end])
    else own.push(end)
  }
  let first = space.count()
  for (const { author } of space.authors()) {
    const own = byAuthor.get(toHex(author)) ?? []
    for (const head of space.heads(author)) {
      if (own.some((end) => isInChain(space, head, end))) continue
      const known = own.reduce(
        (most, end) => (isInChain(space, end, head) ? Math.max(most, end.seq) : most),
        -1,
      )
      first = Math.min(first, ancestorAtSeq(space, head, known + 1).ordinal)
    }
  }
  return first
}

/** `ends` and everything that they build on. One walk from the latest of them down to `first`, as {@link firstBeyond} gives it. */
export async function pastBits(
  space: FrozenSpace,
  ends: readonly Entry[],
  first: number,
): Promise<OrdinalBits> {
  const bits = new OrdinalBits(first, space.count())
  for (const { ordinal } of ends) bits.add(ordinal)
  const latest = ends.reduce((most, { ordinal }) => Math.max(most, ordinal), -1)
  for (let from = latest - (latest % PAGE); from + PAGE > first && from >= 0; from -= PAGE) {
    const page = space.entriesFrom(from, PAGE)
    for (const entry of page.toReversed())
      if (entry.ordinal >= first && bits.has(entry.ordinal))
        for (const parent of entry.parents) bits.add(parent)
    await nextTurn()
  }
  return bits
}

/** What somebody with that clock has of a space, as far as it is known here. */
export async function pastOf(store: SpaceStore, clock: readonly KnownLog[]): Promise<OrdinalBits> {
  const ends = knownEnds(store, clock)
  return await pastBits(store, ends, firstBeyond(store, ends))
}
