import { NO_CHARACTER, NO_SPAN, type SpanTree } from './span-tree.ts'

/** Where new characters go: behind the span `after`, between these two neighbours of the version they were written in. */
export interface InsertionPoint {
  readonly after: number
  readonly originLeft: number
  readonly originRight: number
}

/**
 * Where characters go that were inserted at `position` of the prepared version: FugueMax (Weidner and Kleppmann, "The Art of the
 * Fugue", 2023), by the scan of the event-graph walker (Gentle and Kleppmann, EuroSys 2025, §3.3). Between the two neighbours only
 * characters inserted at the same time can stand, none of them prepared. Among those with the same left neighbour the one whose right
 * neighbour is further right goes first, and with both neighbours the same the lesser operation id; `isBefore` says whether the new
 * characters' id is less than that of the character it is given.
 *
 * May split the span at the place. Cost: O(log spans), and where others inserted at the same time as much for each of their spans
 * there; at most once for each left neighbour in one operation.
 */
export function findInsertionPoint(
  tree: SpanTree,
  position: number,
  isBefore: (character: number) => boolean,
): InsertionPoint {
  let left = NO_SPAN
  let originLeft = NO_CHARACTER
  if (position > 0) {
    const { span, offset } = tree.findPrepared(position - 1)
    originLeft = tree.start(span) + offset
    if (offset + 1 < tree.length(span)) tree.splitBefore(originLeft + 1)
    left = tree.spanOf(originLeft)
  }
  const next = tree.next(left)
  const isConcurrent = next !== NO_SPAN && !tree.isPrepared(next)
  const right = !isConcurrent ? next : position === tree.prepared ? NO_SPAN : tree.findPrepared(position).span
  const originRight = right === NO_SPAN ? NO_CHARACTER : tree.start(right)
  const isLeftChild = right !== NO_SPAN && tree.originLeft(right) === originLeft
  const isFirstLeftChild = isLeftChild && !tree.hasLeftChildren(right)
  if (isLeftChild) tree.markLeftChild(right)
  if (!isConcurrent) return { after: left, originLeft, originRight }
  const after = isFirstLeftChild
    ? tree.previous(right)
    : scan(tree, left, { originLeft, originRight }, isBefore)
  return { after, originLeft, originRight }
}

/** The span behind which the new characters go, of those from `after` to the next prepared one. */
function scan(
  tree: SpanTree,
  after: number,
  { originLeft, originRight }: { readonly originLeft: number; readonly originRight: number },
  isBefore: (character: number) => boolean,
): number {
  const leftRank = rankOf(tree, originLeft)
  const rightRank = originRight === NO_CHARACTER ? tree.all : rankOf(tree, originRight)
  let last = after
  /** True while what was passed may still turn out to stand behind the new characters. */
  let isUndecided = false
  for (let other = tree.next(after); other !== NO_SPAN && !tree.isPrepared(other); other = tree.next(other)) {
    const otherLeft = tree.originLeft(other)
    if (otherLeft === originLeft) {
      const otherRight = tree.originRight(other)
      if (otherRight === originRight) {
        if (isBefore(tree.start(other))) break
        isUndecided = false
      } else isUndecided = otherRight !== NO_CHARACTER && rankOf(tree, otherRight) < rightRank
    } else if (rankOf(tree, otherLeft) < leftRank) break
    if (!isUndecided) last = other
  }
  return last
}

/** How many characters stand before this one; -1 for the start of the document. */
function rankOf(tree: SpanTree, character: number): number {
  if (character === NO_CHARACTER) return -1
  const span = tree.spanOf(character)
  return tree.allBefore(span) + character - tree.start(span)
}
