import { GOSSIP_OWN_MESSAGES_BURST_MAX, GOSSIP_OWN_MESSAGES_PER_SECOND_MAX } from '../../core/limits.ts'
import type { Operation } from '../../core/operation/operation.ts'
import { TokenBuckets } from '../../core/token-bucket.ts'
import type { SpaceGossip } from './gossip.ts'

/** What this node says by gossip of its own accord: never as much that its peers would stop listening. */
export class OwnGossip {
  readonly #rate = new TokenBuckets(
    { burst: GOSSIP_OWN_MESSAGES_BURST_MAX, perSecond: GOSSIP_OWN_MESSAGES_PER_SECOND_MAX },
    1,
  )
  readonly #now: () => number
  readonly #log: (message: string) => void

  constructor(now: () => number, log: (message: string) => void) {
    this.#now = now
    this.#log = log
  }

  /** Sends an operation to whoever listens. False where it reached nobody, and sync is to offer it. */
  async send(gossip: SpaceGossip, operation: Operation): Promise<boolean> {
    if (!this.#rate.take('own', this.#now())) return false
    try {
      return (await gossip.publish(operation)) > 0
    } catch (error) {
      this.#log(`gossip: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
  }
}
