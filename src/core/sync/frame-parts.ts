import type { ClockEntry } from '../clock.ts'
import { ENTRIES_PER_FRAME_MAX, HEADS_PER_ENTRY_MAX } from '../limits.ts'

/** An author with a fork storm behind it is listed in several entries, so that none outgrows a frame. */
export function splitEntry(entry: ClockEntry): readonly ClockEntry[] {
  if (entry.heads.length <= HEADS_PER_ENTRY_MAX) return [entry]
  const parts: ClockEntry[] = []
  for (let i = 0; i < entry.heads.length; i += HEADS_PER_ENTRY_MAX) {
    parts.push({ author: entry.author, heads: entry.heads.slice(i, i + HEADS_PER_ENTRY_MAX) })
  }
  return parts
}

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
