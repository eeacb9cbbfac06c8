import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatJson } from '../../core/json.ts'
import { CONTROL_PAGE_CHARACTERS, CONTROL_PAGE_ITEMS } from '../../core/limits.ts'

/**
 * Sends items to whoever asked, a page at a time: at most CONTROL_PAGE_ITEMS, and CONTROL_PAGE_CHARACTERS of JSON unless one item alone is
 * longer. Others are served between two pages. Returns how many there were.
 */
export async function emitPages<T>(
  items: Iterable<T>,
  { emit, signal }: { readonly emit: (page: T[]) => Promise<void>; readonly signal: AbortSignal },
): Promise<number> {
  let page: T[] = []
  let characters = 0
  let count = 0
  for (const item of items) {
    page.push(item)
    characters += formatJson(item).length
    count++
    if (page.length < CONTROL_PAGE_ITEMS && characters < CONTROL_PAGE_CHARACTERS) continue
    await emit(page)
    signal.throwIfAborted()
    await nextTurn()
    page = []
    characters = 0
  }
  if (page.length > 0) await emit(page)
  return count
}
