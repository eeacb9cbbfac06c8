import {
  checkIdentity,
  decideAdmission,
  type AdmissionContext,
  type Decision,
} from '../../core/admission/decide.ts'
import { equalBytes, toHex } from '../../core/bytes.ts'
import { evaluateBody, type Evaluation } from '../../core/changes/evaluate.ts'
import { Clock } from '../../core/clock.ts'
import type { Revocation } from '../../core/effect/revocation.ts'
import type { Verdicts } from '../../core/effect/verdicts.ts'
import { forkMadeBy } from '../../core/forks.ts'
import type { Entry } from '../../core/graph.ts'
import { sha256 } from '../../core/hash.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import { decodeHeader } from '../../core/operation/header.ts'
import type { Body, Operation, VerifiedOperation } from '../../core/operation/operation.ts'
import type { Fault } from '../../core/result.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { ArrivalOrder } from './arrival-order.ts'
import { HoldLane, type Held, toHeld } from './hold-lane.ts'
import { type AdmissionStep, LOCAL, type Outcome, toEntry } from './admission-step.ts'
import { type Derived, readDerived } from './derived.ts'
import { keptHeads } from './severance.ts'
import type { Texts } from './texts.ts'
import { Transactions } from './transactions.ts'
import { bytesDigest, RefusalMemory } from './refusal-memory.ts'
import { ReplicaListeners } from './replica-events.ts'
import { VerificationBudget } from './verification-budget.ts'
import { type Checked, type Verification, verifyWithin } from './verify-within.ts'
import { VisibleState } from './visible-state.ts'

export interface ReplicaInit {
  readonly store: SpaceStore
  readonly verifier: SignatureVerifier
  /** This node's clock, ms since 1970. */
  readonly now: () => number
  /** Whether this node may read every body, as far as is known. Default: it may not. */
  readonly readsAll?: () => boolean
}

/**
 * One space on this node: the only way into its store. Whatever door an operation comes through (a local write, gossip, sync,
 * a file), it passes the same pipeline here. Invariants:
 * 1. nothing is in the store, the clock or the state that decideAdmission did not admit;
 * 2. operation, clock, tokens and state change in one transaction, and the events follow it, never precede it;
 * 3. one bad operation never stops the rest of a batch.
 */
export class Replica extends ReplicaListeners {
  readonly store: SpaceStore
  readonly clock: Clock
  readonly held = new HoldLane()
  readonly #refusals = new RefusalMemory()
  readonly #verifier: SignatureVerifier
  readonly #verification: Verification
  readonly #init: ReplicaInit
  readonly state: VisibleState
  readonly #arrivals = new ArrivalOrder()
  readonly #transactions: Transactions
  /** Derived from the store; read again after a transaction that failed. */
  #derived: Derived | null = null

  constructor(init: ReplicaInit) {
    super()
    this.store = init.store
    this.state = new VisibleState(init.store)
    this.#verifier = init.verifier
    this.#init = init
    this.#transactions = new Transactions(init.store, () => {
      this.#derived = null
      this.state.forget()
    })
    this.#verification = {
      budget: new VerificationBudget(init.now),
      verifier: init.verifier,
      known: (operation) => this.#known(operation),
      onRefused: (operation, outcome) => this.#noteBadBytes(operation, outcome),
    }
    this.clock = new Clock((author) => keptHeads(this.store, author))
    for (const { author } of this.store.authors()) this.clock.changed(author)
  }

  /**
   * Runs a batch from a peer through checks 3 to 14. Signatures are checked first, off this thread and within the peer's budget;
   * then everything is decided and written in one transaction. Batches of one peer are admitted in the order in which they were given, while
   * the signatures of the next are being checked. Outcomes are in the order of `operations`. Rejects only for our
   * own failures (`STORAGE`).
   */
  async receive(operations: readonly Operation[], peer: string): Promise<readonly Outcome[]> {
    const verified = verifyWithin(peer, operations, this.#verification)
    return await this.#arrivals.inTurn(peer, verified, (batch) => this.#admitAll(batch, peer, 'process'))
  }

  /** Admits an operation of our own, synced to disk before this returns. It passes the same checks as everybody's. */
  admitOwn(operation: VerifiedOperation): Outcome {
    const [outcome] = this.#admitAll([operation], LOCAL, 'power')
    return outcome as Outcome
  }

  /**
   * Runs work that admits operations of our own: they become one transaction, synced to the disk once before this returns, and nobody is told
   * of any before. A transaction that fails takes the others with it; what else `work` throws undoes nothing.
   */
  together<T>(work: () => T): T {
    // `work` may ask for the clock while what it has admitted is not there for good.
    this.clock.lookUp()
    return this.#transactions.together(work)
  }

  /** Tries again what waited for this node's clock, and drops what has waited too long. */
  promoteDue(): void {
    const nowMs = this.#init.now()
    this.held.dropExpired(nowMs)
    this.#retry(this.held.takeDue(nowMs))
  }

  /** Counts a refusal that happened before there was an operation to speak of: a frame, or bytes that do not decode. */
  noteRefusal(fault: Fault, peer: string, bytes: Uint8Array): void {
    const digest = sha256(bytes)
    this.#refusals.rememberBytes(digest, fault.code)
    this.store.transaction('process', (writer) => writer.putRefusal(this.#refusal(digest, fault, peer)))
    this.#emitRefused(digest, fault, peer)
  }

  /** True for an id that is refused for ever, as far as this node remembers. */
  isRefused(id: Uint8Array): boolean {
    return this.#refusals.codeOfId(id) !== undefined
  }

  /** True for an author whose fork is proved: its operations are not gossiped and not built on here (DESIGN §4). */
  isFrozen(author: Uint8Array): boolean {
    return this.store.fork(author) !== undefined
  }

  /** The operations to build on: the ends of what has an effect and is by no frozen author, ascending by ordinal. */
  frontier(): readonly Entry[] {
    return this.#read().frontier.entries()
  }

  /** Id, hexadecimal, of an effective revocation that reaches a chain of delegations; null where it is open. */
  closedBy(caps: readonly Uint8Array[]): string | null {
    const closing = this.verdicts.closing(caps)
    return closing === null ? null : toHex(closing.entry.id)
  }

  /** The operations that would get or lose their effect if there were these revocations. Changes nothing. */
  preview(revocations: readonly Revocation[]): readonly Entry[] {
    return this.#read().effects.preview(revocations)
  }

  /** The revocations and endorsements known here. */
  get verdicts(): Verdicts {
    return this.#read().effects.verdicts
  }

  /** The texts of the space, open as needed. Asked for anew each time: after a failure there are others. */
  get texts(): Texts {
    return this.#read().effects.texts
  }

  /** Root over every admitted header that is not severed, 32 bytes. */
  clockRoot(): Uint8Array {
    return this.clock.digest().hash
  }

  /** Root over the visible state, 32 bytes. The first call reads the whole state, later ones only what changed. */
  stateRoot(): Uint8Array {
    return this.stateRootAt('') as Uint8Array
  }

  /** The same at and below a path; null where nothing shows there. The root path always has one. */
  stateRootAt(path: string): Uint8Array | null {
    return this.state.rootAt(path)
  }

  /** The meaning of an admitted operation's body, change by change. */
  evaluate(entry: Entry, operation: Operation): Evaluation {
    const parents = entry.parents.map((ordinal) => this.store.at(ordinal))
    return evaluateBody(operation, parents, this.store, this.#verifier.verifySync)
  }

  evaluationOf(entry: Entry): Evaluation {
    const { headerBytes, signature, body } = this.store.operation(entry.ordinal)
    const header = decodeHeader(headerBytes)
    if (!header.ok) throw new Error(`bug: an admitted header does not decode: ${header.fault.detail}`)
    return this.evaluate(entry, { id: entry.id, header: header.value, headerBytes, signature, body })
  }

  /** What is known of an operation without looking at its signature. */
  #known(operation: Operation): Outcome | null {
    const decided = this.#alreadyDecided(operation)
    if (decided !== null) return decided
    const identity = checkIdentity(operation, this.store.spaceId)
    if (identity.ok) return null
    const outcome = { kind: 'refused', fault: identity.fault } as const
    this.#noteBadBytes(operation, outcome)
    return outcome
  }

  #noteBadBytes(operation: Operation, { fault }: { readonly fault: Fault }): void {
    this.#refusals.rememberBytes(bytesDigest(operation), fault.code)
  }

  #alreadyDecided(operation: Operation): Outcome | null {
    const entry = this.store.find(operation.id)
    if (entry !== undefined) {
      if (operation.body !== null && this.store.operation(entry.ordinal).body === null)
        this.#fillBody(entry, operation, operation.body)
      return { kind: 'duplicate' }
    }
    const code = this.#refusals.codeOf(operation)
    if (code !== undefined) return { kind: 'refused', fault: { code, detail: 'refused before' } }
    const held = this.held.get(operation.id)
    if (held === undefined || (held.code === 'MISSING_BODY' && operation.body !== null)) return null
    // The id does not cover the signature: a copy with another one is looked at, and refused if it is forged.
    if (!equalBytes(operation.signature, held.operation.signature)) return null
    return { kind: 'waiting', fault: { code: held.code, detail: held.detail } }
  }

  #admitAll(batch: readonly Checked[], source: string, durability: 'power' | 'process'): readonly Outcome[] {
    const duplicates = batch.map((checked) => ('outcome' in checked ? checked.outcome : null))
    // Nothing is to be written, and nobody to be told: what several peers hand on mostly is here already.
    if (duplicates.every(isDuplicate)) return duplicates
    const admit = (writer: SpaceWriter, step: AdmissionStep) => {
      const context = this.#context()
      const decided = batch.map((checked) => this.#admitOne(checked, source, step, writer, context))
      this.#promote(step, writer, context)
      // What waited for an operation that came later in the same batch waits no more.
      return batch.map((checked, i) => {
        const { id } = 'outcome' in checked ? checked.operation : checked
        return step.outcomeAfterWaiting(id, decided[i] as Outcome)
      })
    }
    return this.#transactions.run(durability, admit, (step) => this.#publish(step, source))
  }

  #read(): Derived {
    this.#derived ??= readDerived(this.store, (entry) => this.evaluationOf(entry), this.#init.readsAll)
    return this.#derived
  }

  /** `sinceMs`: since when the operation is here, where it has waited before. */
  #admitOne(
    checked: Checked,
    source: string,
    step: AdmissionStep,
    writer: SpaceWriter,
    context: AdmissionContext,
    sinceMs: number = context.nowMs,
  ): Outcome {
    if ('outcome' in checked) {
      if (checked.outcome.kind === 'refused' && checked.outcome.fault.detail !== 'refused before') {
        this.#refuse(checked.operation, checked.outcome.fault, source, step, writer)
      }
      return checked.outcome
    }
    const operation = checked
    // Asked again inside the transaction: the same operation may have come by another door meanwhile.
    if (this.store.find(operation.id) !== undefined) return { kind: 'duplicate' }
    const decision = decideAdmission(operation, context)
    switch (decision.kind) {
      case 'admit': {
        const entry = this.#append(operation, decision, step, writer)
        return { kind: 'admitted', entry }
      }
      case 'refuse':
        this.#refusals.rememberId(operation.id, decision.fault.code)
        this.#refuse(operation, decision.fault, source, step, writer)
        return { kind: 'refused', fault: decision.fault }
      case 'wait': {
        // Never held if it is our own: admitted later, it would fork a key that has gone on meanwhile.
        if (source !== LOCAL) this.#hold(toHeld(operation, decision.fault, source, sinceMs), step)
        return { kind: 'waiting', fault: decision.fault }
      }
    }
  }

  #append(
    operation: VerifiedOperation,
    decision: Extract<Decision, { kind: 'admit' }>,
    step: AdmissionStep,
    writer: SpaceWriter,
  ): Entry {
    const entry = toEntry(operation, decision.parents, this.store)
    const { effects, frontier } = this.#read()
    const fork = forkMadeBy(entry, this.store)
    const isFirstFork = fork !== null && !this.isFrozen(entry.author)
    writer.append(operation, entry)
    if (fork !== null) writer.putFork(fork)
    const { touched, remasked, authors } = effects.admit(entry, decision.evaluation, writer)
    for (const { ordinal } of remasked)
      writer.putTurn(ordinal, this.store.mask(ordinal) === undefined ? 'unmasked' : 'masked')
    for (const key of touched) step.touched.push(key)
    for (const one of remasked) step.remasked.push(one)
    step.authors.push(entry.author)
    step.noteSevered(authors)
    if (isFirstFork) step.forks.push(fork)
    if (isFirstFork || remasked.length > 0) frontier.forget()
    frontier.add(entry)
    step.entries.push(entry)
    step.operations.push(operation)
    step.settled.push(entry.id)
    return entry
  }

  #refuse(operation: Operation, fault: Fault, peer: string, step: AdmissionStep, writer: SpaceWriter): void {
    writer.putRefusal(this.#refusal(operation.id, fault, peer))
    step.refused.push({ id: operation.id, fault, peer })
    if (this.#refusals.codeOfId(operation.id) !== undefined) step.settled.push(operation.id)
  }

  /** Decides again on what waited for the operations just settled, until nothing more moves; then on what is severed. */
  #promote(step: AdmissionStep, writer: SpaceWriter, context: AdmissionContext): void {
    for (let id = step.settled.pop(); id !== undefined; id = step.settled.pop()) {
      for (const held of this.held.takeWaitingFor(id)) {
        const { operation, peer, sinceMs } = held
        const outcome = this.#admitOne(operation, peer, step, writer, context, sinceMs)
        if (outcome.kind === 'admitted') step.promoted.push(outcome.entry.ordinal)
      }
    }
    const { effects } = this.#read()
    step.noteSevered(effects.settle(writer))
    for (const text of effects.write(writer).texts) step.texts.push(text)
  }

  #retry(held: readonly Held[]): void {
    if (held.length === 0) return
    const admit = (writer: SpaceWriter, step: AdmissionStep) => {
      const context = this.#context()
      for (const { operation, peer, sinceMs } of held) {
        const outcome = this.#admitOne(operation, peer, step, writer, context, sinceMs)
        if (outcome.kind === 'admitted') step.promoted.push(outcome.entry.ordinal)
      }
      this.#promote(step, writer, context)
    }
    this.#transactions.run('process', admit, (step) => this.#publish(step, LOCAL))
  }

  #fillBody(entry: Entry, operation: Operation, body: Body): void {
    const { effects, frontier } = this.#read()
    const evaluation = this.evaluate(entry, operation)
    const fill = (writer: SpaceWriter, step: AdmissionStep) => {
      writer.putBody(entry.ordinal, body)
      for (const key of effects.materialise(entry, evaluation, writer)) step.touched.push(key)
      for (const text of effects.write(writer).texts) step.texts.push(text)
    }
    this.#transactions.run('process', fill, (step) => {
      frontier.forget()
      this.state.refresh(step.touched)
      this.tell('admitted', step.toAdmission(LOCAL))
    })
  }

  #publish(step: AdmissionStep, source: string): void {
    for (const author of step.authors) this.clock.changed(author)
    this.state.refresh(step.touched)
    for (const detail of step.held) {
      if (this.held.get(detail.operation.id) === detail) this.tell('waiting', detail)
    }
    for (const { id, fault, peer } of step.refused) this.#emitRefused(id, fault, peer)
    for (const detail of step.forks) this.tell('fork', detail)
    if (step.entries.length === 0) return
    this.tell('admitted', step.toAdmission(source))
  }

  #emitRefused(id: Uint8Array, fault: Fault, peer: string): void {
    this.tell('refused', { id, fault, peer })
  }

  #context(): AdmissionContext {
    const { effects, branches, descendants } = this.#read()
    return {
      graph: this.store,
      verdicts: effects.verdicts,
      branches,
      descendants,
      isRefused: (id) => this.#refusals.codeOfId(id) !== undefined,
      nowMs: this.#init.now(),
      verify: this.#verifier.verifySync,
    }
  }

  #refusal(id: Uint8Array, fault: Fault, peer: string) {
    return { id, code: fault.code, detail: fault.detail, peer, timeMs: this.#init.now() }
  }

  #hold(held: Held, step: AdmissionStep): void {
    step.held.push(held)
    this.held.hold(held)
  }
}

const isDuplicate = (outcome: Outcome | null): outcome is Outcome => outcome?.kind === 'duplicate'
