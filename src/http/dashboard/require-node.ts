import type { Caller } from '../../node/agents/caller.ts'
import { FaultError } from '../../node/fault-error.ts'

/**
 * Throws `NOT_ALLOWED` for every caller but the node's own operator in a browser: what the dashboard asks reads and writes as the node itself,
 * which no agent may, one that runs the node included.
 */
export function requireNode(caller: Caller): void {
  if (caller.isNode) return
  const detail =
    'this is for the dashboard alone: open the link that "hanse dashboard" prints, or use the other addresses of /openapi.json'
  throw new FaultError({ code: 'NOT_ALLOWED', detail })
}
