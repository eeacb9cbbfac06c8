import { checkIdentity, type AdmissionContext, decideAdmission } from '../../core/admission/decide.ts'
import { findParents } from '../../core/admission/past.ts'
import { Branches } from '../../core/branches.ts'
import { Descendants } from '../../core/admission/descendants.ts'
import { toHex } from '../../core/bytes.ts'
import { evaluateBody, type Evaluation, isControl } from '../../core/changes/evaluate.ts'
import { Clock } from '../../core/clock.ts'
import { forkMadeBy } from '../../core/forks.ts'
import type { Entry } from '../../core/graph.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import { decodeHeader } from '../../core/operation/header.ts'
import type { Body, Operation, VerifiedOperation } from '../../core/operation/operation.ts'
import { StateTree } from '../../core/state/state-tree.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { toEntry } from '../replica/admission-step.ts'
import { Effects } from '../replica/effects.ts'
import { keptHeads } from '../replica/severance.ts'
import { showCells } from '../replica/visible-state.ts'
import { type Problem, problem } from './finding.ts'
import type { ReadOperation } from './read-operation.ts'

/** What came of admitting an operation again. */
export interface Readmission {
  readonly problems: readonly Problem[]
  /** False where it could not be put into the graph at all: nothing after it can be judged. */
  readonly isPlaced: boolean
  /** True where the verdict was not an admission although the operation's own bytes are sound. */
  readonly isRefused: boolean
}

/**
 * A space made again from nothing but its operations, in their order: the same decisions and the same derivations as in a replica,
 * without a hold lane, refusals or events. Operations that would not be admitted are put in all the same once that is said, so that
 * what was built on them is judged by itself.
 */
export class Rebuild {
  readonly store: SpaceStore
  /** What shows. */
  readonly state = new StateTree()
  readonly #effects: Effects
  readonly #context: AdmissionContext
  readonly #verifier: SignatureVerifier

  /** `store`: empty, of the same space. */
  constructor(store: SpaceStore, verifier: SignatureVerifier) {
    this.store = store
    this.#verifier = verifier
    this.#effects = new Effects(store, (entry) => this.#evaluateStored(entry))
    this.#context = {
      graph: store,
      verdicts: this.#effects.verdicts,
      branches: new Branches(store),
      descendants: new Descendants(store),
      isRefused: () => false,
      // Nothing that was admitted is in the future any more.
      nowMs: Number.MAX_SAFE_INTEGER,
      verify: verifier.verifySync,
    }
  }

  /** Checks 3 and 6 to 14 on the next operation, within a transaction of the rebuilt store; then all that follows from it. */
  admit({ entry: given, operation, isBodyLost }: ReadOperation, writer: SpaceWriter): Readmission {
    const { store } = this
    const problems: Problem[] = []
    const same = store.find(operation.id)
    if (same !== undefined) {
      problems.push(problem('id', 'an id that is there once', `it is that of operation ${same.ordinal} too`))
      return { problems, isPlaced: false, isRefused: true }
    }
    const identity = checkIdentity(operation, store.spaceId)
    // Whether its signature holds is said already; what it means does not depend on it.
    const decided = decideAdmission(operation as VerifiedOperation, this.#context)
    const fault = !identity.ok ? identity.fault : decided.kind === 'admit' ? null : decided.fault
    const isRefused = fault !== null && !(isBodyLost && fault.code === 'MISSING_BODY')
    if (isRefused) problems.push(problem('admission', 'admitted', `${fault.code}: ${fault.detail}`))
    const placed =
      decided.kind === 'admit'
        ? { parents: decided.parents, evaluation: decided.evaluation }
        : this.#place(operation)
    if (placed === null) return { problems, isPlaced: false, isRefused }
    const entry = toEntry(operation as VerifiedOperation, placed.parents, store)
    problems.push(...compareColumns(entry, given))
    const fork = forkMadeBy(entry, store)
    writer.append(operation as VerifiedOperation, entry)
    if (fork !== null) writer.putFork(fork)
    const { touched } = this.#effects.admit(entry, placed.evaluation, writer)
    showCells(this.state, store, touched)
    return { problems, isPlaced: true, isRefused }
  }

  /** Finds out what is severed, at the end of a transaction. */
  settle(writer: SpaceWriter): void {
    this.#effects.settle(writer)
    this.#show(writer)
  }

  /** Gives an operation a body that arrived while the space was being verified. */
  putBody(entry: Entry, operation: Operation & { readonly body: Body }, writer: SpaceWriter): void {
    writer.putBody(entry.ordinal, operation.body)
    const evaluation = this.#evaluate(entry, operation)
    showCells(this.state, this.store, this.#effects.materialise(entry, evaluation, writer))
    this.#show(writer)
  }

  /** Shows what is written once for a whole transaction, at its end. */
  #show(writer: SpaceWriter): void {
    const { refolded, texts } = this.#effects.write(writer)
    const cells = texts.map(({ path }) => ({ path, type: 'text' as const, field: '' }))
    showCells(this.state, this.store, [...refolded, ...cells])
  }

  /** Root over every header that is not severed. */
  clockRoot(): Uint8Array {
    const clock = new Clock()
    for (const { author } of this.store.authors()) clock.set(author, keptHeads(this.store, author))
    return clock.digest().hash
  }

  /** A place in the graph for an operation that would not be admitted; null where its parents are not there. */
  #place(operation: Operation) {
    const isLost = operation.body === null && isControl(operation.header.command)
    const parents = findParents(isLost ? { ...operation, body: [] } : operation, this.store, () => false)
    if (!parents.ok) return null
    const evaluation = evaluateBody(operation, parents.value.all, this.store, this.#verifier.verifySync)
    return { parents: parents.value, evaluation }
  }

  #evaluateStored(entry: Entry): Evaluation {
    const { headerBytes, signature, body } = this.store.operation(entry.ordinal)
    const header = decodeHeader(headerBytes)
    if (!header.ok) throw new Error(`bug: a rebuilt header does not decode: ${header.fault.detail}`)
    return this.#evaluate(entry, { id: entry.id, header: header.value, headerBytes, signature, body })
  }

  #evaluate(entry: Entry, operation: Operation): Evaluation {
    const parents = entry.parents.map((ordinal) => this.store.at(ordinal))
    return evaluateBody(operation, parents, this.store, this.#verifier.verifySync)
  }
}

/** What a row says beside the bytes of its operation, against what follows from them. */
function compareColumns(expected: Entry, found: Entry): readonly Problem[] {
  const [a, b] = [describeColumns(expected), describeColumns(found)]
  return Object.keys(a)
    .filter((name) => a[name] !== b[name])
    .map((name) => problem(`column ${name}`, a[name] ?? '', b[name] ?? ''))
}

/** Without the id, which was compared with the bytes. */
function describeColumns(entry: Entry): Readonly<Record<string, string>> {
  const { ordinal, author, seq, prev, jump, parents, lamport, time, epoch, caps, command, path } = entry
  return {
    ordinal: String(ordinal),
    author: toHex(author),
    seq: String(seq),
    prev: String(prev),
    jump: String(jump),
    parents: parents.join(' '),
    lamport: String(lamport),
    time: String(time),
    epoch: String(epoch),
    caps: caps.map(toHex).join(' '),
    command,
    path,
  }
}
