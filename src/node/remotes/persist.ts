import { setTimeout as wait } from 'node:timers/promises'
import { REMOTE_BACK_OFF_MS_MAX, REMOTE_TRIES_MAX } from '../../core/limits.ts'
import { faultOf } from '../fault-of.ts'

/** Codes of what may go better a moment later. */
const PASSING = new Set(['UNREACHABLE', 'TIMEOUT', 'TOO_MANY', 'NOT_READY', 'REMOTE_FAILED'])
const FIRST_PAUSE_MS = 250

/** Pause before the next try after so many failures in a row, in ms: doubled each time, at most REMOTE_BACK_OFF_MS_MAX. */
export function backOffMs(failures: number): number {
  return Math.min(REMOTE_BACK_OFF_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.min(failures, 20))
}

/**
 * Does something again where the way to the remote broke, as long as each try gets on: what was done by a try stays, so the next has less to
 * do. `progress` grows with what is done, and is 0 while the remote has not been reached at all: then nothing is tried again.
 */
export async function persist<T>(
  work: () => Promise<T>,
  { progress, signal }: { readonly progress: () => number; readonly signal: AbortSignal },
): Promise<T> {
  for (let failures = 0; ; ) {
    const before = progress()
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!PASSING.has(faultOf(error).code) || progress() === 0) throw error
      failures = progress() > before ? 1 : failures + 1
      if (failures >= REMOTE_TRIES_MAX) throw error
      await wait(backOffMs(failures), undefined, { signal })
    }
  }
}
