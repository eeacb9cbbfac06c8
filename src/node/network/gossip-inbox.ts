import { TopicValidatorResult as Verdict } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { equalBytes, toHex } from '../../core/bytes.ts'
import { isControl } from '../../core/changes/evaluate.ts'
import { decodeGossip, type Gossiped } from '../../core/gossip-message.ts'
import type { Entry } from '../../core/graph.ts'
import {
  GOSSIP_EARLY_MAX,
  GOSSIP_LANE_OPERATIONS_MAX,
  GOSSIP_PATIENCE_MS,
  GOSSIP_RECENT_OPERATIONS_MAX,
} from '../../core/limits.ts'
import type { Operation } from '../../core/operation/operation.ts'
import type { Fault } from '../../core/result.ts'
import type { Outcome } from '../replica/admission-step.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { Arrival } from './gossip-outbox.ts'
import { decodeRecent } from './recent-envelopes.ts'
import { RecentIds } from './recent-ids.ts'

/** What the inbox needs of the gossip around it. */
export interface InboxHost {
  /** Public key of this node's reader: bodies that it may read are fetched where gossip did not bring them. */
  readonly reader: () => Uint8Array
  /** True for a peer that is heard: past this space's handshake, and not banned. */
  isWelcome(peer: PeerId): boolean
  /** True where a peer may have so many operations more looked at. */
  isWithinRate(peer: PeerId, operations: number): boolean
  /** A peer sent what is refused: held against it. */
  onRefused(peer: PeerId, code: string, detail: string): void
  /** Something is missing here that a peer has: it is to be fetched from it. */
  onMissing(peer: PeerId): void
  /** An operation that goes on round. */
  passOn(operation: Gossiped, arrival: Arrival): void
}

/** A message of a peer that waits for its turn. */
interface Received {
  readonly operations: readonly Gossiped[]
  readonly arrival: Arrival
  readonly settle: (verdict: Verdict) => void
  readonly fail: (error: unknown) => void
}

/** An operation that waits here for what it lacks. */
interface Early {
  readonly gossiped: Gossiped
  readonly arrival: Arrival
}

/**
 * What comes in on the topic of one space. Every operation goes through the whole pipeline before it is passed on, whatever the message
 * was. Invariants:
 * 1. passed on is what is admitted here, or was lately by another door, once; never what is refused, waits, is by a frozen author or
 *    is severed;
 * 2. messages of one peer are taken in the order in which they came, all that wait in one batch;
 * 3. the guard is told to ignore what is good, since it is passed on here, and to reject what is not (gossip-guard.ts).
 */
export class GossipInbox {
  readonly #space: HostedSpace
  readonly #host: InboxHost
  readonly #lanes = new Map<string, Received[]>()
  /** Messages that are being admitted, or are and wait for their verdict. */
  readonly #undecided = new Set<readonly Received[]>()
  /** Ids of what is in them, hexadecimal; null until they are asked for again. */
  #undecidedIds: ReadonlySet<string> | null = null
  readonly #went = new RecentIds(2 * GOSSIP_RECENT_OPERATIONS_MAX)
  /** By id, hexadecimal, the oldest first. */
  readonly #early = new Map<string, Early>()
  /** Peers from whom something is fetched unless it comes by itself, and what waits for it. */
  readonly #patience = new Map<string, Uint8Array[]>()
  #isStopped = true

  constructor(space: HostedSpace, host: InboxHost) {
    this.#space = space
    this.#host = host
  }

  /** From now on what is taken is judged. */
  start(): void {
    this.#isStopped = false
  }

  /** Nothing is judged, passed on or fetched any more: the space may be closed. */
  stop(): void {
    this.#isStopped = true
  }

  /** Notes that an operation of ours goes round: it is not passed on when it comes back. */
  noteSent(id: Uint8Array): void {
    this.#went.add(id)
  }

  /** True for an operation that went round of late. */
  hasGone(id: Uint8Array): boolean {
    return this.#went.has(id)
  }

  /** Passes on what came too early and is admitted now. False where it did not come by gossip, or too long ago. */
  passOnEarly(entry: Entry): boolean {
    const key = toHex(entry.id)
    const early = this.#early.get(key)
    // Its parent came in the same moment, from somebody else: to be judged is its turn next, and it is passed on then.
    if (early === undefined) return this.#isUndecided(key)
    this.#early.delete(key)
    if (this.#isNotForGossip(entry)) return false
    this.#passOn(early.gossiped, early.arrival)
    return true
  }

  /** Takes one message. Resolves when all of it is decided; rejects for our own failure to. */
  async take(peer: PeerId, data: Uint8Array): Promise<Verdict> {
    if (!this.#host.isWelcome(peer)) return Verdict.Ignore
    const decoded = decodeGossip(data, decodeRecent)
    if (!decoded.ok) return this.#reject(peer, decoded.fault, data)
    const message = decoded.value
    if (message.kind === 'offer') return this.#onOffer(peer, message.ids)
    if (message.operations.some(({ operation }) => this.#mustNotCarry(operation))) {
      const fault = { code: 'PROTOCOL', detail: 'gossip with a body, in a space where reading is closed' }
      return this.#reject(peer, fault, data)
    }
    if (!this.#host.isWithinRate(peer, message.operations.length)) return Verdict.Ignore
    // What a forked author goes on to write comes by reconciliation, if at all. The operation that makes the fork is still heard
    // and passed on: with the one it contradicts it is the proof.
    const { replica } = this.#space
    const operations = message.operations.filter(
      ({ operation }) => !replica.isFrozen(operation.header.author),
    )
    if (operations.length === 0) return Verdict.Ignore
    const arrival = { source: peer, reached: message.reached }
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
    this.#queue(peer, { operations, arrival, settle: resolve, fail: reject })
    return await promise
  }

  #reject(peer: PeerId, fault: Fault, data: Uint8Array): Verdict {
    this.#space.replica.noteRefusal(fault, peer.toString(), data)
    this.#host.onRefused(peer, fault.code, fault.detail)
    return Verdict.Reject
  }

  /** A body that passed on would reach members who may not read it. Before the genesis is here nothing is passed on at all. */
  #mustNotCarry({ header, body }: Operation): boolean {
    return body !== null && !isControl(header.command) && this.#space.description()?.openReading === false
  }

  #onOffer(peer: PeerId, ids: readonly Uint8Array[]): Verdict {
    if (!this.#host.isWithinRate(peer, ids.length)) return Verdict.Ignore
    for (const id of ids) if (this.#isMissing(id)) this.#fetchUnlessItComes(peer, id)
    return Verdict.Ignore
  }

  #queue(peer: PeerId, received: Received): void {
    const key = peer.toString()
    const lane = this.#lanes.get(key)
    if (lane === undefined) {
      const first = [received]
      this.#lanes.set(key, first)
      void this.#run(key, first)
      return
    }
    if (lane.reduce((sum, { operations }) => sum + operations.length, 0) < GOSSIP_LANE_OPERATIONS_MAX) {
      lane.push(received)
      return
    }
    this.#host.onMissing(peer)
    received.settle(Verdict.Ignore)
  }

  /** Takes what waits of one peer, until nothing does. */
  async #run(key: string, lane: Received[]): Promise<void> {
    try {
      while (lane.length > 0) {
        const messages = lane.splice(0)
        const operations = messages.flatMap((message) => message.operations.map(({ operation }) => operation))
        this.#undecided.add(messages)
        this.#undecidedIds = null
        // Our own failure to store is nobody's lie, and sync brings what is lost by it.
        const outcomes = await this.#space.replica.receive(operations, key).catch(() => [])
        // What has come on other connections meanwhile is read first: to be admitted is more urgent than to be judged and passed on.
        setImmediate(() => this.#settleAll(messages, outcomes))
      }
    } finally {
      this.#lanes.delete(key)
    }
  }

  #settleAll(messages: readonly Received[], outcomes: readonly Outcome[]): void {
    this.#undecided.delete(messages)
    this.#undecidedIds = null
    if (this.#isStopped) {
      for (const { settle } of messages) settle(Verdict.Ignore)
      return
    }
    try {
      this.#settle(messages, outcomes.values())
    } catch (error) {
      // Nobody above would catch it.
      for (const { fail } of messages) fail(error)
    }
  }

  /** Decides on each operation of each message, in order. */
  #settle(messages: readonly Received[], outcomes: Iterator<Outcome, undefined>): void {
    for (const { operations, arrival, settle } of messages) {
      const verdicts = operations.map((one) => this.#decide(one, outcomes.next().value, arrival))
      settle(verdicts.includes(Verdict.Reject) ? Verdict.Reject : Verdict.Ignore)
    }
  }

  /** What becomes of one operation: Accept is to be passed on. */
  #decide(gossiped: Gossiped, outcome: Outcome | undefined, arrival: Arrival): Verdict {
    const verdict = this.#verdictOf(gossiped, outcome, arrival)
    if (verdict === Verdict.Accept) this.#passOn(gossiped, arrival)
    return verdict
  }

  #verdictOf(gossiped: Gossiped, outcome: Outcome | undefined, arrival: Arrival): Verdict {
    const { operation } = gossiped
    const { source } = arrival
    switch (outcome?.kind) {
      case 'admitted':
        if (this.#isNotForGossip(outcome.entry)) return Verdict.Ignore
        if (operation.body === null && this.#space.mayRead(this.#host.reader(), operation.header.path))
          this.#host.onMissing(source)
        return Verdict.Accept
      case 'duplicate':
        return this.#isRecent(operation) && this.#isAsAdmitted(operation) ? Verdict.Accept : Verdict.Ignore
      case 'waiting': {
        const entry = this.#space.store.find(operation.id)
        // What it lacked has come meanwhile.
        if (entry !== undefined) return this.#isNotForGossip(entry) ? Verdict.Ignore : Verdict.Accept
        this.#keepEarly(gossiped, arrival)
        if (outcome.fault.code === 'MISSING_PARENT' || outcome.fault.code === 'MISSING_BODY') {
          this.#fetchUnlessItComes(source, operation.id)
        }
        return Verdict.Ignore
      }
      case 'refused':
        this.#host.onRefused(source, outcome.fault.code, outcome.fault.detail)
        return Verdict.Reject
      default:
        return Verdict.Ignore
    }
  }

  /** True for what has no effect and nothing builds on, and for what a forked author wrote after the operation that proves it. */
  #isNotForGossip({ ordinal, author }: Entry): boolean {
    const { store } = this.#space
    if (store.mask(ordinal)?.isSevered === true) return true
    const proved = store.fork(author)?.ids.map((id) => store.find(id)?.ordinal ?? 0)
    return proved !== undefined && ordinal > Math.max(...proved)
  }

  #passOn(gossiped: Gossiped, arrival: Arrival): void {
    if (this.#went.add(gossiped.operation.id)) this.#host.passOn(gossiped, arrival)
  }

  /** True for what may still be going round; what is older would send whole histories round again. */
  #isRecent({ id }: Operation): boolean {
    const { store } = this.#space
    const entry = store.find(id)
    return entry !== undefined && entry.ordinal >= store.count() - GOSSIP_RECENT_OPERATIONS_MAX
  }

  /** False for a copy with another signature, which nobody has looked at: the id does not cover it. */
  #isAsAdmitted({ id, signature }: Operation): boolean {
    const { store } = this.#space
    const entry = store.find(id)
    return entry !== undefined && equalBytes(store.operation(entry.ordinal).signature, signature)
  }

  #keepEarly(gossiped: Gossiped, arrival: Arrival): void {
    this.#early.set(toHex(gossiped.operation.id), { gossiped, arrival })
    const [oldest] = this.#early.keys()
    if (this.#early.size > GOSSIP_EARLY_MAX && oldest !== undefined) this.#early.delete(oldest)
  }

  /** True for what came, and was not judged yet: it may be a forged copy, so nothing is done with it before. */
  #isUndecided(key: string): boolean {
    this.#undecidedIds ??= new Set(
      [...this.#undecided]
        .flat()
        .flatMap(({ operations }) => operations.map(({ operation }) => toHex(operation.id))),
    )
    return this.#undecidedIds.has(key)
  }

  /** True for what is neither here nor refused for ever; what is held is not here. */
  #isMissing(id: Uint8Array): boolean {
    const { replica, store } = this.#space
    return !this.#went.has(id) && store.find(id) === undefined && !replica.isRefused(id)
  }

  /** Operations overtake each other on their ways: what is missing, or lacks a parent, mostly is there a moment later. */
  #fetchUnlessItComes(peer: PeerId, id: Uint8Array): void {
    const key = peer.toString()
    const waiting = this.#patience.get(key)
    if (waiting !== undefined) {
      if (waiting.length < GOSSIP_EARLY_MAX) waiting.push(id)
      return
    }
    const ids = [id]
    this.#patience.set(key, ids)
    this.#wait(peer, ids)
  }

  #wait(peer: PeerId, ids: readonly Uint8Array[]): void {
    const dueMs = performance.now() + GOSSIP_PATIENCE_MS
    const timer = setTimeout(() => {
      // A node that is that late has not read what came meanwhile; to compare now would be more work for it, and bring it the same.
      if (performance.now() - dueMs > GOSSIP_PATIENCE_MS) return this.#wait(peer, ids)
      this.#patience.delete(peer.toString())
      if (this.#isStopped) return
      if (ids.some((one) => this.#isMissing(one))) this.#host.onMissing(peer)
    }, GOSSIP_PATIENCE_MS)
    timer.unref()
  }
}
