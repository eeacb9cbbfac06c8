import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Random } from './random.ts'
import type { Cancel, Timeline } from './timeline.ts'

/**
 * Puts virtual time and seeded randomness where production code finds timers and nonces, so that the code under test is the code
 * that runs: `setTimeout`, `setInterval`, `setImmediate`, `AbortSignal.timeout` and `randomBytes`. Gives back what takes them away again.
 * A timer belongs to whose event set it, and dies with it.
 */
export function installVirtualGlobals(timeline: Timeline, random: Random): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = globalThis
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const { randomBytes } = crypto

  const set = (action: () => void, delayMs = 0) =>
    createTimer(timeline.plan(delayMs, timeline.owner, 'timer', action))
  const repeat = (action: () => void, delayMs = 0) =>
    createTimer(timeline.repeat(delayMs, timeline.owner, 'timer', action))
  const clear = (timer: VirtualTimer | null | undefined) => timer?.cancel()

  Object.assign(globalThis, {
    setTimeout: set,
    clearTimeout: clear,
    setInterval: repeat,
    clearInterval: clear,
    setImmediate: (action: () => void) => set(action),
  })
  AbortSignal.timeout = (delayMs) => {
    const controller = new AbortController()
    timeline.plan(delayMs, timeline.owner, 'timeout', () =>
      controller.abort(new DOMException('the time is up', 'TimeoutError')),
    )
    return controller.signal
  }
  Object.assign(crypto, { randomBytes: (length: number) => Buffer.from(random.bytes(length)) })
  syncBuiltinESMExports()

  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate })
    AbortSignal.timeout = timeout
    Object.assign(crypto, { randomBytes })
    syncBuiltinESMExports()
  }
}

interface VirtualTimer {
  readonly cancel: Cancel
  unref(): VirtualTimer
  ref(): VirtualTimer
}

function createTimer(cancel: Cancel): VirtualTimer {
  const timer: VirtualTimer = { cancel, unref: () => timer, ref: () => timer }
  return timer
}
