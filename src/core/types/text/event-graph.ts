/** What separates two versions: the nodes in the past of one and not of the other, each descending. */
export interface VersionDifference {
  readonly onlyFirst: readonly number[]
  readonly onlySecond: readonly number[]
}

const FIRST = 1
const SECOND = 2
const BOTH = FIRST | SECOND

/**
 * The operations that edit one document, and who follows whom: nodes by number in the order in which they came, parents first. A
 * *version* is a list of nodes, ascending, and means them and all their ancestors.
 */
export class EventGraph {
  readonly #parents: (readonly number[])[] = []
  #heads: readonly number[] = []

  /** How many nodes there are. */
  get size(): number {
    return this.#parents.length
  }

  /** The nodes that no other follows: the version of everything. */
  get heads(): readonly number[] {
    return this.#heads
  }

  parents(node: number): readonly number[] {
    return this.#parents[node] as readonly number[]
  }

  /** Adds a node after its parents, and gives its number. Throws where a parent is not there: a bug of the caller. */
  add(parents: readonly number[]): number {
    const node = this.#parents.length
    const sorted = isAscending(parents) ? parents : [...new Set(parents)].sort((a, b) => a - b)
    if (sorted.some((parent) => !(parent >= 0 && parent < node)))
      throw new Error(`bug: node ${node} of a text follows a node that is not there`)
    this.#parents.push(sorted)
    this.#heads =
      sorted.length === 1 && this.#heads.length === 1 && sorted[0] === this.#heads[0]
        ? [node]
        : [...this.#heads.filter((head) => !sorted.includes(head)), node]
    return node
  }

  /** Cost: the nodes that separate the versions, and those beside them. */
  difference(first: readonly number[], second: readonly number[]): VersionDifference {
    const onlyFirst: number[] = []
    const onlySecond: number[] = []
    const sides = new Map<number, number>()
    const open: number[] = []
    /** Open nodes that are not known to be in both. */
    let undecided = 0
    const visit = (node: number, side: number) => {
      const before = sides.get(node)
      if (before === undefined) {
        push(open, node)
        if (side !== BOTH) undecided++
      } else if (before !== BOTH && (before | side) === BOTH) undecided--
      sides.set(node, (before ?? 0) | side)
    }
    for (const node of first) visit(node, FIRST)
    for (const node of second) visit(node, SECOND)
    while (undecided > 0) {
      const node = popGreatest(open)
      const side = sides.get(node) as number
      if (side !== BOTH) {
        undecided--
        if (side === FIRST) onlyFirst.push(node)
        else onlySecond.push(node)
      }
      for (const parent of this.parents(node)) visit(parent, side)
    }
    return { onlyFirst, onlySecond }
  }

  /** One byte a node: 1 for those of the version. */
  membersOf(version: readonly number[]): Uint8Array {
    const members = new Uint8Array(this.size)
    for (const node of version) members[node] = 1
    for (let node = this.size - 1; node >= 0; node--)
      if (members[node] === 1) for (const parent of this.parents(node)) members[parent] = 1
    return members
  }
}

/** True when both name the same nodes; both ascend. */
export function isSameVersion(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i])
}

function isAscending(nodes: readonly number[]): boolean {
  for (let i = 1; i < nodes.length; i++) if ((nodes[i - 1] as number) >= (nodes[i] as number)) return false
  return true
}

function push(heap: number[], node: number): void {
  let at = heap.length
  heap.push(node)
  while (at > 0) {
    const above = (at - 1) >> 1
    if ((heap[above] as number) >= node) break
    heap[at] = heap[above] as number
    at = above
  }
  heap[at] = node
}

function popGreatest(heap: number[]): number {
  const greatest = heap[0] as number
  const last = heap.pop() as number
  const { length } = heap
  if (length === 0) return greatest
  let at = 0
  for (let child = 1; child < length; child = 2 * at + 1) {
    if (child + 1 < length && (heap[child + 1] as number) > (heap[child] as number)) child++
    if ((heap[child] as number) <= last) break
    heap[at] = heap[child] as number
    at = child
  }
  heap[at] = last
  return greatest
}
