import type { ArrivedOperation, Incident } from '../../src/http/dashboard/activity.ts'
import type { DashboardEvent } from '../../src/http/dashboard/monitor.ts'
import type { Overview } from '../../src/http/dashboard/overview.ts'
import type { Sample } from '../../src/http/dashboard/samples.ts'
import { parseExact } from './json.ts'
import { session } from './session.ts'
import { createStore } from './store.ts'

/** What the node tells by itself, as it happens. */
export interface Live {
  readonly state: 'connecting' | 'live' | 'lost'
  readonly overview: Overview | null
  /** The latest first. */
  readonly operations: readonly ArrivedOperation[]
  /** Operations that came too fast to be shown one by one. */
  readonly passed: number
  readonly incidents: readonly Incident[]
  /** The oldest first. */
  readonly samples: readonly Sample[]
}

/** Before the node has told anything. */
export const NOTHING: Live = {
  state: 'connecting',
  overview: null,
  operations: [],
  passed: 0,
  incidents: [],
  samples: [],
}
/** What an event carries. */
type DataOf<K> = Extract<DashboardEvent, { readonly event: K }>['data']

/** What is kept here, like on the node. */
const KEPT = 200
const SAMPLES_KEPT = 600

export const live = createStore<Live>(NOTHING)

/** Listens until the page is hidden or left; a browser has few connections to one node, and a hidden page needs none. */
export function listen(): () => void {
  let source: EventSource | null = null
  const open = () => {
    source ??= connect()
  }
  const close = () => {
    source?.close()
    source = null
  }
  const onVisibility = () => (document.visibilityState === 'hidden' ? close() : open())
  document.addEventListener('visibilitychange', onVisibility)
  open()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    close()
  }
}

function connect(): EventSource {
  const source = new EventSource('/v1/dashboard/events')
  const on = <K extends DashboardEvent['event']>(
    event: K,
    take: (data: DataOf<K>, now: Live) => Partial<Live>,
  ) =>
    source.addEventListener(event, ({ data }: MessageEvent<string>) => {
      const now = live.get()
      live.set({ ...now, state: 'live', ...take(parseExact(data) as DataOf<K>, now) })
    })
  on('snapshot', ({ overview, operations, incidents, samples }) => ({
    overview,
    operations,
    incidents,
    samples,
    passed: 0,
  }))
  on('overview', (overview) => ({ overview }))
  on('operations', ({ operations, more }, now) => ({
    operations: [...operations.toReversed(), ...now.operations].slice(0, KEPT),
    passed: now.passed + more,
  }))
  on('incidents', ({ incidents }, now) => ({
    incidents: [...incidents.toReversed(), ...now.incidents].slice(0, KEPT),
  }))
  on('sample', (sample, now) => ({ samples: [...now.samples, sample].slice(-SAMPLES_KEPT) }))
  source.addEventListener('error', () => {
    live.set({ ...live.get(), state: 'lost' })
    // An ended session looks like a lost connection: only asking tells.
    void fetch('/v1/whoami', { credentials: 'same-origin' }).then(
      ({ status }) => {
        if (status === 401) session.set('none')
        else if (source.readyState === EventSource.CLOSED) setTimeout(() => window.location.reload(), 5_000)
      },
      () => {},
    )
  })
  return source
}
