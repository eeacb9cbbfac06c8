import { LIVE_SPACE_KEPT_MS, LIVE_SPACES_MAX } from '../../core/limits.ts'

export interface LiveSpacesHost<Space> {
  /** This node's clock, ms since 1970. */
  readonly now: () => number
  /** The space is live from now on: its topic is joined. */
  readonly onLive: (space: Space) => void
  /** The space rests from now on: its topic is left, and its links are let go. */
  readonly onRest: (space: Space) => void
}

/**
 * Which of a node's spaces are live (docs/decisions/0014): those in which something has happened last. Only they have a gossip topic,
 * links that stay open, and a comparison at every interval. The others rest, and cost nothing but a comparison now and then. Invariants:
 * 1. at most LIVE_SPACES_MAX spaces are live;
 * 2. a space that has been quiet for less than LIVE_SPACE_KEPT_MS keeps its place, so that more busy spaces than places do not drive
 *    one another out at every operation: those without a place are served by comparisons.
 */
export class LiveSpaces<Space> {
  readonly #host: LiveSpacesHost<Space>
  /** When something last happened in it, ms. */
  readonly #live = new Map<Space, number>()
  readonly #resting = new Set<Space>()

  constructor(host: LiveSpacesHost<Space>) {
    this.#host = host
  }

  /** Takes in a space, live if it can be: of several that nothing happens in, those added last are. */
  add(space: Space): void {
    if (this.#live.has(space) || this.#resting.has(space)) return
    this.#resting.add(space)
    this.#enter(space, this.#host.now() - LIVE_SPACE_KEPT_MS)
  }

  /** Something happened in a space. True where it is live now. */
  touch(space: Space): boolean {
    if (!this.#live.has(space)) return this.#enter(space, this.#host.now())
    this.#live.set(space, this.#host.now())
    return true
  }

  isLive(space: Space): boolean {
    return this.#live.has(space)
  }

  /** All spaces: the live ones first, the last touched at the head. */
  all(): readonly Space[] {
    const live = [...this.#live].toSorted(([, a], [, b]) => b - a)
    return [...live.map(([space]) => space), ...this.#resting]
  }

  #enter(space: Space, atMs: number): boolean {
    if (this.#live.size >= LIVE_SPACES_MAX && !this.#giveUpOne()) return false
    this.#resting.delete(space)
    this.#live.set(space, atMs)
    this.#host.onLive(space)
    return true
  }

  #giveUpOne(): boolean {
    const [[oldest, atMs] = []] = [...this.#live].toSorted(([, a], [, b]) => a - b)
    if (oldest === undefined || atMs === undefined || this.#host.now() - atMs < LIVE_SPACE_KEPT_MS)
      return false
    this.#live.delete(oldest)
    this.#resting.add(oldest)
    this.#host.onRest(oldest)
    return true
  }
}
