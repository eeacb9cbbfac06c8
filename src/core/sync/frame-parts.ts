import { ENTRIES_PER_FRAME_MAX } from '../limits.ts'

/** Visits a list in parts that fit a frame; the last part, which may be empty, is marked. */
export function forEachPart<T>(
  items: readonly T[],
  visit: (part: readonly T[], last: boolean) => void,
): void {
  let from = 0
  do {
    const to = from + ENTRIES_PER_FRAME_MAX
    visit(items.slice(from, to), to >= items.length)
    from = to
  } while (from < items.length)
}
