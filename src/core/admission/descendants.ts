import { hasWayDown, PastReader } from '../ancestry.ts'
import type { Entry, Graph } from '../graph.ts'
import { DESCENDANTS_KEPT_MAX, DESCENDED_FROM_MAX } from '../limits.ts'

/** So few operations are searched one by one sooner than by way of the logs they are in. */
const NEAR_OPERATIONS = 64

/**
 * Which operations are known to have which published delegations in their past: the first operation of each of 10,000 authors asks about
 * one of the same few publishers, and each such question would otherwise be a search down to it. Follows from the graph by ordinals: whoever
 * has this object makes a new one after a transaction that failed.
 */
export class Descendants {
  readonly #graph: Graph
  /** By the ordinal of a publisher, the one asked about last at the end: the newest operations known to descend from it. */
  readonly #known = new Map<number, Set<number>>()

  constructor(graph: Graph) {
    this.#graph = graph
  }

  /** True when `publisher` is in the past of whoever has these parents; `past` reads that. */
  has(publisher: Entry, parents: readonly Entry[], past: PastReader): boolean {
    const newest = parents.reduce<Entry | null>(
      (most, parent) => (most === null || parent.ordinal > most.ordinal ? parent : most),
      null,
    )
    if (newest === null) return false
    const known = this.#knownOf(publisher.ordinal)
    if (!known.has(newest.ordinal)) {
      // Asked of one parent alone, so that what is learnt is learnt of an operation that is here.
      const reader = parents.length === 1 ? past : new PastReader(this.#graph, [newest])
      const isFar = newest.ordinal - Math.max(publisher.ordinal, ...known) > NEAR_OPERATIONS
      if (!(isFar && hasWayDown(this.#graph, publisher, newest, known)) && !reader.has(publisher, known))
        return parents.length > 1 && past.has(publisher, known)
    }
    known.delete(newest.ordinal)
    known.add(newest.ordinal)
    if (known.size > DESCENDANTS_KEPT_MAX) known.delete(known.values().next().value as number)
    return true
  }

  #knownOf(ordinal: number): Set<number> {
    const known = this.#known.get(ordinal) ?? new Set<number>()
    this.#known.delete(ordinal)
    this.#known.set(ordinal, known)
    if (this.#known.size > DESCENDED_FROM_MAX) this.#known.delete(this.#known.keys().next().value as number)
    return known
  }
}
