import { equalBytes, toHex } from './bytes.ts'
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

/**
 * The latest operation in the chain that ends with `entry` for which `holds` does, where it holds for all before some seq and for
 * none after; null where for none. O(log² seq).
 */
export function lastInChain(graph: Graph, entry: Entry, holds: (entry: Entry) => boolean): Entry | null {
  let low = -1
  let high = entry.seq
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(ancestorAtSeq(graph, entry, middle))) low = middle
    else high = middle - 1
  }
  return low === -1 ? null : ancestorAtSeq(graph, entry, low)
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
  return findInPast(
    graph,
    from,
    target.lamport,
    (entry) => entry.ordinal === target.ordinal || isInChain(graph, target, entry),
  )
}

/**
 * Looks for one way from `from` down to `target`: along the log of each author met, which jumps cross in few steps, and from where that log
 * begins (above the target) to the earliest operation it was built on. True only where there is a way, or one to an operation that is known to have the target
 * in its past (`descendants`); false says nothing. Meets each author once, and no more of them than a sixteenth of the operations above the target.
 */
export function hasWayDown(
  graph: Graph,
  target: Entry,
  from: Entry,
  descendants: ReadonlySet<number>,
): boolean {
  let at = from
  for (let left = (from.ordinal - target.ordinal) / 16; left > 0; left--) {
    const first = firstInChain(graph, at, target.ordinal)
    if (isInChain(graph, target, at) || descendants.has(first.ordinal)) return true
    const next = first.parents.reduce(
      (least, parent) => (parent >= target.ordinal && parent < least ? parent : least),
      first.ordinal,
    )
    if (next === first.ordinal) return false
    at = graph.at(next)
  }
  return false
}

/** The earliest operation in the chain that ends with `entry` whose ordinal is at least `ordinal`. */
function firstInChain(graph: Graph, entry: Entry, ordinal: number): Entry {
  let at = entry
  while (at.prev !== null && at.prev >= ordinal) at = graph.at(at.jump >= ordinal ? at.jump : at.prev)
  return at
}

/**
 * Many questions about one past⁺(from), whose answers together cost one search: it goes down by ordinal, which grows from parents to
 * children, no further than the oldest operation asked about. An author who names thousands of operations in one body has them
 * looked up for the price of one.
 */
export class PastReader {
  readonly #graph: Graph
  readonly #from: readonly Pick<Entry, 'ordinal'>[]
  /** Null before the first question: most readers are never asked any. */
  #begun: Search | null = null

  constructor(graph: Graph, from: readonly Pick<Entry, 'ordinal'>[]) {
    this.#graph = graph
    this.#from = from
  }

  /** True when `target` is in the past. `descendants`: ordinals of operations that are known to be it or to have it in their past. */
  has(target: Entry, descendants?: ReadonlySet<number>): boolean {
    const search = this.#search()
    if (this.#isEnded(target)) return true
    while (search.cursor >= target.ordinal) {
      const ordinal = search.cursor
      // Left unvisited: a later question goes on from here.
      if (descendants?.has(ordinal) === true && search.open.has(ordinal)) return true
      search.cursor--
      if (search.open.delete(ordinal) && isInChain(this.#graph, target, this.#visit(ordinal))) return true
    }
    return false
  }

  /**
   * Takes in more: from now on the questions are about the past of what was asked about and of these, themselves included. No operation is
   * visited twice, so that the readers of a whole log, each extended from the one before, cost one search together.
   */
  extend(entries: readonly Entry[]): void {
    const search = this.#search()
    // What is above the cursor and was in the past before has been visited; `#ends` tell so until they are brought up to date below.
    const found = new Map<number, Entry>()
    const above = [...entries]
    for (let entry = above.pop(); entry !== undefined; entry = above.pop()) {
      if (entry.ordinal <= search.cursor) search.open.add(entry.ordinal)
      else if (!found.has(entry.ordinal) && !this.#isEnded(entry)) {
        found.set(entry.ordinal, entry)
        for (const parent of entry.parents) {
          if (parent > search.cursor) above.push(this.#graph.at(parent))
          else search.open.add(parent)
        }
        if (entry.prev !== null && entry.prev <= search.cursor) search.followed.add(entry.prev)
      }
    }
    for (const entry of [...found.values()].sort((a, b) => a.ordinal - b.ordinal)) {
      const author = toHex(entry.author)
      const ends = search.ends.get(author) ?? []
      search.ends.set(author, [...ends.filter((end) => !isInChain(this.#graph, end, entry)), entry])
    }
  }

  #search(): Search {
    this.#begun ??= {
      open: new Set(this.#from.map(({ ordinal }) => ordinal)),
      cursor: this.#from.reduce((most, { ordinal }) => Math.max(most, ordinal), -1),
      ends: new Map(),
      followed: new Set(),
    }
    return this.#begun
  }

  #isEnded(target: Entry): boolean {
    const ends = this.#search().ends.get(toHex(target.author)) ?? []
    return ends.some((end) => isInChain(this.#graph, target, end))
  }

  #visit(ordinal: number): Entry {
    const { open, ends, followed } = this.#search()
    const entry = this.#graph.at(ordinal)
    for (const parent of entry.parents) open.add(parent)
    if (!followed.delete(ordinal)) {
      const author = toHex(entry.author)
      const known = ends.get(author)
      if (known === undefined) ends.set(author, [entry])
      else known.push(entry)
    }
    if (entry.prev !== null) followed.add(entry.prev)
    return entry
  }
}

/** How far a {@link PastReader} has looked. */
interface Search {
  /** Ordinals known to be in the past and not visited yet, all at most `cursor`. */
  readonly open: Set<number>
  cursor: number
  /** By author: the visited operations that no visited operation of the author follows. */
  readonly ends: Map<string, Entry[]>
  readonly followed: Set<number>
}

/** True when some operation of past⁺(from) with a lamport of at least `lamportMin` satisfies `wanted`. */
function findInPast(
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
