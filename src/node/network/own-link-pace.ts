import {
  OWN_LINKS_BURST_MAX,
  OWN_LINKS_PER_SECOND_MAX,
  OWN_LINKS_TO_STRANGER_BURST_MAX,
  OWN_LINKS_TO_STRANGER_PER_SECOND_MAX,
  RATED_PEERS_MAX,
} from '../../core/limits.ts'
import { TokenBuckets } from '../../core/token-bucket.ts'

/** How fast this node opens links of its own accord: never as fast that a peer would hold it against us. */
export class OwnLinkPace {
  readonly #toSharers = new TokenBuckets(
    { burst: OWN_LINKS_BURST_MAX, perSecond: OWN_LINKS_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #toStrangers = new TokenBuckets(
    { burst: OWN_LINKS_TO_STRANGER_BURST_MAX, perSecond: OWN_LINKS_TO_STRANGER_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )

  /** Counts a link to a peer, as text, and gives 0; or how long to wait before asking again, in ms. */
  delayMs(peer: string, isSharer: boolean, nowMs: number): number {
    const links = isSharer ? this.#toSharers : this.#toStrangers
    const perSecond = isSharer ? OWN_LINKS_PER_SECOND_MAX : OWN_LINKS_TO_STRANGER_PER_SECOND_MAX
    return links.take(peer, nowMs) ? 0 : Math.ceil(1_000 / perSecond)
  }
}
