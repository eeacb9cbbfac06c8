import {
  LINK_BYTES_BURST_MAX,
  LINK_BYTES_PER_SECOND_MAX,
  LINK_FRAMES_BURST_MAX,
  LINK_FRAMES_PER_SECOND_MAX,
  LINKS_MAX,
  LINKS_PER_PEER_MAX,
  LINKS_QUEUE_BYTES_MAX,
  RATED_PEERS_MAX,
  SYNC_RUN_FRAMES_MAX,
  SYNC_RUN_MS_MAX,
} from '../../src/core/limits.ts'
import { type Rate, TokenBuckets } from '../../src/core/token-bucket.ts'

const FRAMES: Rate = { burst: LINK_FRAMES_BURST_MAX, perSecond: LINK_FRAMES_PER_SECOND_MAX }
const BYTES: Rate = { burst: LINK_BYTES_BURST_MAX, perSecond: LINK_BYTES_PER_SECOND_MAX }

/** What a queued message costs in memory besides its bytes: a flood of the shortest answers must not slip under the bound. */
export const QUEUED_OVERHEAD_BYTES = 128

/** What one link has queued for its peer. */
export interface QueueHolder {
  readonly peer: string
  bytes: number
  /** Ends the link. */
  readonly drop: () => void
}

/**
 * What all links of a node share, so that many peers cannot take together what one may not take alone. The clock is an argument.
 * An honest peer that is fast is slowed down, never blamed: whoever is above a rate waits, and is not read meanwhile.
 */
export class LinkBudget {
  readonly #linksByPeer = new Map<string, number>()
  readonly #frames: TokenBuckets
  readonly #bytes: TokenBuckets
  #links = 0
  readonly #holders = new Set<QueueHolder>()

  /** `frames`, `bytes`: rates of one peer, those of limits.ts by default. */
  constructor({ frames = FRAMES, bytes = BYTES }: { readonly frames?: Rate; readonly bytes?: Rate } = {}) {
    this.#frames = new TokenBuckets(frames, RATED_PEERS_MAX)
    this.#bytes = new TokenBuckets(bytes, RATED_PEERS_MAX)
  }

  /** Takes a place for a link that a peer opens towards us; false where there is none. Give it back with `close`. */
  open(peer: string): boolean {
    const own = this.#linksByPeer.get(peer) ?? 0
    if (own >= LINKS_PER_PEER_MAX || this.#links >= LINKS_MAX) return false
    this.#linksByPeer.set(peer, own + 1)
    this.#links++
    return true
  }

  close(peer: string): void {
    const own = this.#linksByPeer.get(peer) ?? 0
    if (own > 1) this.#linksByPeer.set(peer, own - 1)
    else this.#linksByPeer.delete(peer)
    this.#links--
  }

  /** Counts what a link has queued from now on; it changes `bytes` itself, and calls `makeRoom` after adding. */
  hold(holder: QueueHolder): QueueHolder {
    this.#holders.add(holder)
    return holder
  }

  letGo(holder: QueueHolder): void {
    this.#holders.delete(holder)
  }

  /** Where all links together have queued too much: ends the fullest link of the peer that has most, until it is enough. */
  makeRoom(): void {
    while (this.#queuedBytes() > LINKS_QUEUE_BYTES_MAX) {
      const holder = this.#fullest()
      this.#holders.delete(holder)
      holder.drop()
    }
  }

  #queuedBytes(): number {
    let total = 0
    for (const { bytes } of this.#holders) total += bytes
    return total
  }

  #fullest(): QueueHolder {
    const bytesByPeer = new Map<string, number>()
    for (const { peer, bytes } of this.#holders) bytesByPeer.set(peer, (bytesByPeer.get(peer) ?? 0) + bytes)
    const [[fullest] = ['']] = [...bytesByPeer].toSorted(([, a], [, b]) => b - a)
    const own = [...this.#holders].filter(({ peer }) => peer === fullest)
    return own.toSorted((a, b) => b.bytes - a.bytes)[0] as QueueHolder
  }

  /** A peer has sent a frame of so many bytes: how long to wait, in ms, before it is handled and the next is read. */
  delayMs(peer: string, bytes: number, nowMs: number): number {
    return Math.max(this.#frames.owe(peer, nowMs, 1), this.#bytes.owe(peer, nowMs, bytes))
  }

  /** Waits as long as `delayMs` says. */
  async turn(peer: string, bytes: number, nowMs: number): Promise<void> {
    const delayMs = this.delayMs(peer, bytes, nowMs)
    if (delayMs === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, delayMs)
    await promise
  }
}

/**
 * The bound of one run, however lawful each of its messages. What was admitted stays; a difference that is left is the next run's.
 */
export class RunBound {
  #endsAtMs: number | null = null
  #frames = 0

  /** Says whether a run (or the handshake) is under way; the first time begins the count, the end forgets it. */
  update(isUnderWay: boolean, nowMs: number): void {
    if (!isUnderWay) this.#endsAtMs = null
    else if (this.#endsAtMs === null) {
      this.#endsAtMs = nowMs + SYNC_RUN_MS_MAX
      this.#frames = 0
    }
  }

  /** Counts a frame of the peer; false for one too many. */
  takeFrame(): boolean {
    return ++this.#frames <= SYNC_RUN_FRAMES_MAX
  }

  /** Milliseconds until the run has lasted too long. */
  remainingMs(nowMs: number): number {
    return this.#endsAtMs === null ? Number.POSITIVE_INFINITY : Math.max(0, this.#endsAtMs - nowMs)
  }
}
