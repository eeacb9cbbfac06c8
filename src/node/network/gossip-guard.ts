import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerScoreParams } from '@libp2p/gossipsub/score'
import type { PeerId } from '@libp2p/interface'
import {
  GOSSIP_BYTES_ALL_BURST_MAX,
  GOSSIP_BYTES_ALL_PER_SECOND_MAX,
  GOSSIP_BYTES_BURST_MAX,
  GOSSIP_BYTES_PER_SECOND_MAX,
  GOSSIP_MESSAGES_ALL_BURST_MAX,
  GOSSIP_MESSAGES_ALL_PER_SECOND_MAX,
  GOSSIP_MESSAGES_BURST_MAX,
  GOSSIP_MESSAGES_PER_SECOND_MAX,
  GOSSIP_OPERATIONS_BURST_MAX,
  GOSSIP_OPERATIONS_PER_SECOND_MAX,
  GOSSIP_STRANGER_FRAMES_BURST_MAX,
  GOSSIP_STRANGER_FRAMES_PER_SECOND_MAX,
  GOSSIP_SUBSCRIPTIONS_BURST_MAX,
  GOSSIP_SUBSCRIPTIONS_PER_SECOND_MAX,
  RATED_PEERS_MAX,
} from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import { TokenBuckets } from '../../core/token-bucket.ts'
import { topicScore } from './gossip-options.ts'

/** What is noted of a peer whose gossip is left to sync. */
export const GOSSIP_EXCESS: Fault = {
  code: 'RATE',
  detail: 'gossip beyond its share, which was not looked at',
}
/** What is held against a peer that floods. */
export const GOSSIP_FLOOD: Fault = { code: 'FLOOD', detail: 'gossip that no honest peer sends so often' }

/** A message of gossipsub's. Ours have no more than data: operations carry their own signatures. */
interface GossipMessage {
  readonly data?: Uint8Array
  readonly topic: string
  readonly signature?: Uint8Array
  readonly seqno?: Uint8Array
  readonly key?: Uint8Array
}

/** What of gossipsub's frames is looked at here. */
interface GossipFrame {
  readonly subscriptions: readonly unknown[]
  readonly messages: readonly GossipMessage[]
  readonly control?: Readonly<Record<string, unknown>>
}

/** Parts of gossipsub that its type does not show (17.1): read at every use, so they may be changed while it runs. */
interface GossipInternals {
  readonly opts: { readonly scoreParams: PeerScoreParams }
  readonly score: { rejectInvalidMessage(from: string, topic: string): void }
  /** False for a peer whose score has fallen so low that nothing of it is heard. */
  acceptFrom(peer: string): boolean
  handleReceivedRpc(from: PeerId, frame: GossipFrame): Promise<void>
}

export interface GossipGuardHost {
  /** This node's clock, ms since 1970. */
  readonly now: () => number
  /** Past the handshake of a space of ours, on a connection that lasts. */
  readonly isProven: (peer: string) => boolean
  /** A peer sent more than its share, which was not looked at. No offence: an honest peer hands on what many have written. */
  readonly onExcess: (peer: PeerId) => void
  /** A peer sent what no honest peer has reason to send so often. */
  readonly onFlood: (peer: PeerId) => void
}

/**
 * What stands between gossipsub and its peers, and takes the messages out of their frames: gossipsub 17 hashes and remembers every message and
 * its way before any validator sees it, whatever the topic and whoever it came from, so as to forward it once. Nothing is forwarded by it here, and
 * what came before is known by its id (gossip-inbox.ts). So, instead:
 * 1. messages on topics that are not ours are dropped;
 * 2. of a peer past no handshake only its subscriptions are taken, which it says once and not again, and who is in its mesh;
 * 3. subscriptions, and the frames of a peer past no handshake, have a rate that honest peers stay far below: an offence;
 * 4. messages and bytes of each peer and of all have a rate, and so have the operations in them; what is above is left to sync;
 * 5. what is left goes to the topic's validator, and what that rejects counts in the peer's score, as does a message that is signed or numbered;
 *    a peer whose score is too low is not heard.
 */
export class GossipGuard {
  readonly #pubsub: Pick<GossipSub, 'topicValidators'>
  readonly #internals: GossipInternals
  readonly #host: GossipGuardHost
  readonly #strangerFrames = new TokenBuckets(
    { burst: GOSSIP_STRANGER_FRAMES_BURST_MAX, perSecond: GOSSIP_STRANGER_FRAMES_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #subscriptions = new TokenBuckets(
    { burst: GOSSIP_SUBSCRIPTIONS_BURST_MAX, perSecond: GOSSIP_SUBSCRIPTIONS_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #messages = new TokenBuckets(
    { burst: GOSSIP_MESSAGES_BURST_MAX, perSecond: GOSSIP_MESSAGES_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #bytes = new TokenBuckets(
    { burst: GOSSIP_BYTES_BURST_MAX, perSecond: GOSSIP_BYTES_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #operations = new TokenBuckets(
    { burst: GOSSIP_OPERATIONS_BURST_MAX, perSecond: GOSSIP_OPERATIONS_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #messagesOfAll = new TokenBuckets(
    { burst: GOSSIP_MESSAGES_ALL_BURST_MAX, perSecond: GOSSIP_MESSAGES_ALL_PER_SECOND_MAX },
    1,
  )
  readonly #bytesOfAll = new TokenBuckets(
    { burst: GOSSIP_BYTES_ALL_BURST_MAX, perSecond: GOSSIP_BYTES_ALL_PER_SECOND_MAX },
    1,
  )
  readonly #topics = new Set<string>()

  constructor(pubsub: GossipSub, host: GossipGuardHost) {
    this.#pubsub = pubsub
    this.#internals = pubsub as unknown as GossipInternals
    this.#host = host
    const handle = this.#internals.handleReceivedRpc.bind(pubsub)
    this.#internals.handleReceivedRpc = async (from, frame) => {
      const { subscriptions, messages, control } = this.#admitted(from, frame)
      if (subscriptions.length > 0 || control !== undefined)
        await handle(from, { subscriptions, messages: [], ...(control === undefined ? {} : { control }) })
      if (messages.length === 0 || !this.#internals.acceptFrom(from.toString())) return
      // All of them, whatever becomes of one; gossipsub does not wait for this, and catches what is thrown.
      await Promise.all(messages.map(async (message) => await this.#hear(from, message)))
    }
  }

  /** Takes part in a topic. */
  allow(topic: string): void {
    this.#topics.add(topic)
    this.#internals.opts.scoreParams.topics[topic] = topicScore
  }

  /** Takes no part in a topic any more. */
  forbid(topic: string): void {
    this.#topics.delete(topic)
    delete this.#internals.opts.scoreParams.topics[topic]
  }

  /** True where a peer may have so many operations more looked at, or ids; else it is noted, and what is above is left to sync. */
  takeOperations(from: PeerId, count: number): boolean {
    if (this.#operations.take(from.toString(), this.#host.now(), count)) return true
    this.#host.onExcess(from)
    return false
  }

  /** Has a message decided on. Rejects for our own failures: then nothing is held against the peer. */
  async #hear(
    from: PeerId,
    { topic, data = new Uint8Array(), signature, seqno, key }: GossipMessage,
  ): Promise<void> {
    const isOdd = signature !== undefined || seqno !== undefined || key !== undefined
    const verdict = isOdd
      ? TopicValidatorResult.Reject
      : await this.#pubsub.topicValidators.get(topic)?.(from, { type: 'unsigned', topic, data })
    if (verdict === TopicValidatorResult.Reject)
      this.#internals.score.rejectInvalidMessage(from.toString(), topic)
  }

  /** What of a frame is looked at further. */
  #admitted(from: PeerId, frame: GossipFrame): GossipFrame {
    const isProven = this.#host.isProven(from.toString())
    if (this.#isFlood(from, frame, isProven)) {
      this.#host.onFlood(from)
      return { subscriptions: [], messages: [] }
    }
    if (!isProven) {
      const control = { ...frame.control, ihave: [], iwant: [], idontwant: [] }
      return {
        subscriptions: frame.subscriptions,
        messages: [],
        ...(frame.control === undefined ? {} : { control }),
      }
    }
    const nowMs = this.#host.now()
    const ours = frame.messages.filter(({ topic }) => this.#topics.has(topic))
    const messages = ours.filter(({ data }) => this.#isWithinRate(from, data?.length ?? 0, nowMs))
    if (messages.length < ours.length) this.#host.onExcess(from)
    return { ...frame, messages }
  }

  #isFlood(from: PeerId, frame: GossipFrame, isProven: boolean): boolean {
    const nowMs = this.#host.now()
    const peer = from.toString()
    if (!isProven && !this.#strangerFrames.take(peer, nowMs)) return true
    const { length } = frame.subscriptions
    return length > 0 && !this.#subscriptions.take(peer, nowMs, length)
  }

  /** The peer's own share first, so that a flooding peer does not drain the common one. */
  #isWithinRate(from: PeerId, bytes: number, nowMs: number): boolean {
    const peer = from.toString()
    return (
      this.#messages.take(peer, nowMs) &&
      this.#bytes.take(peer, nowMs, bytes) &&
      this.#messagesOfAll.take('all', nowMs) &&
      this.#bytesOfAll.take('all', nowMs, bytes)
    )
  }
}
