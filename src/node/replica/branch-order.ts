import type { TextEditRow } from '../../storage/space-store.ts'

/**
 * Changes of a text, parents first, in an order that follows one branch to its end before it begins another. Two people who wrote at the same
 * time, and whose operations came here by turns, would otherwise have every one of them pay for the other's branch each time the text is
 * opened. Given ascending by (ordinal, index), which is parents first; the changes of one operation stay together.
 */
export function inBranchOrder(rows: readonly TextEditRow[]): readonly TextEditRow[] {
  const operations = Map.groupBy(rows, ({ ordinal }) => ordinal)
  const parentsOf = (ordinal: number) => (operations.get(ordinal) as readonly TextEditRow[])[0]?.parents ?? []
  const children = new Map<number, number[]>()
  /** By operation: its parents that have no place yet. */
  const missing = new Map<number, number>()
  const ready: number[] = []
  for (const ordinal of operations.keys()) {
    const parents = parentsOf(ordinal)
    missing.set(ordinal, parents.length)
    if (parents.length === 0) ready.push(ordinal)
    for (const parent of parents) {
      const others = children.get(parent)
      if (others === undefined) children.set(parent, [ordinal])
      else others.push(ordinal)
    }
  }
  ready.reverse()
  const ordered: TextEditRow[] = []
  for (let ordinal = ready.pop(); ordinal !== undefined; ordinal = ready.pop()) {
    for (const row of operations.get(ordinal) as readonly TextEditRow[]) ordered.push(row)
    // What was placed last is followed first.
    for (const child of (children.get(ordinal) ?? []).toReversed()) {
      const left = (missing.get(child) as number) - 1
      missing.set(child, left)
      if (left === 0) ready.push(child)
    }
  }
  return ordered
}
