import type { PeerId } from '@libp2p/interface'
import type { SyncService, SyncSpace } from '../../../protocols/sync/index.ts'
import { equalBytes } from '../../core/bytes.ts'
import type { SyncReport } from '../../core/sync/session.ts'

/** How long a peer's receipt is waited for after a run, in ms; it is on its way already. */
const RECEIPT_WAIT_MS = 1_000

/**
 * One run about a space that rests, which keeps no link: it is let go as soon as the peer has acknowledged what it holds. `rests` is
 * asked after the run, since what it brings may have woken the space.
 */
export async function runAndLetGo(
  sync: SyncService,
  peer: PeerId,
  space: SyncSpace,
  rests: () => boolean,
  signal: AbortSignal,
): Promise<SyncReport> {
  const { promise: acknowledged, resolve } = Promise.withResolvers<void>()
  const listening = new AbortController()
  sync.addEventListener(
    'receipt',
    ({ detail }) => {
      if (detail.peer.equals(peer) && equalBytes(detail.space.spaceId, space.spaceId)) resolve()
    },
    { signal: listening.signal },
  )
  let timer: NodeJS.Timeout | null = null
  try {
    const report = await sync.sync(peer, space, signal)
    if (!rests()) return report
    if (report.inSync) {
      timer = setTimeout(resolve, RECEIPT_WAIT_MS)
      await acknowledged
    }
    if (rests()) sync.letGo(space.spaceId, peer)
    return report
  } finally {
    listening.abort()
    if (timer !== null) clearTimeout(timer)
  }
}
