import { ancestorAtSeq } from '../ancestry.ts'
import { equalBytes } from '../bytes.ts'
import type { Head } from '../clock.ts'
import type { Entry, Graph } from '../graph.ts'
import { PROBE_IDS_MAX } from '../limits.ts'

/**
 * What of one author's log a peer lacks that asked for the head `wanted`: everything after seq `known` in the chain that ends
 * there. `known` is −1 while nothing of the chain is known to be there.
 */
export interface MissingStretch {
  readonly wanted: Entry
  readonly known: number
  /** The least seq that the peer is known to lack. Equal to `known + 1` once the stretch is exact. */
  readonly unknown: number
}

/**
 * The stretch to send to a peer whose heads for this author are `theirs`. Exact, unless the peer has a head that we lack while it
 * lacks one of ours: then the author has forked, and where the branches part has to be probed.
 */
export function missingStretch(graph: Graph, wanted: Entry, theirs: readonly Head[]): MissingStretch {
  let known = -1
  let isExact = true
  for (const head of theirs) {
    const entry = graph.find(head.id)
    if (entry === undefined || !equalBytes(entry.author, wanted.author)) isExact = false
    else known = Math.max(known, lastCommonSeq(graph, entry, wanted))
  }
  return { wanted, known, unknown: isExact ? known + 1 : wanted.seq }
}

/** True when nothing is left to probe. */
export function isExact(stretch: MissingStretch): boolean {
  return stretch.unknown === stretch.known + 1
}

/** Seqs to probe next, ascending: spread evenly between what is known and what is lacking. */
export function probeSeqs(stretch: MissingStretch): readonly number[] {
  const gap = stretch.unknown - stretch.known - 1
  const count = Math.min(gap, PROBE_IDS_MAX)
  return Array.from({ length: count }, (_, i) => stretch.known + Math.ceil(((i + 1) * gap) / (count + 1)))
}

/** The stretch after the peer said that it has the first `have` of the probed seqs. */
export function afterProbe(stretch: MissingStretch, seqs: readonly number[], have: number): MissingStretch {
  const known = have === 0 ? stretch.known : (seqs[have - 1] as number)
  const unknown = seqs[have] ?? stretch.unknown
  return { ...stretch, known, unknown }
}

/**
 * Adds the ordinals of a stretch to those of other stretches, latest first, down to the first that is there already: below it lies
 * only what that stretch has added, or what the peer has. So all stretches together cost what is to be sent, forks or not.
 */
export function addOrdinalsOf(graph: Graph, stretch: MissingStretch, ordinals: Set<number>): void {
  let at = stretch.wanted
  while (at.seq > stretch.known && !ordinals.has(at.ordinal)) {
    ordinals.add(at.ordinal)
    if (at.prev === null) return
    at = graph.at(at.prev)
  }
}

/** The greatest seq at which two chains of one author agree; −1 where they share nothing. */
function lastCommonSeq(graph: Graph, a: Entry, b: Entry): number {
  let low = -1
  let high = Math.min(a.seq, b.seq)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const same = ancestorAtSeq(graph, a, middle).ordinal === ancestorAtSeq(graph, b, middle).ordinal
    if (same) low = middle
    else high = middle - 1
  }
  return low
}
