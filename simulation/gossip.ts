import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import type { Network } from './network.ts'
import type { Owner } from './timeline.ts'

/** Invalid messages after which a peer is not heard any more: the topic's score against the graylist threshold. */
const INVALID_MAX = 3

type Validator = (peer: PeerId, message: { readonly data: Uint8Array }) => Promise<TopicValidatorResult>

interface Frame {
  readonly subscriptions: readonly unknown[]
  readonly messages: readonly { readonly topic: string; readonly data: Uint8Array }[]
}

/** What simulated gossip asks of the node around it. */
export interface GossipInit {
  readonly self: PeerId
  readonly owner: Owner
  readonly network: Network
  /** True for a peer to which messages are sent: past the handshake. */
  readonly isProven: (peer: PeerId) => boolean
}

/**
 * Stands in for gossipsub around the topic validator that production code registers, and behind its guard: everybody connected and past the
 * handshake listens and is in the mesh. Like the real one it is told to forward nothing.
 */
export class SimulatedGossip {
  readonly topicValidators = new Map<string, Validator>()
  readonly opts = { scoreParams: { topics: {} } }
  /** Nothing ever waits for a peer here. */
  readonly streamsOutbound = new Map<string, never>()
  readonly #init: GossipInit
  readonly #invalid = new Map<string, number>()

  constructor(init: GossipInit) {
    this.#init = init
  }

  get asPubsub(): GossipSub {
    return this as unknown as GossipSub
  }

  subscribe(): void {
    // Everybody hears the one topic of a run.
  }

  unsubscribe(): void {
    // As above.
  }

  getSubscribers(): readonly PeerId[] {
    const { self, owner, network, isProven } = this.#init
    return owner.isAlive ? network.peersOf(self).filter(isProven) : []
  }

  getMeshPeers(): readonly string[] {
    return this.getSubscribers().map(String)
  }

  /** Sends to those of `to` that are there, and takes the others out. */
  sendRpcInBatch(to: Set<string>, frame: Frame): void {
    const peers = this.getSubscribers().filter((peer) => to.has(peer.toString()))
    to.clear()
    for (const peer of peers) {
      to.add(peer.toString())
      for (const { data } of frame.messages) this.#init.network.gossip(this.#init.self, peer, data)
    }
  }

  /** Takes a message from the network. */
  async receive(from: PeerId, data: Uint8Array): Promise<void> {
    const [topic] = this.topicValidators.keys()
    await this.handleReceivedRpc(from, {
      subscriptions: [],
      messages: topic === undefined ? [] : [{ topic, data }],
    })
  }

  /** What gossipsub does with a frame; production code stands in front of it, and takes the messages out. */
  async handleReceivedRpc(_from: PeerId, _frame: Frame): Promise<void> {
    // Nobody subscribes here.
  }

  acceptFrom(peer: string): boolean {
    return (this.#invalid.get(peer) ?? 0) < INVALID_MAX
  }

  readonly score = {
    rejectInvalidMessage: (from: string) => void this.#invalid.set(from, (this.#invalid.get(from) ?? 0) + 1),
  }
}
