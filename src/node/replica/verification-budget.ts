import {
  BAD_SIGNATURE_FORGIVEN_MS,
  BAD_SIGNATURES_PER_PEER_MAX,
  RATED_PEERS_MAX,
  VERIFICATIONS_MAX,
  VERIFICATIONS_PER_PEER_MAX,
} from '../../core/limits.ts'
import { TokenBuckets } from '../../core/token-bucket.ts'
import { FILE_SOURCE } from './file-source.ts'

/** How many signatures more of a peer may turn out forged, i.e. such as no honest peer hands on, since it would have refused them itself. */
export interface Forgiveness {
  /** False where nothing more of the peer is looked at. */
  readonly isLeft: () => boolean
  /** Says that one was forged. */
  readonly take: () => void
}

/** Checks of one peer. */
interface Lane {
  running: number
  readonly waiting: (() => void)[]
}

/**
 * Who may have how many checks, of a few signatures each, at a time. A native accept is cheap and off this thread; a reject is checked again on
 * it, at about 1 ms. So the number in flight is bounded, peers take turns, and after a few forged signatures nothing more of a
 * peer is looked at: whatever else was in its batch comes again from others. Invariants:
 * 1. at most VERIFICATIONS_PER_PEER_MAX checks of one peer run at a time, VERIFICATIONS_MAX of all;
 * 2. no check of a peer begins while it has no forgiveness left, and a check asks before each reject that it looks at again: so a peer
 *    costs at most BAD_SIGNATURES_PER_PEER_MAX of them. A file of the owner's is no peer and is forgiven everything;
 * 3. a peer whose checks are many keeps nobody else waiting for more than one of its own.
 */
export class VerificationBudget {
  readonly #now: () => number
  /** In the order of their turns. */
  readonly #lanes = new Map<string, Lane>()
  readonly #forgiveness = new TokenBuckets(
    { burst: BAD_SIGNATURES_PER_PEER_MAX, perSecond: 1_000 / BAD_SIGNATURE_FORGIVEN_MS },
    RATED_PEERS_MAX,
  )
  #running = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Runs the checks of a batch within the budget. Verdicts in the order of `items`; null for what was not looked at. */
  async checkAll<Item, Verdict>(
    peer: string,
    items: readonly Item[],
    check: (item: Item, forgiveness: Forgiveness) => Promise<Verdict>,
  ): Promise<readonly (Verdict | null)[]> {
    const verdicts: (Verdict | null)[] = items.map(() => null)
    const places = items.entries()
    const isPeer = peer !== FILE_SOURCE
    const forgiveness: Forgiveness = {
      isLeft: () => !isPeer || this.#forgiveness.has(peer, this.#now()),
      take: () => {
        if (isPeer) this.#forgiveness.take(peer, this.#now())
      },
    }
    const work = async () => {
      for (const [i, item] of places) {
        await this.#begin(peer)
        try {
          if (!forgiveness.isLeft()) return
          verdicts[i] = await check(item, forgiveness)
        } finally {
          this.#end(peer)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(items.length, VERIFICATIONS_PER_PEER_MAX) }, work))
    return verdicts
  }

  /** Checks that run now, and that wait for their turn. */
  get load(): { readonly running: number; readonly waiting: number } {
    const waiting = [...this.#lanes.values()].reduce((sum, lane) => sum + lane.waiting.length, 0)
    return { running: this.#running, waiting }
  }

  /** Resolves when the peer may begin one check more. */
  async #begin(peer: string): Promise<void> {
    const lane = this.#lanes.get(peer) ?? { running: 0, waiting: [] }
    this.#lanes.set(peer, lane)
    if (this.#running >= VERIFICATIONS_MAX || lane.running >= VERIFICATIONS_PER_PEER_MAX) {
      const turn = Promise.withResolvers<void>()
      lane.waiting.push(turn.resolve)
      // Counted by whoever gives the turn, so that nobody slips in between.
      await turn.promise
      return
    }
    lane.running++
    this.#running++
  }

  #end(peer: string): void {
    const lane = this.#lanes.get(peer) as Lane
    lane.running--
    this.#running--
    if (lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(peer)
    this.#giveTurn()
  }

  /** To the peer whose turn is longest ago and that has something waiting. */
  #giveTurn(): void {
    for (const [peer, lane] of this.#lanes) {
      if (lane.waiting.length === 0 || lane.running >= VERIFICATIONS_PER_PEER_MAX) continue
      this.#lanes.delete(peer)
      this.#lanes.set(peer, lane)
      lane.running++
      this.#running++
      lane.waiting.shift()?.()
      return
    }
  }
}
