import { GOSSIP_OWN_MESSAGES_BURST_MAX, GOSSIP_OWN_MESSAGES_PER_SECOND_MAX } from '../../core/limits.ts'
import { TokenBuckets } from '../../core/token-bucket.ts'

/** What this node says by gossip of its own accord, in all its spaces: never as much that its peers would stop listening. */
export class OwnGossip {
  readonly #rate = new TokenBuckets(
    { burst: GOSSIP_OWN_MESSAGES_BURST_MAX, perSecond: GOSSIP_OWN_MESSAGES_PER_SECOND_MAX },
    1,
  )
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** True where one message more may go out. False: what it would say is to be offered by sync. */
  take(): boolean {
    return this.#rate.take('own', this.#now())
  }
}
