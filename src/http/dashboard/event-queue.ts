import { DASHBOARD_EVENTS_WAITING_MAX } from '../../core/limits.ts'
import type { ServerEvent } from '../event-stream.ts'
import type { Monitor } from './monitor.ts'

/**
 * What a monitor tells, for one page, until the signal aborts or `isAllowed`, asked before each event, says no. A page that falls
 * DASHBOARD_EVENTS_WAITING_MAX events behind gets a snapshot in their place.
 */
export async function* dashboardEvents(
  monitor: Monitor,
  isAllowed: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void, void> {
  let waiting: ServerEvent[] = []
  let wake = () => {}
  const news = async () =>
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  const stop = monitor.follow((event) => {
    waiting.push(event)
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    while (!signal.aborted && isAllowed()) {
      if (waiting.length > DASHBOARD_EVENTS_WAITING_MAX)
        waiting = [{ event: 'snapshot', data: monitor.snapshot() }]
      const next = waiting.shift()
      if (next !== undefined) yield next
      else await news()
    }
  } finally {
    stop()
    signal.removeEventListener('abort', onAbort)
  }
}
