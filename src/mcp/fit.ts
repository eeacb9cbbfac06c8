import { MCP_LIST_MAX, MCP_RESULT_CHARACTERS } from '../core/limits.ts'
import { formatJson } from '../core/json.ts'

/** What of a list goes into one result. */
export interface Fitted<T> {
  readonly taken: readonly T[]
  /** True where something is left: more was there than asked for, or than fits. */
  readonly isCut: boolean
}

/**
 * As many of some entries as fit into one result, at least one, and at most `limit`. Takes one entry more than it gives, and no further.
 */
export function fit<T>(
  entries: Iterable<T>,
  limit: number = MCP_LIST_MAX,
  charactersMax: number = MCP_RESULT_CHARACTERS,
): Fitted<T> {
  const taken: T[] = []
  let characters = 0
  for (const entry of entries) {
    characters += formatJson(entry).length + 1
    if (taken.length >= limit || (taken.length > 0 && characters > charactersMax))
      return { taken, isCut: true }
    taken.push(entry)
  }
  return { taken, isCut: false }
}
