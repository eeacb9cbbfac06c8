import { toHex } from './bytes.ts'
import type { KnownLog } from './clock-text.ts'

/** How one clock stands to another: it has less, more, the same, or each has something that the other lacks. */
export type ClockOrder = 'before' | 'after' | 'equal' | 'concurrent'

/**
 * Compares two clocks (Fidge and Mattern's order, by author), without any operation at hand. Of an author with one log the seq decides; two
 * ids at one seq are a fork and so concurrent. Of an author with several heads only equal heads, or all of one clock's among the other's,
 * can be told apart without the graph; anything else counts as concurrent, which costs a comparison and loses nothing.
 */
export function compareClocks(a: readonly KnownLog[], b: readonly KnownLog[]): ClockOrder {
  const [left, right] = [byAuthor(a), byAuthor(b)]
  let hasLess = false
  let hasMore = false
  for (const author of new Set([...left.keys(), ...right.keys()])) {
    const order = compareLogs(left.get(author), right.get(author))
    hasLess ||= order === 'before' || order === 'concurrent'
    hasMore ||= order === 'after' || order === 'concurrent'
  }
  if (hasLess && hasMore) return 'concurrent'
  return hasLess ? 'before' : hasMore ? 'after' : 'equal'
}

/** The least clock, as far as can be told without the graph, that has what either has. */
export function mergeClocks(a: readonly KnownLog[], b: readonly KnownLog[]): readonly KnownLog[] {
  const merged = new Map(byAuthor(a))
  for (const [author, log] of byAuthor(b)) {
    const known = merged.get(author)
    const order = compareLogs(known, log)
    if (known === undefined || order === 'before') merged.set(author, log)
    else if (order === 'concurrent') merged.set(author, joinLogs(known, log))
  }
  return [...merged.values()]
}

const byAuthor = (clock: readonly KnownLog[]): ReadonlyMap<string, KnownLog> =>
  new Map(clock.map((log) => [toHex(log.author), log]))

function compareLogs(a: KnownLog | undefined, b: KnownLog | undefined): ClockOrder {
  if (a === undefined || b === undefined) return a === b ? 'equal' : a === undefined ? 'before' : 'after'
  const [left, right] = [endOf(a), endOf(b)]
  if (left === null || right === null) return compareHeadSets(a, b)
  if (left.seq !== right.seq) return left.seq < right.seq ? 'before' : 'after'
  const isFork = left.id !== null && right.id !== null && left.id !== right.id
  return isFork ? 'concurrent' : 'equal'
}

/** Where a log with one end has it; null for several ends, and for an id without its seq. */
function endOf({ seq, heads }: KnownLog): { readonly seq: number; readonly id: string | null } | null {
  if (heads.length === 0) return seq === null ? null : { seq, id: null }
  const [head, ...others] = heads
  if (head === undefined || others.length > 0 || seq !== null || head.seq === null) return null
  return { seq: head.seq, id: toHex(head.id) }
}

function compareHeadSets(a: KnownLog, b: KnownLog): ClockOrder {
  const [left, right] = [namesOf(a), namesOf(b)]
  const isWithin = left.isSubsetOf(right)
  const isAround = right.isSubsetOf(left)
  if (isWithin && isAround) return 'equal'
  return isWithin ? 'before' : isAround ? 'after' : 'concurrent'
}

const namesOf = ({ seq, heads }: KnownLog): ReadonlySet<string> =>
  new Set([...(seq === null ? [] : [`to ${seq}`]), ...heads.map(({ id }) => toHex(id))])

function joinLogs(a: KnownLog, b: KnownLog): KnownLog {
  const heads = new Map([...a.heads, ...b.heads].map((head) => [toHex(head.id), head]))
  const seq = a.seq === null ? b.seq : b.seq === null ? a.seq : Math.max(a.seq, b.seq)
  return { author: a.author, seq, heads: [...heads.values()] }
}
