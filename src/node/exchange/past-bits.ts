import { setImmediate as nextTurn } from 'node:timers/promises'
import { ancestorAtSeq } from '../../core/ancestry.ts'
import type { KnownLog } from '../../core/clock-text.ts'
import type { Entry, Graph } from '../../core/graph.ts'
import type { FrozenSpace } from '../../storage/space-store.ts'

/** Entries read at a time. */
const PAGE = 1_024

/** A set of ordinals, one bit each. */
export class OrdinalBits {
  readonly #bits: Uint8Array

  constructor(count: number) {
    this.#bits = new Uint8Array(Math.ceil(count / 8))
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0
  }

  add(ordinal: number): void {
    const at = ordinal >> 3
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (ordinal & 7))
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

/** `ends` and everything that they build on. One walk over all operations, from the latest to the earliest. */
export async function pastBits(space: FrozenSpace, ends: readonly Entry[]): Promise<OrdinalBits> {
  const bits = new OrdinalBits(space.count())
  for (const { ordinal } of ends) bits.add(ordinal)
  const latest = ends.reduce((most, { ordinal }) => Math.max(most, ordinal), -1)
  for (let from = latest - (latest % PAGE); from >= 0; from -= PAGE) {
    const page = space.entriesFrom(from, PAGE)
    for (const entry of page.toReversed())
      if (bits.has(entry.ordinal)) for (const parent of entry.parents) bits.add(parent)
    await nextTurn()
  }
  return bits
}
