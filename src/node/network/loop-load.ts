import { performance } from 'node:perf_hooks'

/** Part of the time since the last call, or since this one, that the event loop of this thread was at work: 0 to 1. */
export function createLoopLoad(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}
