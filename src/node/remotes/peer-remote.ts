import { multiaddr } from '@multiformats/multiaddr'
import type { SyncReport } from '../../core/sync/session.ts'
import type { LinkTraffic } from '../../../protocols/sync/index.ts'
import { FaultError } from '../fault-error.ts'
import type { RunContext } from './run-context.ts'

/** Runs with one peer: what is published after the first (a guest's tokens) goes out with the next. */
const RUNS_MAX = 3

/**
 * Compares with a libp2p peer, both ways at once: its protocol knows no pulling without pushing. Throws `OFFLINE`, `UNREACHABLE`, `BAD_PEER`,
 * and what the peer refuses with.
 */
export async function syncWithPeer(
  { node, space, tally, signal, onProgress }: RunContext,
  peer: string,
): Promise<void> {
  const { network } = node
  if (network === null)
    throw new FaultError({ code: 'OFFLINE', detail: 'this node is offline: run "hanse up", and try again' })
  const id = peer.startsWith('/') ? await network.reach(multiaddr(peer), signal) : peer
  const onSync = ({
    detail,
  }: CustomEvent<{
    readonly peer: string
    readonly report: SyncReport
    readonly runTraffic: LinkTraffic
  }>) => {
    if (detail.peer !== id) return
    tally.gained += detail.report.gained
    tally.sent += detail.report.sent
    tally.bytesSent += detail.runTraffic.bytesSent
    tally.bytesReceived += detail.runTraffic.bytesReceived
  }
  const onStep = ({
    detail,
  }: CustomEvent<{
    readonly progress: {
      readonly sent: number
      readonly received: number
      readonly toSend: number
      readonly toReceive: number
    }
  }>) => {
    const { sent, received, toSend, toReceive } = detail.progress
    void onProgress({ what: 'receiving', done: sent + received, total: toSend + toReceive })
  }
  space.addEventListener('sync', onSync)
  space.addEventListener('progress', onStep)
  try {
    for (let run = 1; run <= RUNS_MAX; run++) {
      const report = (await space.sync(id, signal)).get(id)
      if (report === undefined) throw new Error('bug: a sync without a report')
      tally.ahead = report.theyLack
      tally.behind = report.weLack
      if (space.hosted.store.count() === report.mine.operations) break
    }
  } finally {
    space.removeEventListener('sync', onSync)
    space.removeEventListener('progress', onStep)
  }
}
