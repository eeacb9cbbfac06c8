import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { GOSSIP_BACKLOG_BYTES_MAX } from '../../core/limits.ts'

/** Parts of gossipsub that its type does not show (17.1). */
interface GossipInternals {
  getMeshPeers(topic: string): readonly string[]
  readonly streamsOutbound: ReadonlyMap<
    string,
    { readonly rawStream?: { readonly writeBufferLength: number } }
  >
  /** Takes out of `to` whoever it could not be sent to. */
  sendRpcInBatch(to: Set<string>, frame: GossipFrame): void
}

interface GossipFrame {
  readonly subscriptions: readonly never[]
  readonly messages: readonly { readonly topic: string; readonly data: Uint8Array }[]
}

/**
 * Gossipsub as it is used here: who listens, who is in the mesh, and a message to whom we say. What is passed on further is decided
 * operation by operation (gossip-inbox.ts), so gossipsub itself forwards nothing: ten nodes that all know each other would send each
 * message 54 times where 9 do.
 */
export class GossipWire {
  readonly #pubsub: GossipSub

  constructor(pubsub: GossipSub) {
    this.#pubsub = pubsub
  }

  /** Peers that listen to a topic. */
  listeners(topic: string): readonly PeerId[] {
    return this.#pubsub.getSubscribers(topic)
  }

  /** Those of them, as text, that gossipsub has chosen to hand everything on to. */
  mesh(topic: string): readonly string[] {
    return this.#internals.getMeshPeers(topic)
  }

  /** True for a peer to which more waits than it should: what is new comes to it by sync. */
  isSlow(peer: PeerId): boolean {
    const stream = this.#internals.streamsOutbound.get(peer.toString())?.rawStream
    return (stream?.writeBufferLength ?? 0) > GOSSIP_BACKLOG_BYTES_MAX
  }

  /** Sends one message. Gives those it went out to, as text. */
  send(topic: string, data: Uint8Array, peers: readonly PeerId[]): ReadonlySet<string> {
    const to = new Set(peers.map(String))
    this.#internals.sendRpcInBatch(to, { subscriptions: [], messages: [{ topic, data }] })
    return to
  }

  get #internals(): GossipInternals {
    return this.#pubsub as unknown as GossipInternals
  }
}
