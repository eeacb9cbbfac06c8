import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  DIAL_BACKOFF_FIRST_MS,
  DIAL_BACKOFF_MAX_MS,
  DIAL_CANDIDATES_MAX,
  DIAL_FAILURES_REMEMBERED_MAX,
  DIALS_AT_ONCE_MAX,
  DIALS_FRESH_MAX,
} from '../../core/limits.ts'

/** How long a dial is expected to lead to somebody, in ms: one that takes longer holds up no other. */
const DIAL_PATIENCE_MS = 3_000

/** Somebody who may be worth a connection, and where to find them. */
export interface DialCandidate {
  readonly peer: PeerId
  /** Hints; the peer store may know better ones. */
  readonly addresses: readonly Multiaddr[]
}

export interface DialQueueInit {
  /** A clock, ms. */
  readonly now: () => number
  /** Connections that are still missing, dials under way apart. Not above 0: nobody is dialled. */
  readonly missing: () => number
  /** True for whoever is not to be dialled: connected already, or this node itself. */
  readonly isNeedless: (peer: PeerId) => boolean
  /** Dials; rejects where nobody was reached. */
  readonly dial: (candidate: DialCandidate) => Promise<void>
}

interface Failure {
  readonly count: number
  readonly retryAtMs: number
  readonly addresses: ReadonlySet<string>
}

/**
 * Who is dialled next, of many that could be. Hundreds of nodes that start together, each with the addresses of all, must not all dial all:
 *
 * 1. No more dials are under way than connections are missing, and no more than DIALS_FRESH_MAX. Whoever takes longer than
 *    DIAL_PATIENCE_MS does not count any more, so that addresses that answer nothing keep nobody out.
 * 2. At most DIALS_AT_ONCE_MAX are under way, these included.
 * 3. A peer that could not be reached is not tried again before DIAL_BACKOFF_FIRST_MS, twice that after the next failure, and so on to
 *    DIAL_BACKOFF_MAX_MS; at once where an address is named that was not tried.
 * 4. Candidates wait in the order in which they are offered, DIAL_CANDIDATES_MAX at most, those past that are dropped.
 */
export class DialQueue {
  readonly #init: DialQueueInit
  readonly #waiting = new Map<string, DialCandidate>()
  /** By peer: when its dial began. */
  readonly #underWay = new Map<string, number>()
  readonly #failures = new Map<string, Failure>()

  constructor(init: DialQueueInit) {
    this.#init = init
  }

  /** Adds candidates behind those that wait, and dials whoever is wanted now. */
  offer(candidates: readonly DialCandidate[]): void {
    for (const candidate of candidates) {
      const name = candidate.peer.toString()
      if (!this.#waiting.has(name) && this.#waiting.size >= DIAL_CANDIDATES_MAX) continue
      this.#waiting.set(name, candidate)
    }
    this.#fill()
  }

  /** Forgets who waits: a new round has newer addresses. */
  clear(): void {
    this.#waiting.clear()
  }

  #fill(): void {
    for (const [name, candidate] of this.#waiting) {
      if (this.#underWay.size >= DIALS_AT_ONCE_MAX) return
      if (this.#fresh() >= Math.min(DIALS_FRESH_MAX, this.#init.missing())) return
      this.#waiting.delete(name)
      if (this.#underWay.has(name) || this.#init.isNeedless(candidate.peer) || this.#isBackingOff(candidate))
        continue
      void this.#dial(name, candidate)
    }
  }

  async #dial(name: string, candidate: DialCandidate): Promise<void> {
    this.#underWay.set(name, this.#init.now())
    try {
      await this.#init.dial(candidate)
      this.#failures.delete(name)
    } catch {
      this.#noteFailure(name, candidate)
    } finally {
      this.#underWay.delete(name)
    }
    this.#fill()
  }

  #fresh(): number {
    const sinceMs = this.#init.now() - DIAL_PATIENCE_MS
    return [...this.#underWay.values()].filter((beganMs) => beganMs > sinceMs).length
  }

  #isBackingOff({ peer, addresses }: DialCandidate): boolean {
    const failure = this.#failures.get(peer.toString())
    return (
      failure !== undefined &&
      this.#init.now() < failure.retryAtMs &&
      addresses.every((address) => failure.addresses.has(address.toString()))
    )
  }

  #noteFailure(name: string, { addresses }: DialCandidate): void {
    const count = (this.#failures.get(name)?.count ?? 0) + 1
    const pauseMs = Math.min(DIAL_BACKOFF_FIRST_MS * 2 ** (count - 1), DIAL_BACKOFF_MAX_MS)
    // The one that failed longest ago is the first of the map.
    this.#failures.delete(name)
    this.#failures.set(name, {
      count,
      retryAtMs: this.#init.now() + pauseMs,
      addresses: new Set(addresses.map(String)),
    })
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > DIAL_FAILURES_REMEMBERED_MAX && oldest !== undefined)
      this.#failures.delete(oldest)
  }
}
