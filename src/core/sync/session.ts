import { equalBytes, toHex } from '../bytes.ts'
import type { ClockEntry } from '../clock.ts'
import { BATCH_WINDOW, BODIES_WANTED_PER_ROUND_MAX, HEADS_PER_ROUND_MAX, SYNC_ROUNDS_MAX } from '../limits.ts'
import type { Operation } from '../operation/operation.ts'
import type { Fault } from '../result.ts'
import { forEachPart, splitEntry } from './frame-parts.ts'
import { HeadWants } from './head-wants.ts'
import type { OwnStanding, Standing, SyncMessage } from './message.ts'
import { RoundSender } from './sender.ts'
import type { SyncView } from './view.ts'
import { ClockWalk } from './walk.ts'

/** What happens to a session. */
export type SyncEvent =
  /** This side wants to compare. Does nothing while a comparison is under way. */
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly message: SyncMessage }
  /** One received batch was decided on and stored; `gained` counts new operations and bodies. */
  | { readonly kind: 'admitted'; readonly gained: number }

/** What a session wants done, in this order. */
export type SyncEffect =
  | { readonly kind: 'send'; readonly message: SyncMessage }
  | { readonly kind: 'admit'; readonly operations: readonly Operation[]; readonly faults: readonly Fault[] }
  | { readonly kind: 'finished'; readonly report: SyncReport }
  /** The peer does not keep to the protocol; the session is over. */
  | { readonly kind: 'violation'; readonly fault: Fault<'PROTOCOL'> }

/** How a session ended, and what it moved. */
export interface SyncReport {
  /**
   * True only as DESIGN §7 has it: equal clock roots, equal roots of the state that both may read, no absent bodies on either side
   * of those it may read; by the standings that both sides sent last.
   */
  readonly inSync: boolean
  readonly rounds: number
  readonly sent: number
  readonly received: number
  readonly gained: number
  readonly mine: OwnStanding
  readonly theirs: Standing
  /** Operations that this side still lacks, and that the peer still lacks, as far as the last round tells. */
  readonly weLack: number
  readonly theyLack: number
}

/** How far the present round is, for a progress bar. */
export interface SyncProgress {
  readonly toSend: number
  readonly sent: number
  readonly toReceive: number
  readonly received: number
}

type Phase = 'idle' | 'compare' | 'walk' | 'entries' | 'want' | 'transfer'

/**
 * One peer, one space: the reconciliation of two replicas as a pure state machine (DESIGN §7, docs/protocol.md §4). A driver
 * feeds events and does what the effects say; nothing here awaits, reads a clock or touches a network. Invariants:
 * 1. both sides go through the same phases in the same order, because every decision is made from what both have sent;
 * 2. what is sent goes in ascending ordinals, so parents always come before their children;
 * 3. at most BATCH_WINDOW batches are unacknowledged;
 * 4. a run ends: after SYNC_ROUNDS_MAX rounds, or after a round that gained neither side anything;
 * 5. `inSync` is only ever said of the roots that both sides have sent.
 */
export class SyncSession {
  readonly #view: SyncView
  #phase: Phase = 'idle'
  #round = 0
  #mine: OwnStanding | null = null
  #theirs: Standing | null = null
  #waitingCompare: Extract<SyncMessage, { kind: 'compare' }> | null = null
  #walk: ClockWalk | null = null
  readonly #wants: HeadWants
  readonly #offeredHeads = new Set<string>()
  #sentEntries = false
  #sentWant = false
  #gotWant = false
  #sender: RoundSender
  #gotEose = false
  #admitting = 0
  #offered = 0
  #receivedInRound = 0
  #gainedInRound = 0
  #totals = { sent: 0, received: 0, gained: 0 }

  constructor(view: SyncView) {
    this.#view = view
    this.#wants = new HeadWants(view)
    this.#sender = new RoundSender(view, this.#offeredHeads, this.#wants.listed)
  }

  /** True between two runs. */
  get isIdle(): boolean {
    return this.#phase === 'idle'
  }

  /** How far the present round is. */
  get progress(): SyncProgress {
    return {
      toSend: this.#sender.total,
      sent: this.#sender.sent,
      toReceive: this.#offered,
      received: this.#receivedInRound,
    }
  }

  /** Takes one event and says what to do about it. */
  step(event: SyncEvent): readonly SyncEffect[] {
    const effects: SyncEffect[] = []
    const violation = this.#take(event, effects)
    if (violation !== null) {
      this.#phase = 'idle'
      effects.push({ kind: 'violation', fault: { code: 'PROTOCOL', detail: violation } })
    }
    return effects
  }

  #take(event: SyncEvent, effects: SyncEffect[]): string | null {
    switch (event.kind) {
      case 'start':
        if (this.#phase === 'idle') this.#beginRun(effects)
        return null
      case 'admitted':
        this.#admitting--
        this.#gainedInRound += event.gained
        effects.push(send({ kind: 'ack' }))
        this.#endRound(effects)
        return null
      case 'message':
        return this.#receive(event.message, effects)
    }
  }

  #receive(message: SyncMessage, effects: SyncEffect[]): string | null {
    switch (message.kind) {
      case 'compare':
        return this.#onCompare(message, effects)
      case 'nodes':
        return this.#onNodes(message, effects)
      case 'entries':
        return this.#onEntries(message, effects)
      case 'want':
        return this.#onWant(message, effects)
      case 'probe': {
        const known = message.ids.findIndex((id) => this.#view.graph.find(id) === undefined)
        effects.push(
          send({ kind: 'probed', probe: message.probe, known: known === -1 ? message.ids.length : known }),
        )
        return null
      }
      case 'probed':
        return this.#sendOn(this.#sender.onProbed(message), effects)
      case 'offer':
        this.#offered = message.operations
        return null
      case 'operations':
        return this.#onOperations(message, effects)
      case 'ack':
        return this.#sendOn(this.#sender.onAck(), effects)
      case 'eose':
        return this.#onEose(message, effects)
    }
  }

  #beginRun(effects: SyncEffect[]): void {
    this.#round = 0
    this.#totals = { sent: 0, received: 0, gained: 0 }
    this.#gainedInRound = 0
    this.#sendCompare(effects)
  }

  #sendCompare(effects: SyncEffect[]): void {
    this.#phase = 'compare'
    this.#mine = this.#view.standing()
    effects.push(
      send({ kind: 'compare', round: this.#round, standing: this.#mine, admitted: this.#gainedInRound }),
    )
    if (this.#waitingCompare === null) return
    const waiting = this.#waitingCompare
    this.#waitingCompare = null
    this.#compare(waiting, effects)
  }

  #onCompare(message: Extract<SyncMessage, { kind: 'compare' }>, effects: SyncEffect[]): string | null {
    if (this.#phase === 'idle') {
      if (message.round !== 0) return `a run that begins with round ${message.round}`
      this.#waitingCompare = message
      this.#beginRun(effects)
      return null
    }
    if (this.#phase === 'compare') {
      if (message.round !== this.#round) return `round ${message.round} where ${this.#round} is due`
      this.#compare(message, effects)
      return null
    }
    if (this.#phase !== 'transfer' || this.#waitingCompare !== null) return `compare in phase ${this.#phase}`
    if (message.round !== this.#round + 1) return `round ${message.round} where ${this.#round + 1} is due`
    this.#waitingCompare = message
    return null
  }

  #compare(message: Extract<SyncMessage, { kind: 'compare' }>, effects: SyncEffect[]): void {
    const mine = this.#mine as OwnStanding
    const theirs = message.standing
    this.#theirs = theirs
    const sameClock = equalBytes(mine.clockRoot, theirs.clockRoot)
    const lacksBodies = mine.absentBodies > 0 || theirs.absentBodies > 0
    const gainedNothing = this.#round > 0 && this.#gainedInRound === 0 && message.admitted === 0
    const isOver = (sameClock && !lacksBodies) || gainedNothing || this.#round >= SYNC_ROUNDS_MAX
    if (isOver) {
      const theyLack = sameClock ? 0 : this.#sender.total - message.admitted
      this.#finish(
        sameClock && !lacksBodies && equalBytes(mine.stateRoot, theirs.stateRoot),
        theyLack,
        effects,
      )
      return
    }
    this.#beginRound()
    if (sameClock) {
      this.#sendWant(effects)
      return
    }
    this.#phase = 'walk'
    this.#walk = new ClockWalk(this.#view.clock, mine.authors + theirs.authors)
    this.#walkOn(effects)
  }

  #finish(inSync: boolean, theyLack: number, effects: SyncEffect[]): void {
    const mine = this.#mine as OwnStanding
    const theirs = this.#theirs as Standing
    const weLack = equalBytes(mine.clockRoot, theirs.clockRoot)
      ? 0
      : this.#offered - this.#gainedInRound + this.#wants.unasked
    this.#phase = 'idle'
    this.#view.release()
    const report: SyncReport = {
      inSync,
      rounds: this.#round + 1,
      ...this.#totals,
      mine,
      theirs,
      weLack: Math.max(0, weLack),
      theyLack: Math.max(0, theyLack),
    }
    effects.push({ kind: 'finished', report })
  }

  #beginRound(): void {
    this.#view.release()
    this.#wants.beginRound()
    this.#offeredHeads.clear()
    this.#sentEntries = false
    this.#sentWant = false
    this.#gotWant = false
    this.#sender = new RoundSender(this.#view, this.#offeredHeads, this.#wants.listed)
    this.#gotEose = false
    this.#offered = 0
    this.#receivedInRound = 0
    this.#gainedInRound = 0
  }

  #walkOn(effects: SyncEffect[]): void {
    const walk = this.#walk as ClockWalk
    const listings = walk.listLevel()
    if (listings.length === 0) {
      this.#phase = 'entries'
      this.#sendEntries(walk, effects)
      return
    }
    for (const nodes of listings) effects.push(send({ kind: 'nodes', nodes }))
  }

  #onNodes(message: Extract<SyncMessage, { kind: 'nodes' }>, effects: SyncEffect[]): string | null {
    if (this.#phase !== 'walk') return `nodes in phase ${this.#phase}`
    const walk = this.#walk as ClockWalk
    const violation = walk.receive(message.nodes)
    if (violation !== null) return violation
    if (walk.isLevelDone) this.#walkOn(effects)
    return null
  }

  #sendEntries(walk: ClockWalk, effects: SyncEffect[]): void {
    const all = walk.differingPrefixes
      .flatMap((prefix) => this.#view.clock.entriesAt(prefix))
      .flatMap(splitEntry)
    const entries: ClockEntry[] = []
    for (const entry of all) {
      if (this.#offeredHeads.size + entry.heads.length > HEADS_PER_ROUND_MAX) break
      entries.push(entry)
      for (const { id } of entry.heads) this.#offeredHeads.add(toHex(id))
    }
    forEachPart(entries, (part, last) => effects.push(send({ kind: 'entries', entries: part, last })))
    this.#sentEntries = true
  }

  #onEntries(message: Extract<SyncMessage, { kind: 'entries' }>, effects: SyncEffect[]): string | null {
    // The side that finds no more level to walk sends its entries at once; the other may be one message behind.
    if (this.#phase !== 'entries' || !this.#sentEntries) return `entries in phase ${this.#phase}`
    const violation = this.#wants.learn(message.entries)
    if (violation !== null) return violation
    if (message.last) this.#sendWant(effects)
    return null
  }

  #sendWant(effects: SyncEffect[]): void {
    this.#phase = 'want'
    const bodies = this.#view.absentBodies(BODIES_WANTED_PER_ROUND_MAX)
    forEachPart(this.#wants.take(), (heads, last) => {
      effects.push(send({ kind: 'want', heads, bodies: last ? bodies : [], last }))
    })
    this.#sentWant = true
    if (this.#gotWant) this.#transfer(effects)
  }

  #onWant(message: Extract<SyncMessage, { kind: 'want' }>, effects: SyncEffect[]): string | null {
    const isExpected = this.#phase === 'want' || this.#phase === 'entries'
    if (!isExpected || this.#gotWant) return `want in phase ${this.#phase}`
    const violation = this.#sender.want(message)
    if (violation !== null) return violation
    if (!message.last) return null
    this.#gotWant = true
    if (this.#sentWant) this.#transfer(effects)
    return null
  }

  #transfer(effects: SyncEffect[]): void {
    this.#phase = 'transfer'
    this.#sendOn(this.#sender.begin(), effects)
  }

  /** Sends what the sender has ready; a text is the peer's fault. */
  #sendOn(messages: readonly SyncMessage[] | string, effects: SyncEffect[]): string | null {
    if (typeof messages === 'string') return messages
    for (const message of messages) {
      if (message.kind === 'operations') this.#totals.sent += message.operations.length
      effects.push(send(message))
    }
    this.#endRound(effects)
    return null
  }

  #onOperations(message: Extract<SyncMessage, { kind: 'operations' }>, effects: SyncEffect[]): string | null {
    if (!this.#sentWant || this.#gotEose) return `operations in phase ${this.#phase}`
    if (this.#admitting >= BATCH_WINDOW) return 'more batches in flight than the window allows'
    this.#admitting++
    this.#receivedInRound += message.operations.length + message.faults.length
    this.#totals.received += message.operations.length
    effects.push({ kind: 'admit', operations: message.operations, faults: message.faults })
    return null
  }

  #onEose(message: Extract<SyncMessage, { kind: 'eose' }>, effects: SyncEffect[]): string | null {
    if (!this.#sentWant || this.#gotEose) return `eose in phase ${this.#phase}`
    if (message.operations !== this.#receivedInRound) {
      return `end of stored after ${message.operations} operations, ${this.#receivedInRound} arrived`
    }
    this.#gotEose = true
    this.#endRound(effects)
    return null
  }

  #endRound(effects: SyncEffect[]): void {
    if (this.#phase !== 'transfer' || !this.#sender.isDone || !this.#gotEose || this.#admitting > 0) return
    this.#totals.gained += this.#gainedInRound
    this.#round++
    this.#sendCompare(effects)
  }
}

const send = (message: SyncMessage): SyncEffect => ({ kind: 'send', message })
