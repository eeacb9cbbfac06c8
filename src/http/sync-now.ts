import type { LinkTraffic } from '../../protocols/sync/index.ts'
import type { SyncReport } from '../core/sync/session.ts'
import { faultOf } from '../node/fault-of.ts'
import type { Space } from '../node/space/space.ts'

/** What came of comparing with one peer. */
export type PeerSummary =
  | {
      readonly peer: string
      readonly reached: true
      /** Proved equal (DESIGN §7). */
      readonly inSync: boolean
      readonly sent: number
      readonly received: number
      readonly weLack: number
      readonly theyLack: number
      readonly bytesSent: number
      readonly bytesReceived: number
    }
  | { readonly peer: string; readonly reached: false; readonly code: string; readonly detail: string }

/** What came of a sync. */
export interface SyncSummary {
  readonly peers: readonly PeerSummary[]
  /** True where every peer is proved equal, and there was one. */
  readonly inSync: boolean
  /** Operations admitted here meanwhile, and refused, by code. */
  readonly gained: number
  readonly refused: Readonly<Record<string, number>>
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly durationMs: number
}

type FinishedRun = { readonly peer: string; readonly report: SyncReport; readonly runTraffic: LinkTraffic }

/** Compares a space with peers, each once, and says what it came to. One that fails stops no other. */
export async function syncNow(
  space: Space,
  peers: readonly string[],
  signal: AbortSignal,
): Promise<SyncSummary> {
  const { store } = space.hosted
  const startedMs = performance.now()
  const before = { operations: store.count(), refused: store.refusalCounts() }
  const traffic = new Map<string, LinkTraffic>()
  const onSync = ({ detail: { peer, runTraffic } }: CustomEvent<FinishedRun>) => {
    const known = traffic.get(peer) ?? { bytesSent: 0, bytesReceived: 0 }
    traffic.set(peer, {
      bytesSent: known.bytesSent + runTraffic.bytesSent,
      bytesReceived: known.bytesReceived + runTraffic.bytesReceived,
    })
  }
  space.addEventListener('sync', onSync)
  try {
    const compared = await Promise.all(peers.map(async (peer) => await compare(space, peer, signal)))
    const summaries = compared.map((one) =>
      one.reached ? { ...one, ...(traffic.get(one.peer) ?? { bytesSent: 0, bytesReceived: 0 }) } : one,
    )
    const sum = (key: keyof LinkTraffic) => [...traffic.values()].reduce((total, one) => total + one[key], 0)
    return {
      peers: summaries,
      inSync: compared.length > 0 && compared.every((one) => one.reached && one.inSync),
      gained: store.count() - before.operations,
      refused: difference(store.refusalCounts(), before.refused),
      bytesSent: sum('bytesSent'),
      bytesReceived: sum('bytesReceived'),
      durationMs: Math.round(performance.now() - startedMs),
    }
  } finally {
    space.removeEventListener('sync', onSync)
  }
}

async function compare(space: Space, peer: string, signal: AbortSignal) {
  try {
    const report = (await space.sync(peer, signal)).get(peer)
    if (report === undefined) throw new Error('bug: a sync without a report')
    const { inSync, sent, received, weLack, theyLack } = report
    return { peer, reached: true as const, inSync, sent, received, weLack, theyLack }
  } catch (error) {
    const { code, detail } = faultOf(error)
    if (code === 'BAD_PEER') throw error
    return code === 'BUG'
      ? { peer, reached: false as const, code: 'UNREACHABLE', detail: String(error) }
      : { peer, reached: false as const, code, detail }
  }
}

function difference(
  after: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const more = [...after].map(([code, count]) => [code, count - (before.get(code) ?? 0)] as const)
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}
