import { equalBytes } from './bytes.ts'
import type { Entry, Graph } from './graph.ts'

/**
 * The jump ordinal of a new operation that follows `prev` in its log (Myers, "An applicative random-access stack", 1983):
 * jumps of skew-binary lengths, so that {@link ancestorAtSeq} takes O(log seq) steps. An operation at seq 0 jumps to itself.
 */
export function jumpOf(graph: Graph, prev: Entry): number {
  const jump = graph.at(prev.jump)
  const beyond = graph.at(jump.jump)
  return prev.seq - jump.seq === jump.seq - beyond.seq ? jump.jump : prev.ordinal
}

/** The operation at `seq` in the chain of the author's own operations that ends with `entry`; `seq` at most `entry.seq`. */
export function ancestorAtSeq(graph: Graph, entry: Entry, seq: number): Entry {
  let at = entry
  while (at.seq > seq) {
    const jump = graph.at(at.jump)
    at = jump.seq >= seq ? jump : graph.at(at.prev as number)
  }
  return at
}

/** True when `earlier` is `later` itself or lies before it in the same author's chain. */
export function isInChain(graph: Graph, earlier: Entry, later: Entry): boolean {
  if (earlier.seq > later.seq || !equalBytes(earlier.author, later.author)) return false
  return ancestorAtSeq(graph, later, earlier.seq).ordinal === earlier.ordinal
}

/**
 * True when `target` is in past⁺(from). A search upwards that never looks below the target's lamport, since lamport grows
 * along every edge; it ends early at any operation whose own chain answers. Cost: at most the operations of past⁺(from)
 * with a lamport not below the target's.
 */
export function isInPast(graph: Graph, target: Entry, from: readonly Entry[]): boolean {
  return findInPast(graph, from, target.lamport, (entry) => entry.ordinal === target.ordinal || isInChain(graph, target, entry))
}

/** True when some operation of past⁺(from) with a lamport of at least `lamportMin` satisfies `wanted`. */
export function findInPast(
  graph: Graph,
  from: readonly Entry[],
  lamportMin: number,
  wanted: (entry: Entry) => boolean,
): boolean {
  const seen = new Set<number>()
  const open: Entry[] = []
  const visit = (entry: Entry) => {
    if (entry.lamport < lamportMin || seen.has(entry.ordinal)) return
    seen.add(entry.ordinal)
    open.push(entry)
  }
  for (const entry of from) visit(entry)
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (wanted(entry)) return true
    for (const parent of entry.parents) visit(graph.at(parent))
  }
  return false
}
