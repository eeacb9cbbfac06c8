import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../core/bytes.ts'
import { isControl } from '../../core/changes/evaluate.ts'
import type { Entry } from '../../core/graph.ts'
import { encodeOperation, type VerifiedOperation } from '../../core/operation/operation.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { GossipInbox } from './gossip-inbox.ts'
import { GossipOffers } from './gossip-offers.ts'
import { GossipOutbox } from './gossip-outbox.ts'
import { GossipWire } from './gossip-wire.ts'
import { createLoopLoad } from './loop-load.ts'

/** What gossip needs of the node around it. */
export interface GossipHost {
  /** This node's peer id. */
  readonly self: PeerId
  /** Public key of this node's reader: bodies that it may read are fetched where gossip did not bring them. */
  readonly reader: () => Uint8Array
  /** True for a peer that is heard and told: past this space's handshake, and not banned. */
  isWelcome(space: HostedSpace, peer: PeerId): boolean
  /** True where a peer may have so many operations more looked at. */
  isWithinRate(peer: PeerId, operations: number): boolean
  /** True where this node may say one thing more of its own. */
  mayPublish(): boolean
  /** A peer sent what is refused: held against it. */
  onRefused(peer: PeerId, code: string, detail: string): void
  /** A peer has an operation of which something is missing here: it is to be fetched from it. Or it is too slow, and lacks something of ours. */
  onMissing(space: HostedSpace, peer: PeerId): void
  /** Something new went out to nobody: it is to be offered by sync. */
  onUnheard(space: HostedSpace): void
  /** A clock that never goes back, in ms. Default: the process's. */
  readonly elapsedMs?: () => number
  /** Part of the time since it was asked last that the event loop was at work, 0 to 1. Default: that of the process. */
  readonly load?: () => number
}

/** The gossipsub topic of a space. */
export function gossipTopic(space: HostedSpace): string {
  return `/hanse/operations/1/${toHex(space.topic)}`
}

/** New operations of one space, live, on one gossipsub topic (docs/protocol.md §6). */
export class SpaceGossip {
  readonly #pubsub: GossipSub
  readonly #space: HostedSpace
  readonly #topic: string
  readonly #inbox: GossipInbox
  readonly #outbox: GossipOutbox
  readonly #offers: GossipOffers

  constructor(pubsub: GossipSub, space: HostedSpace, host: GossipHost) {
    this.#pubsub = pubsub
    this.#space = space
    this.#topic = gossipTopic(space)
    const wire = new GossipWire(pubsub)
    const isWelcome = (peer: PeerId) => host.isWelcome(space, peer)
    this.#offers = new GossipOffers(wire, { topic: this.#topic, isWelcome })
    this.#outbox = new GossipOutbox(wire, {
      self: host.self,
      topic: this.#topic,
      isWelcome,
      mayPublish: () => host.mayPublish(),
      onUnheard: () => host.onUnheard(space),
      onSlow: (peer) => host.onMissing(space, peer),
      now: host.elapsedMs ?? (() => performance.now()),
      load: host.load ?? createLoopLoad(),
    })
    this.#inbox = new GossipInbox(space, {
      reader: host.reader,
      isWelcome,
      isWithinRate: (peer, operations) => host.isWithinRate(peer, operations),
      onRefused: (peer, code, detail) => host.onRefused(peer, code, detail),
      onMissing: (peer) => host.onMissing(space, peer),
      passOn: ({ operation, envelope }, arrival) => {
        this.#offers.note(operation.id)
        this.#outbox.add([envelope], arrival)
      },
    })
  }

  /** Joins the topic. */
  start(): void {
    this.#pubsub.topicValidators.set(
      this.#topic,
      async (peer, message) => await this.#inbox.take(peer, message.data),
    )
    this.#inbox.start()
    this.#pubsub.subscribe(this.#topic)
  }

  /** Leaves the topic. */
  stop(): void {
    this.#pubsub.unsubscribe(this.#topic)
    this.#pubsub.topicValidators.delete(this.#topic)
    this.end()
  }

  /** Says and does nothing more, for a node that stops: its topics end with its connections. */
  end(): void {
    this.#inbox.stop()
    this.#outbox.stop()
    this.#offers.stop()
  }

  /** Sends operations of our own to whoever listens, at once or a moment later. Repair is sync's task. */
  publish(operations: readonly VerifiedOperation[]): void {
    const carriesBodies = this.#carriesBodies()
    const envelopes = operations.map(({ id, header, headerBytes, signature, body }) => {
      const isCarried = carriesBodies || isControl(header.command)
      this.#inbox.noteSent(id)
      this.#offers.note(id)
      return encodeOperation({ headerBytes, signature, body: isCarried ? body : null })
    })
    this.#outbox.add(envelopes, null)
  }

  /** Passes on what came by gossip, had to wait, and is admitted now. False where it did not come by gossip, or too long ago. */
  passOnEarly(entry: Entry): boolean {
    return this.#inbox.passOnEarly(entry)
  }

  /** True for an operation that went round of late: written here, or passed on or found to be passed on when it came. */
  hasGone(entry: Entry): boolean {
    return this.#inbox.hasGone(entry.id)
  }

  /** Bodies go along where every member reads everything; control bodies always. */
  #carriesBodies(): boolean {
    return this.#space.description()?.openReading ?? false
  }
}
