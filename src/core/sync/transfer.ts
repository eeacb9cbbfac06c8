import { ancestorAtSeq } from '../ancestry.ts'
import { equalBytes } from '../bytes.ts'
import type { Head } from '../clock.ts'
import type { Entry, Graph } from '../graph.ts'
import { HASH_BYTES } from '../hash.ts'
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

/** What is known of one author's log at the peer, from the heads it listed. */
export interface PeerLog {
  /** Heads of the peer that are here too, each once. */
  readonly common: readonly Entry[]
  /** True where the peer has, or may have, a head that we lack. */
  readonly hasUnknown: boolean
  /** Everything at or before the common heads, where those are many; null where they are compared one by one. */
  readonly marked: ReadonlySet<number> | null
}

/** Common heads beyond which the whole log is marked once, so that a fork storm costs its operations and not their square. */
const COMMON_HEADS_COMPARED_MAX = 8

/** Reads the heads that a peer lists of an author. `isCut`: it may have more than these. */
export function readPeerLog(
  graph: Graph,
  author: Uint8Array,
  heads: readonly Head[],
  isCut: boolean,
): PeerLog {
  const common = new Map<number, Entry>()
  let hasUnknown = isCut
  for (const head of heads) {
    // What was listed by its first bytes, and found, is whole by now.
    const entry = head.id.length === HASH_BYTES ? graph.find(head.id) : undefined
    if (entry === undefined || !equalBytes(entry.author, author)) hasUnknown = true
    else common.set(entry.ordinal, entry)
  }
  const entries = [...common.values()]
  return {
    common: entries,
    hasUnknown,
    marked: entries.length > COMMON_HEADS_COMPARED_MAX ? markLog(graph, entries) : null,
  }
}

/**
 * The stretch to send to a peer that asked for the head `wanted`. Exact, unless the peer has a head that we lack while it lacks one
 * of ours: then the author has forked, and where the branches part has to be probed.
 */
export function missingStretch(graph: Graph, wanted: Entry, log: PeerLog): MissingStretch {
  const { common, marked, hasUnknown } = log
  const known =
    marked === null
      ? common.reduce((most, entry) => Math.max(most, lastCommonSeq(graph, entry, wanted)), -1)
      : lastSeqWhere(wanted.seq, (seq) => marked.has(ancestorAtSeq(graph, wanted, seq).ordinal))
  return { wanted, known, unknown: hasUnknown ? wanted.seq : known + 1 }
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
  let at: number | null = stretch.wanted.ordinal
  for (let seq = stretch.wanted.seq; at !== null && seq > stretch.known && !ordinals.has(at); seq--) {
    ordinals.add(at)
    at = graph.prevOf(at)
  }
}

/** The ordinals at or before `heads` in their author's log. */
function markLog(graph: Graph, heads: readonly Entry[]): ReadonlySet<number> {
  const marked = new Set<number>()
  for (const head of heads) addOrdinalsOf(graph, { wanted: head, known: -1, unknown: 0 }, marked)
  return marked
}

/** The greatest seq at which two chains of one author agree; −1 where they share nothing. */
function lastCommonSeq(graph: Graph, a: Entry, b: Entry): number {
  const isCommon = (seq: number) =>
    ancestorAtSeq(graph, a, seq).ordinal === ancestorAtSeq(graph, b, seq).ordinal
  return lastSeqWhere(Math.min(a.seq, b.seq), isCommon)
}

/** The greatest seq, at most `most`, for which `holds` does; it holds up to some seq and not beyond. −1 where it never does. */
function lastSeqWhere(most: number, holds: (seq: number) => boolean): number {
  // Nearly always: a peer that is merely behind.
  if (most >= 0 && holds(most)) return most
  let low = -1
  let high = most - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}
