import type { PeerId } from '@libp2p/interface'
import { encodeOffer } from '../../core/gossip-message.ts'
import { GOSSIP_OFFER_IDS_MAX, GOSSIP_OFFER_MS, GOSSIP_OFFER_PEERS_MAX } from '../../core/limits.ts'
import type { GossipWire } from './gossip-wire.ts'

/** Whom offers go to. */
export interface OffersHost {
  readonly topic: string
  isWelcome(peer: PeerId): boolean
}

/**
 * Tells a few peers, in turn, the ids of what went round a while ago. Whoever lacks one syncs: so a message that was lost, or a peer that lied
 * about whom it had reached, costs a second or two and not an interval of anti-entropy. Costs nothing while nothing goes round.
 */
export class GossipOffers {
  readonly #wire: GossipWire
  readonly #host: OffersHost
  /** Noted since the last time, and before that: what is offered is at least GOSSIP_OFFER_MS old, so that it has had time to come. */
  #young: Uint8Array[] = []
  #old: Uint8Array[] = []
  #turn = 0
  #timer: NodeJS.Timeout | null = null

  constructor(wire: GossipWire, host: OffersHost) {
    this.#wire = wire
    this.#host = host
  }

  /** Notes an operation that went round. Beyond GOSSIP_OFFER_IDS_MAX in one go the rest is left to anti-entropy. */
  note(id: Uint8Array): void {
    if (this.#young.length < GOSSIP_OFFER_IDS_MAX) this.#young.push(id)
    if (this.#timer !== null) return
    this.#timer = setInterval(() => this.#offer(), GOSSIP_OFFER_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#young = []
    this.#old = []
  }

  #offer(): void {
    const ids = this.#old
    this.#old = this.#young
    this.#young = []
    if (this.#old.length === 0 && ids.length === 0) return this.stop()
    const listeners = this.#wire.listeners(this.#host.topic).filter((peer) => this.#host.isWelcome(peer))
    if (ids.length === 0 || listeners.length === 0) return
    const count = Math.min(GOSSIP_OFFER_PEERS_MAX, listeners.length)
    const chosen = Array.from({ length: count }, (_, i) => listeners[(this.#turn + i) % listeners.length])
    this.#turn = (this.#turn + count) % listeners.length
    this.#wire.send(this.#host.topic, encodeOffer(ids), chosen as readonly PeerId[])
  }
}
