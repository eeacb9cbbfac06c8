import type { PeerId } from '@libp2p/interface'
import type { SyncReport } from '../../core/sync/session.ts'

/** Bound of one run that the node starts by itself, in ms. A cold sync of a large space goes on in the next one. */
const RUN_TIMEOUT_MS = 10 * 60 * 1000
/** How long a wish to sync is gathered before it is followed, in ms: a burst of missing parents makes one run. */
const DEBOUNCE_MS = 20

/** One space as the scheduler sees it. */
export interface ScheduledSpace<Space> {
  readonly space: Space
  /** Peers past the handshake, and connected peers that may share the space. */
  readonly peers: () => readonly PeerId[]
  run(peer: PeerId, signal: AbortSignal): Promise<SyncReport>
}

export interface SchedulerInit {
  /** Anti-entropy with every peer of a space, whether or not gossip seems to work, in ms. */
  readonly intervalMs: number
  /** A run failed: for the log; the next interval tries again. */
  readonly onFailure: (peer: PeerId, error: Error) => void
}

/**
 * When to compare with whom: soon after a wish (a new connection, a missing parent, an operation nobody got), and with every peer
 * of every space at an interval. One run at a time for each space and peer.
 */
export class SyncScheduler<Space extends object> {
  readonly #init: SchedulerInit
  readonly #spaces = new Map<Space, ScheduledSpace<Space>>()
  readonly #pending = new Map<string, NodeJS.Timeout>()
  readonly #running = new Set<string>()
  readonly #again = new Set<string>()
  readonly #abort = new AbortController()
  #interval: NodeJS.Timeout | null = null

  constructor(init: SchedulerInit) {
    this.#init = init
  }

  start(): void {
    this.#interval = setInterval(() => this.syncAll(), this.#init.intervalMs)
    this.#interval.unref()
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval)
    for (const timer of this.#pending.values()) clearTimeout(timer)
    this.#pending.clear()
    this.#abort.abort(new Error('the node stops'))
  }

  add(scheduled: ScheduledSpace<Space>): void {
    this.#spaces.set(scheduled.space, scheduled)
  }

  /** Compares every space with every peer of it, soon. */
  syncAll(): void {
    for (const { space, peers } of this.#spaces.values()) for (const peer of peers()) this.soon(space, peer)
  }

  /** Compares one space with one peer, soon; again after the present run where one is under way. */
  soon(space: Space, peer: PeerId): void {
    const scheduled = this.#spaces.get(space)
    if (scheduled === undefined || this.#abort.signal.aborted) return
    const key = `${[...this.#spaces.keys()].indexOf(space)} ${peer.toString()}`
    if (this.#pending.has(key)) return
    if (this.#running.has(key)) {
      this.#again.add(key)
      return
    }
    const timer = setTimeout(() => {
      this.#pending.delete(key)
      void this.#run(scheduled, peer, key)
    }, DEBOUNCE_MS)
    timer.unref()
    this.#pending.set(key, timer)
  }

  async #run(scheduled: ScheduledSpace<Space>, peer: PeerId, key: string): Promise<void> {
    this.#running.add(key)
    try {
      await scheduled.run(peer, AbortSignal.any([this.#abort.signal, AbortSignal.timeout(RUN_TIMEOUT_MS)]))
    } catch (error) {
      if (!this.#abort.signal.aborted)
        this.#init.onFailure(peer, error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#running.delete(key)
    }
    if (this.#again.delete(key)) this.soon(scheduled.space, peer)
  }
}
