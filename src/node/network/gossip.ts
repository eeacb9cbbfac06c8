import { type GossipSub, TopicValidatorResult as Verdict } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../core/bytes.ts'
import { isControl } from '../../core/changes/evaluate.ts'
import { GOSSIP_RECENT_OPERATIONS_MAX } from '../../core/limits.ts'
import { decodeOperation, encodeOperation, type Operation } from '../../core/operation/operation.ts'
import type { HostedSpace } from '../space/hosted-space.ts'

/** What gossip needs of the node around it. */
export interface GossipHost {
  /** Public key of this node's reader: bodies that it may read are fetched where gossip did not bring them. */
  readonly reader: () => Uint8Array
  /** True for a peer that is heard: past this space's handshake, and not banned. */
  isWelcome(space: HostedSpace, peer: PeerId): boolean
  /** A peer sent what is refused: held against it. */
  onRefused(peer: PeerId, code: string, detail: string): void
  /** A peer sent an operation of which something is missing here: it is to be fetched from it. */
  onMissing(space: HostedSpace, peer: PeerId): void
}

/** The gossipsub topic of a space. */
export function gossipTopic(space: HostedSpace): string {
  return `/hanse/operations/1/${toHex(space.topic)}`
}

/**
 * New operations of one space, live, on one gossipsub topic: one envelope a message. The topic validator runs the whole pipeline
 * before a message is forwarded: admitted or lately known → accept; refused → reject; waiting → ignore, since what it lacks is fetched
 * over sync and gossip does not deliver an ignored message again.
 */
export class SpaceGossip {
  readonly #pubsub: GossipSub
  readonly #space: HostedSpace
  readonly #host: GossipHost
  readonly #topic: string

  constructor(pubsub: GossipSub, space: HostedSpace, host: GossipHost) {
    this.#pubsub = pubsub
    this.#space = space
    this.#host = host
    this.#topic = gossipTopic(space)
  }

  /** Joins the topic. */
  start(): void {
    this.#pubsub.topicValidators.set(this.#topic, (peer, message) => this.#validate(peer, message.data))
    this.#pubsub.subscribe(this.#topic)
  }

  /** Leaves the topic. */
  stop(): void {
    this.#pubsub.unsubscribe(this.#topic)
    this.#pubsub.topicValidators.delete(this.#topic)
  }

  /** Sends an operation of our own to whoever listens. Resolves to the number of peers it went to; repair is sync's task. */
  async publish(operation: Operation): Promise<number> {
    const { recipients } = await this.#pubsub.publish(
      this.#topic,
      encodeOperation(this.#asGossiped(operation)),
    )
    return recipients.length
  }

  /** Bodies go along where every member reads everything; control bodies always. */
  #asGossiped(operation: Operation): Operation {
    const isOpen = this.#space.description()?.openReading ?? false
    return isOpen || isControl(operation.header.command) ? operation : { ...operation, body: null }
  }

  /** A body that passed on would reach members who may not read it. Before the genesis is here nothing is passed on at all. */
  #mustNotCarry({ header, body }: Operation): boolean {
    return body !== null && !isControl(header.command) && this.#space.description()?.openReading === false
  }

  async #validate(peer: PeerId, data: Uint8Array): Promise<Verdict> {
    const { replica } = this.#space
    if (!this.#host.isWelcome(this.#space, peer)) return Verdict.Ignore
    const decoded = decodeOperation(data)
    if (!decoded.ok) {
      replica.noteRefusal(decoded.fault, peer.toString(), data)
      this.#host.onRefused(peer, decoded.fault.code, decoded.fault.detail)
      return Verdict.Reject
    }
    const operation = decoded.value
    if (this.#mustNotCarry(operation)) {
      const fault = { code: 'PROTOCOL', detail: 'gossip with a body, in a space where reading is closed' }
      replica.noteRefusal(fault, peer.toString(), data)
      this.#host.onRefused(peer, fault.code, fault.detail)
      return Verdict.Reject
    }
    // What a forked author goes on to write comes by reconciliation, if at all. The operation that makes the fork is still heard
    // and passed on: with the one it contradicts it is the proof.
    if (replica.isFrozen(operation.header.author)) return Verdict.Ignore
    const [outcome] = await replica.receive([operation], peer.toString())
    switch (outcome?.kind) {
      case 'admitted':
        // What has no effect and nothing builds on is nobody's business.
        if (replica.store.mask(outcome.entry.ordinal)?.isSevered === true) return Verdict.Ignore
        if (operation.body === null && this.#space.mayRead(this.#host.reader(), operation.header.path))
          this.#host.onMissing(this.#space, peer)
        return Verdict.Accept
      case 'duplicate':
        return this.#isRecent(operation) ? Verdict.Accept : Verdict.Ignore
      case 'waiting':
        if (outcome.fault.code === 'MISSING_PARENT' || outcome.fault.code === 'MISSING_BODY') {
          this.#host.onMissing(this.#space, peer)
        }
        return Verdict.Ignore
      case 'refused':
        this.#host.onRefused(peer, outcome.fault.code, outcome.fault.detail)
        return Verdict.Reject
      default:
        return Verdict.Ignore
    }
  }

  /** True for what may still be going round; what is older would send whole histories round again. */
  #isRecent({ id }: Operation): boolean {
    const { store } = this.#space
    const entry = store.find(id)
    return entry !== undefined && entry.ordinal >= store.count() - GOSSIP_RECENT_OPERATIONS_MAX
  }
}
