import { compareBytes, equalBytes } from '../bytes.ts'
import { HASH_BYTES } from '../hash.ts'
import { BATCH_WINDOW, BODIES_WANTED_PER_ROUND_MAX, SHORT_DIGEST_BYTES, SYNC_ROUNDS_MAX } from '../limits.ts'
import { forEachPart } from './frame-parts.ts'
import { HeadWants } from './head-wants.ts'
import { recogniseLeaves } from './leaves.ts'
import type { OwnStanding, Standing, SyncMessage } from './message.ts'
import { haveEqualStates, isLittleBehind, ownStanding } from './own-standing.ts'
import { RoundSender } from './sender.ts'
import type { SyncEffect, SyncEvent, SyncProgress, SyncReport } from './session-events.ts'
import type { SharedHeads } from './shared-heads.ts'
import type { SyncView } from './view.ts'
import { ClockWalk } from './walk.ts'

export type { SyncEffect, SyncEvent, SyncProgress, SyncReport } from './session-events.ts'

type Phase = 'idle' | 'compare' | 'walk' | 'entries' | 'transfer'

/**
 * One peer, one space: the reconciliation of two replicas as a pure state machine (DESIGN §7, docs/protocol.md §4). A driver
 * feeds events and does what the effects say; nothing here awaits, reads a clock or touches a network. Invariants:
 * 1. both sides go through the same phases in the same order, because every decision is made from what both have sent: in the walk, and
 *    in listing heads, they take turns;
 * 2. what is sent goes in ascending ordinals, so parents always come before their children;
 * 3. at most BATCH_WINDOW batches are unacknowledged;
 * 4. a run ends: after SYNC_ROUNDS_MAX rounds, or after a round that gained neither side anything and can have hidden nothing;
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
  /** True where both sides say again where they stand, with the roots of their states. */
  #saysAgain = false
  /** True where this side had the peer's compare before it sent its own. */
  #answers = false
  #sentEntries = false
  /** The authors whose leaves this side has listed in place of their heads, until the peer asks for these. */
  #leaved: readonly Uint8Array[] | null = null
  #isAskedFirst = false
  /** True once the peer has begun to list anything in this round. */
  #hearsEntries = false
  #gotEntries = false
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
    this.#sender = new RoundSender(view, this.#wants)
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

  /** The heads that this side has listed in this round: what batches of the peer refer to. */
  get listed(): SharedHeads {
    return this.#sender.listed
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
        return this.#phase === 'idle' ? this.#beginRun(effects) : null
      case 'admitted':
        this.#admitting--
        this.#gainedInRound += event.gained
        effects.push(send({ kind: 'ack' }))
        return this.#endRound(effects)
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
      case 'leaves':
        return this.#onLeaves(message, effects)
      case 'spell':
        return this.#onSpell(effects)
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

  #beginRun(effects: SyncEffect[]): string | null {
    this.#round = 0
    this.#saysAgain = false
    this.#totals = { sent: 0, received: 0, gained: 0 }
    this.#gainedInRound = 0
    return this.#sendCompare(effects)
  }

  #sendCompare(effects: SyncEffect[]): string | null {
    const waiting = this.#waitingCompare
    this.#waitingCompare = null
    this.#phase = 'compare'
    this.#answers = waiting !== null
    const [round, admitted, answers] = [this.#round, this.#gainedInRound, this.#answers]
    const moment = { round, mine: this.#mine, gained: admitted, saysAgain: this.#saysAgain }
    this.#mine = ownStanding(this.#view, waiting?.standing ?? null, moment)
    effects.push(send({ kind: 'compare', round, standing: this.#mine, admitted, answers }))
    return waiting === null ? null : this.#compare(waiting, effects)
  }

  #onCompare(message: Extract<SyncMessage, { kind: 'compare' }>, effects: SyncEffect[]): string | null {
    if (this.#phase === 'idle') {
      if (message.round !== 0) return `a run that begins with round ${message.round}`
      this.#waitingCompare = message
      return this.#beginRun(effects)
    }
    if (this.#phase === 'compare') {
      if (message.round !== this.#round) return `round ${message.round} where ${this.#round} is due`
      return this.#compare(message, effects)
    }
    if (this.#phase !== 'transfer' || this.#waitingCompare !== null) return `compare in phase ${this.#phase}`
    if (message.round !== this.#round + 1) return `round ${message.round} where ${this.#round + 1} is due`
    this.#waitingCompare = message
    return null
  }

  #compare(message: Extract<SyncMessage, { kind: 'compare' }>, effects: SyncEffect[]): string | null {
    const mine = this.#mine as OwnStanding
    const theirs = message.standing
    this.#theirs = theirs
    const sameClock = equalBytes(mine.clockRoot, theirs.clockRoot)
    const lacksBodies = mine.absentBodies > 0 || theirs.absentBodies > 0
    const gained = this.#gainedInRound + message.admitted
    const gainedNothing = this.#round > 0 && gained === 0 && !this.#hidSomething
    if (sameClock && !lacksBodies && (mine.stateRoot === null || theirs.stateRoot === null)) {
      if (this.#saysAgain) return 'no state root where the clock roots are equal'
      this.#saysAgain = true
      return this.#sendCompare(effects)
    }
    if ((sameClock && !lacksBodies) || gainedNothing || this.#round >= SYNC_ROUNDS_MAX) {
      const theyLack = sameClock ? 0 : this.#sender.total - message.admitted
      return this.#finish(sameClock && !lacksBodies && haveEqualStates(mine, theirs), theyLack, effects)
    }
    if (this.#answers && message.answers) return 'an answer to an answer'
    this.#beginRound()
    if (sameClock) {
      this.#phase = 'entries'
      this.#sendEntries([], effects)
      return null
    }
    this.#phase = 'walk'
    this.#walk = new ClockWalk(this.#view.clock, this.#isShort ? SHORT_DIGEST_BYTES : HASH_BYTES)
    // Whoever spoke second lists first; if both spoke at once, the side with the smaller root.
    const lists = this.#answers || (!message.answers && compareBytes(mine.clockRoot, theirs.clockRoot) < 0)
    if (lists) effects.push(send({ kind: 'nodes', ...this.#walk.begin() }))
    return null
  }

  /** In the first round what is listed is named by its first bytes; where these mislead, the roots show it, and the next is in full. */
  get #isShort(): boolean {
    return this.#round === 0
  }

  /** True where the round before may have hidden a difference that the next one shows. */
  get #hidSomething(): boolean {
    if (this.#walk === null) return false
    return this.#round === 1 || this.#sender.hasMoreNextRound || this.#wants.hasMoreNextRound
  }

  #finish(inSync: boolean, theyLack: number, effects: SyncEffect[]): null {
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
    return null
  }

  #beginRound(): void {
    this.#view.release()
    this.#wants.beginRound(this.#round)
    this.#walk = null
    this.#sentEntries = false
    this.#leaved = null
    this.#isAskedFirst = false
    this.#hearsEntries = false
    this.#gotEntries = false
    this.#gotWant = false
    this.#sender = new RoundSender(this.#view, this.#wants)
    this.#gotEose = false
    this.#offered = 0
    this.#receivedInRound = 0
    this.#gainedInRound = 0
  }

  #onNodes(message: Extract<SyncMessage, { kind: 'nodes' }>, effects: SyncEffect[]): string | null {
    if (this.#phase !== 'walk') return `nodes in phase ${this.#phase}`
    const walk = this.#walk as ClockWalk
    const step = walk.answer(message)
    if (typeof step === 'string') return step
    if (walk.isOver) this.#phase = 'entries'
    if (step === null) return null
    effects.push(send({ kind: 'nodes', ...step }))
    // Whoever finds that nothing is left to walk lists first.
    if (walk.isOver) this.#listFirst(walk.differingAuthors, effects)
    return null
  }

  /** Lists leaves where the peer can be expected to recognise all of them, lets it list first where it is the other way round; heads elsewhere. */
  #listFirst(authors: readonly Uint8Array[], effects: SyncEffect[]): void {
    const [mine, theirs] = [this.#mine as OwnStanding, this.#theirs as Standing]
    if (this.#isShort && !this.#isAskedFirst && isLittleBehind(theirs, mine, authors.length)) {
      effects.push(send({ kind: 'spell' }))
      return
    }
    const isFew = isLittleBehind(mine, theirs, authors.length)
    const leaves = this.#isShort && isFew ? this.#sender.listLeaves(authors) : null
    if (leaves === null) {
      this.#sendEntries(authors, effects)
      return
    }
    effects.push(send({ kind: 'leaves', leaves }))
    this.#leaved = authors
    this.#sentEntries = true
    this.#gotWant = true
  }

  #onLeaves({ leaves }: Extract<SyncMessage, { kind: 'leaves' }>, effects: SyncEffect[]): string | null {
    if (this.#phase !== 'entries' || this.#sentEntries || this.#hearsEntries || !this.#isShort)
      return `leaves in phase ${this.#phase}`
    this.#hearsEntries = true
    const heads = recogniseLeaves(this.#view, (this.#walk as ClockWalk).differingAuthors, leaves)
    if (heads === null) {
      effects.push(send({ kind: 'spell' }))
      return null
    }
    this.#wants.recognise(heads)
    this.#gotEntries = true
    this.#sendEntries(this.#sender.push((this.#walk as ClockWalk).differingAuthors), effects)
    return this.#gotWant ? this.#transfer(effects) : null
  }

  /** The peer lets this side list first; or it does not recognise all the leaves: the heads, then. */
  #onSpell(effects: SyncEffect[]): string | null {
    const isDue = this.#phase === 'entries' && !this.#hearsEntries
    if (isDue && this.#isShort && !this.#sentEntries) {
      this.#isAskedFirst = true
      this.#listFirst((this.#walk as ClockWalk).differingAuthors, effects)
      return null
    }
    if (!isDue || this.#leaved === null) return `spell in phase ${this.#phase}`
    this.#sender = new RoundSender(this.#view, this.#wants)
    this.#sendEntries(this.#leaved, effects)
    this.#leaved = null
    return null
  }

  /** Lists these authors, as many as a round may, and the bodies that are absent here. */
  #sendEntries(authors: readonly Uint8Array[], effects: SyncEffect[]): void {
    const entries = this.#sender.list(authors, this.#round, this.#isShort)
    const absent = this.#view.absentBodies(BODIES_WANTED_PER_ROUND_MAX)
    forEachPart(entries, (part, last) => {
      effects.push(send({ kind: 'entries', entries: part, bodies: last ? absent : [], last }))
    })
    this.#sentEntries = true
    this.#gotWant = entries.length === 0
  }

  #onEntries(message: Extract<SyncMessage, { kind: 'entries' }>, effects: SyncEffect[]): string | null {
    if (this.#phase !== 'entries' || this.#gotEntries) return `entries in phase ${this.#phase}`
    this.#hearsEntries = true
    const violation = this.#wants.learn(message.entries) ?? this.#sender.wantBodies(message.bodies)
    if (violation !== null) return violation
    if (!message.last) return null
    this.#gotEntries = true
    if (!this.#sentEntries)
      this.#sendEntries(this.#sender.push((this.#walk as ClockWalk).differingAuthors), effects)
    if (this.#wants.received > 0) effects.push(send({ kind: 'want', heads: this.#wants.take() }))
    return this.#gotWant ? this.#transfer(effects) : null
  }

  #onWant({ heads }: Extract<SyncMessage, { kind: 'want' }>, effects: SyncEffect[]): string | null {
    if (this.#phase !== 'entries' || !this.#sentEntries || !this.#gotEntries || this.#gotWant)
      return `want in phase ${this.#phase}`
    const violation = this.#sender.want(heads)
    if (violation !== null) return violation
    this.#gotWant = true
    return this.#transfer(effects)
  }

  #transfer(effects: SyncEffect[]): string | null {
    this.#phase = 'transfer'
    return this.#sendOn(this.#sender.begin(this.#wants.shared), effects)
  }

  /** Sends what the sender has ready; a text is the peer's fault. */
  #sendOn(messages: readonly SyncMessage[] | string, effects: SyncEffect[]): string | null {
    if (typeof messages === 'string') return messages
    for (const message of messages) {
      if (message.kind === 'operations') this.#totals.sent += message.operations.length
      effects.push(send(message))
    }
    return this.#endRound(effects)
  }

  #onOperations(message: Extract<SyncMessage, { kind: 'operations' }>, effects: SyncEffect[]): string | null {
    if (!this.#gotEntries || this.#gotEose) return `operations in phase ${this.#phase}`
    if (this.#admitting >= BATCH_WINDOW) return 'more batches in flight than the window allows'
    this.#admitting++
    this.#receivedInRound += message.operations.length + message.faults.length + (message.misread ?? 0)
    this.#totals.received += message.operations.length
    effects.push({ kind: 'admit', operations: message.operations, faults: message.faults })
    return null
  }

  #onEose(message: Extract<SyncMessage, { kind: 'eose' }>, effects: SyncEffect[]): string | null {
    if (!this.#gotEntries || this.#gotEose) return `eose in phase ${this.#phase}`
    if (message.operations !== this.#receivedInRound) {
      return `end of stored after ${message.operations} operations, ${this.#receivedInRound} arrived`
    }
    this.#gotEose = true
    return this.#endRound(effects)
  }

  #endRound(effects: SyncEffect[]): string | null {
    if (this.#phase !== 'transfer' || !this.#gotEose || this.#admitting > 0) return null
    if (!this.#sender.isDone || this.#sender.isWindowFull) return null
    this.#totals.gained += this.#gainedInRound
    this.#round++
    this.#saysAgain = false
    return this.#sendCompare(effects)
  }
}

const send = (message: SyncMessage): SyncEffect => ({ kind: 'send', message })
