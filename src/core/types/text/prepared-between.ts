import type { SpanTree } from './span-tree.ts'

/** A run of characters: its first one's number, and its length. */
export type CharacterRun = readonly [start: number, length: number]

/**
 * The prepared characters from `first` to `last`, as they stand in the document, but for those whose number is not below `before`. Cost: the spans
 * between.
 */
export function preparedBetween(
  tree: SpanTree,
  first: number,
  last: number,
  before: number,
): readonly CharacterRun[] {
  tree.splitBefore(first)
  const runs: CharacterRun[] = []
  for (let span = tree.spanOf(first); ; span = tree.next(span)) {
    const start = tree.start(span)
    const isEnd = span === tree.spanOf(last)
    const end = Math.min(start + tree.length(span), before, isEnd ? last + 1 : Infinity)
    if (tree.isPrepared(span) && end > start) runs.push([start, end - start])
    if (isEnd) return runs
  }
}
