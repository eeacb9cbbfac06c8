import type { PeerId } from '@libp2p/interface'
import { BUSY_INTERVALS_MAX, RESTING_INTERVAL_MS_MAX, RUNS_PER_PEER_MAX } from '../../core/limits.ts'
import type { SyncReport } from '../../core/sync/session.ts'

/** Bound of one run that the node starts by itself, in ms. A cold sync of a large space goes on in the next one. */
const RUN_TIMEOUT_MS = 10 * 60 * 1000
/** How long a wish to sync is gathered before it is followed, in ms: a burst of missing parents makes one run. */
const DEBOUNCE_MS = 20
/** How often a run is tried again whose link ended under it, which is nobody's fault; and how long after it, in ms. */
const TRIES_AGAIN_MAX = 2
const TRY_AGAIN_MS = 500

/** One space as the scheduler sees it. */
export interface ScheduledSpace<Space> {
  readonly space: Space
  /** Peers past the handshake, and connected peers that may share the space. */
  readonly peers: () => readonly PeerId[]
  run(peer: PeerId, signal: AbortSignal): Promise<SyncReport>
  /** True while it is compared ever more rarely, as long as that finds nothing. Default: never. */
  readonly isResting?: () => boolean
  /** True while so much is written that a comparison mostly finds what is on its way. Default: never. */
  readonly isBusy?: () => boolean
  /** True where a link to the peer is open, so that a run costs no handshake. Default: always. */
  readonly isLinked?: (peer: PeerId) => boolean
}

export interface SchedulerInit {
  /** Anti-entropy with every peer of a space, whether or not gossip seems to work, in ms. */
  readonly intervalMs: number
  /** A run failed: for the log; the next interval tries again. */
  readonly onFailure: (peer: PeerId, error: Error) => void
  /** Asked before a run that opens a link: ms to wait before asking again, 0 to go on. Default: go on. */
  readonly delayMs?: (peer: PeerId) => number
  /** A clock that never goes back, in ms. Default: the process's. */
  readonly now?: () => number
}

/** One space with one peer. */
interface Pair<Space> {
  readonly scheduled: ScheduledSpace<Space>
  readonly peer: PeerId
  state: 'idle' | 'gathering' | 'queued' | 'running'
  /** Asked once its time has come, one for each wish: false where what it was wished for has happened by itself. One true is enough. */
  dueIf: (() => boolean)[]
  /** A wish came during the run. */
  isWishedAgain: boolean
  timer: NodeJS.Timeout | null
  /** Runs in a row that found nothing, or no such space; when the last began; and when one ended well, whichever side began it. */
  quietRuns: number
  startedAtMs: number
  comparedAtMs: number
  isStranger: boolean
  triesAgain: number
}

/** What goes on with one peer. */
interface Lane<Space> {
  readonly pairs: Map<Space, Pair<Space>>
  /** Waiting for their turn: wishes before what is compared in any case. */
  readonly wishes: Set<Pair<Space>>
  readonly routine: Set<Pair<Space>>
  /** Runs under way that opened their link. */
  opening: number
  timer: NodeJS.Timeout | null
}

const always = () => true
/** Reasons to compare with one peer that are asked once it is time; with more it is compared in any case. */
const REASONS_MAX = 8

/**
 * When to compare with whom: soon after a wish (a new connection, a missing parent, an operation nobody got), and with every peer
 * of every space at an interval. Invariants:
 * 1. one run at a time for each space and peer;
 * 2. at most RUNS_PER_PEER_MAX runs with one peer at a time that open a link for it, wishes first, as fast as `delayMs` lets them;
 * 3. the interval of a resting space, and of one that the peer does not hold, doubles while that stays so, to RESTING_INTERVAL_MS_MAX;
 * 4. what the peer has compared with us within half an interval, we do not compare for the interval's sake;
 * 5. a busy space is compared for the interval's sake at least every BUSY_INTERVALS_MAX of them.
 */
export class SyncScheduler<Space extends object> {
  readonly #init: SchedulerInit
  readonly #spaces = new Map<Space, ScheduledSpace<Space>>()
  readonly #lanes = new Map<string, Lane<Space>>()
  readonly #abort = new AbortController()
  readonly #now: () => number
  #interval: NodeJS.Timeout | null = null

  constructor(init: SchedulerInit) {
    this.#init = init
    this.#now = init.now ?? (() => performance.now())
  }

  start(): void {
    this.#interval = setInterval(() => this.syncAll(), this.#init.intervalMs)
    this.#interval.unref()
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval)
    this.#abort.abort(new Error('the node stops'))
    for (const peer of this.#lanes.keys()) this.forget(peer)
  }

  add(scheduled: ScheduledSpace<Space>): void {
    this.#spaces.set(scheduled.space, scheduled)
  }

  /** A peer, as text, is gone: what is known of runs with it is forgotten, and those that wait are given up. */
  forget(peer: string): void {
    const lane = this.#lanes.get(peer)
    if (lane === undefined) return
    this.#lanes.delete(peer)
    if (lane.timer !== null) clearTimeout(lane.timer)
    lane.wishes.clear()
    lane.routine.clear()
    for (const { timer } of lane.pairs.values()) if (timer !== null) clearTimeout(timer)
  }

  /** Compares every space with every peer of it with which it is due, soon. */
  syncAll(): void {
    const nowMs = this.#now()
    for (const scheduled of this.#spaces.values()) {
      for (const peer of scheduled.peers()) {
        const lane = this.#lane(peer)
        const pair = this.#pair(lane, scheduled, peer)
        if (pair.state === 'idle' && this.#isDue(pair, nowMs)) this.#enqueue(lane, pair, lane.routine)
      }
    }
  }

  /** A run with a peer ended well, whichever side began it. */
  noteCompared(space: Space, peer: PeerId): void {
    const scheduled = this.#spaces.get(space)
    if (scheduled !== undefined) this.#pair(this.#lane(peer), scheduled, peer).comparedAtMs = this.#now()
  }

  /** Compares one space with one peer, soon; again after the present run where one is under way. */
  soon(space: Space, peer: PeerId): void {
    this.#after(space, peer, DEBOUNCE_MS)
  }

  /**
   * The same, but `intervalMs` after the last run began at the earliest: for what may be wished very often. `isDue`: asked then; where it says
   * no, and nothing else was wished meanwhile, nothing is compared.
   */
  atMost(space: Space, peer: PeerId, intervalMs: number, isDue = always): void {
    const startedAtMs = this.#lanes.get(peer.toString())?.pairs.get(space)?.startedAtMs ?? 0
    this.#after(space, peer, Math.max(DEBOUNCE_MS, startedAtMs + intervalMs - this.#now()), isDue)
  }

  #after(space: Space, peer: PeerId, delayMs: number, isDue = always): void {
    const scheduled = this.#spaces.get(space)
    if (scheduled === undefined || this.#abort.signal.aborted) return
    const lane = this.#lane(peer)
    const pair = this.#pair(lane, scheduled, peer)
    const isOnlyWish = pair.state === 'idle' || (pair.state === 'running' && !pair.isWishedAgain)
    if (isOnlyWish) pair.dueIf = [isDue]
    else if (isDue === always || pair.dueIf.length >= REASONS_MAX) pair.dueIf = [always]
    else pair.dueIf.push(isDue)
    if (pair.state === 'running') pair.isWishedAgain = true
    else if (pair.state === 'queued' && lane.routine.delete(pair)) lane.wishes.add(pair)
    if (pair.state !== 'idle') return
    pair.state = 'gathering'
    pair.timer = setTimeout(() => {
      pair.timer = null
      if (pair.dueIf.some((isStillDue) => isStillDue())) this.#enqueue(lane, pair, lane.wishes)
      else pair.state = 'idle'
    }, delayMs)
    pair.timer.unref()
  }

  #lane(peer: PeerId): Lane<Space> {
    const name = peer.toString()
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { pairs: new Map(), wishes: new Set(), routine: new Set(), opening: 0, timer: null }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  #pair(lane: Lane<Space>, scheduled: ScheduledSpace<Space>, peer: PeerId): Pair<Space> {
    let pair = lane.pairs.get(scheduled.space)
    if (pair === undefined) {
      const unknown = {
        timer: null,
        dueIf: [],
        quietRuns: 0,
        startedAtMs: 0,
        comparedAtMs: -Infinity,
        isStranger: false,
        triesAgain: 0,
      }
      pair = { scheduled, peer, state: 'idle', isWishedAgain: false, ...unknown }
      lane.pairs.set(scheduled.space, pair)
    }
    return pair
  }

  #isDue(pair: Pair<Space>, nowMs: number): boolean {
    const { scheduled, quietRuns, startedAtMs, comparedAtMs, isStranger } = pair
    if (!isStranger && scheduled.isResting?.() !== true) {
      // Timers of one length do not end exactly as far apart, so half an interval less is as good as all.
      const intervals = (scheduled.isBusy?.() === true ? BUSY_INTERVALS_MAX : 1) - 0.5
      return nowMs - comparedAtMs >= intervals * this.#init.intervalMs
    }
    const intervalMs = Math.min(RESTING_INTERVAL_MS_MAX, this.#init.intervalMs * 2 ** quietRuns)
    return startedAtMs === 0 || nowMs - startedAtMs >= intervalMs
  }

  #enqueue(lane: Lane<Space>, pair: Pair<Space>, queue: Set<Pair<Space>>): void {
    pair.state = 'queued'
    pair.timer = null
    queue.add(pair)
    this.#pump(lane)
  }

  /** Starts what may start. A run over a link that is open waits for nobody. */
  #pump(lane: Lane<Space>): void {
    for (const queue of [lane.wishes, lane.routine]) {
      for (const pair of queue) {
        const isLinked = pair.scheduled.isLinked?.(pair.peer) ?? true
        if (!isLinked) {
          if (lane.timer !== null || lane.opening >= RUNS_PER_PEER_MAX) continue
          const delayMs = this.#init.delayMs?.(pair.peer) ?? 0
          if (delayMs > 0) {
            lane.timer = setTimeout(() => {
              lane.timer = null
              this.#pump(lane)
            }, delayMs)
            lane.timer.unref()
            continue
          }
        }
        queue.delete(pair)
        void this.#run(lane, pair, !isLinked)
      }
    }
  }

  async #run(lane: Lane<Space>, pair: Pair<Space>, opens: boolean): Promise<void> {
    pair.state = 'running'
    pair.startedAtMs = this.#now()
    if (opens) lane.opening++
    try {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(RUN_TIMEOUT_MS)])
      this.#onReport(pair, await pair.scheduled.run(pair.peer, signal))
    } catch (error) {
      if (!this.#abort.signal.aborted)
        this.#onFailure(lane, pair, error instanceof Error ? error : new Error(String(error)))
    }
    if (opens) lane.opening--
    pair.state = 'idle'
    if (pair.isWishedAgain) {
      pair.isWishedAgain = false
      const { dueIf } = pair
      this.#after(pair.scheduled.space, pair.peer, DEBOUNCE_MS, () =>
        dueIf.some((isStillDue) => isStillDue()),
      )
    }
    this.#pump(lane)
  }

  #onReport(pair: Pair<Space>, { inSync, received, sent }: SyncReport): void {
    pair.isStranger = false
    pair.triesAgain = 0
    pair.quietRuns = inSync && received === 0 && sent === 0 ? pair.quietRuns + 1 : 0
  }

  #onFailure(lane: Lane<Space>, pair: Pair<Space>, error: Error): void {
    const { code } = error as { readonly code?: unknown }
    pair.isStranger = code === 'UNKNOWN_SPACE'
    pair.quietRuns = pair.isStranger ? pair.quietRuns + 1 : 0
    if (code === 'LINK_CLOSED' && pair.triesAgain < TRIES_AGAIN_MAX && this.#isPeer(pair)) {
      pair.triesAgain++
      const timer = setTimeout(() => {
        if (this.#lanes.get(pair.peer.toString()) === lane) this.soon(pair.scheduled.space, pair.peer)
      }, TRY_AGAIN_MS)
      timer.unref()
      return
    }
    pair.triesAgain = 0
    this.#init.onFailure(pair.peer, error)
  }

  #isPeer({ scheduled, peer }: Pair<Space>): boolean {
    return scheduled.peers().some((one) => one.equals(peer))
  }
}
