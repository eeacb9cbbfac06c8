import { isControl } from '../../core/changes/evaluate.ts'
import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { VERIFY_BATCH_OPERATIONS_MAX, VERIFY_SLICE_MS } from '../../core/limits.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { allCellKeys, compareCell, writersOf } from './compare-cells.ts'
import { compareEffects, compareGraph, type Comparison, isFoundById } from './compare-graph.ts'
import { aboutAll, aboutOperation, type Finding, Findings, messageOf, problem } from './finding.ts'
import { readOperation, type ReadOperation } from './read-operation.ts'
import { Rebuild } from './rebuild.ts'

/** What a running node says of the same space beside its store. */
export interface LiveRoots {
  clockRoot(): Uint8Array
  stateRoot(): Uint8Array
}

/** How far it is. */
export interface VerifyProgress {
  readonly phase: 'checking' | 'comparing'
  readonly done: number
  readonly total: number
}

export interface VerifyInit {
  /** What is verified; only read. */
  readonly store: SpaceStore
  /** Where it is made again: empty, of the same space. */
  readonly rebuilt: SpaceStore
  readonly verifier: SignatureVerifier
  /** The node that goes on writing to the store meanwhile; null where nobody does. */
  readonly live: LiveRoots | null
  readonly onProgress: (progress: VerifyProgress) => Promise<void>
  /** Gives way to whatever else this process has to do. */
  readonly pause: () => Promise<void>
  /** A clock that only grows, ms. */
  readonly elapsedMs: () => number
  readonly signal: AbortSignal
}

/** What verifying a space has shown. */
export interface VerifyReport {
  readonly operations: number
  readonly bodies: number
  readonly absentBodies: number
  readonly authors: number
  /** Roots of what was rebuilt, hexadecimal; null where damage has left too little to rebuild. */
  readonly clockRoot: string | null
  readonly stateRoot: string | null
  /** Operations and cells that could not be judged, because they depend on what is damaged. */
  readonly unjudged: number
  /** How many findings there are; the first VERIFY_FINDINGS_MAX are listed. */
  readonly findingCount: number
  readonly findings: readonly Finding[]
}

/**
 * Checks a space from its bytes up and trusts nothing that stands beside them: every operation is read, checked and decided again
 * in the order of admission against a graph made from nothing, everything that follows is derived again, and then compared
 * with what the store keeps. Gives way every VERIFY_SLICE_MS; what is admitted meanwhile is taken up before anything is called
 * wrong. In memory it takes one batch, the visible state's tree and what an open store takes; the rest is in `rebuilt`.
 */
export async function verifySpace(init: VerifyInit): Promise<VerifyReport> {
  return await new Verification(init).run()
}

/** A row that cannot be read, and why. */
interface LostRow {
  readonly ordinal: number
  readonly reason: unknown
}

const lost = (ordinal: number, reason: unknown): LostRow => ({ ordinal, reason })

class Verification {
  readonly #init: VerifyInit
  readonly #rebuild: Rebuild
  readonly #findings = new Findings()
  /** Operations whose body is not what their author signed. */
  readonly #lost = new Set<number>()
  /** Operations without a body when they were read. */
  readonly #absent = new Set<number>()
  /** The next ordinal to be read. */
  #next = 0
  #bodies = 0
  #unjudged = 0
  /** False once an operation could not be placed in the graph: those after it are read, and no more. */
  #isGraphWhole = true
  /** False once a control operation has lost its body, or is not what it should be: who may do what cannot be told any more. */
  #isAuthorityWhole = true
  #sliceMs: number

  constructor(init: VerifyInit) {
    this.#init = init
    this.#rebuild = new Rebuild(init.rebuilt, init.verifier)
    this.#sliceMs = init.elapsedMs()
  }

  async run(): Promise<VerifyReport> {
    const { store, rebuilt } = this.#init
    while (this.#next < store.count()) await this.#readBatch()
    const authors = Array.from(rebuilt.authors()).length
    await this.#report('comparing')
    if (this.#isGraphWhole) await this.#compareAll(compareGraph(rebuilt, store))
    const canDerive = this.#isGraphWhole && this.#isAuthorityWhole
    if (canDerive) {
      await this.#compareAll(compareEffects(rebuilt, store))
      await this.#compareAll(this.#compareCells())
      await this.#compareAll(this.#compareSums())
    }
    const hasState = canDerive && this.#lost.size === 0
    return {
      operations: this.#next,
      bodies: this.#bodies,
      absentBodies: this.#absent.size,
      authors,
      clockRoot: canDerive ? toHex(this.#rebuild.clockRoot()) : null,
      stateRoot: hasState ? toHex(this.#rebuild.state.root()) : null,
      unjudged: this.#unjudged,
      findingCount: this.#findings.count,
      findings: this.#findings.all,
    }
  }

  /** Reads the next operations, their signatures off this thread, and admits them again. */
  async #readBatch(): Promise<void> {
    const { store, verifier, rebuilt } = this.#init
    const rows = this.#readRows()
    const batch = await Promise.all(
      rows.map(async (row) => {
        if ('reason' in row) return row
        return await readOperation(row, store, verifier).catch((reason: unknown) => lost(row.ordinal, reason))
      }),
    )
    for (let at = 0; at < batch.length; ) {
      rebuilt.transaction('process', (writer) => {
        do this.#take(batch[at++] as ReadOperation | LostRow, writer)
        while (at < batch.length && !this.#isSliceOver())
        this.#rebuild.settle(writer)
      })
      await this.#giveWay('checking')
    }
  }

  /** The next rows, one by one where one of them cannot be read. Moves on. */
  #readRows(): readonly (Entry | LostRow)[] {
    const { store } = this.#init
    const from = this.#next
    this.#next = Math.min(store.count(), from + VERIFY_BATCH_OPERATIONS_MAX)
    const ordinals = Array.from({ length: this.#next - from }, (_, i) => from + i)
    try {
      const entries = store.entriesFrom(from, ordinals.length)
      if (ordinals.every((ordinal, i) => entries[i]?.ordinal === ordinal)) return entries
    } catch {
      // Found again below, with its place.
    }
    return ordinals.map((ordinal) => {
      try {
        const [entry] = store.entriesFrom(ordinal, 1)
        return entry?.ordinal === ordinal ? entry : lost(ordinal, new Error('it is not there'))
      } catch (error) {
        return lost(ordinal, error)
      }
    })
  }

  #take(row: ReadOperation | LostRow, writer: SpaceWriter): void {
    if ('operation' in row) return this.#admit(row, writer)
    const found = messageOf(row.reason)
    this.#findings.add([aboutOperation(row.ordinal, null, problem('row', 'a row that can be read', found))])
    this.#isGraphWhole = false
  }

  #admit(read: ReadOperation, writer: SpaceWriter): void {
    const { entry, operation, isBodyLost } = read
    const { ordinal, id } = entry
    const about = (problems: ReadOperation['problems']) =>
      this.#findings.add(problems.map((one) => aboutOperation(ordinal, id, one)))
    about(read.problems)
    if (operation.body !== null) this.#bodies++
    else if (!isBodyLost) this.#absent.add(ordinal)
    if (isBodyLost) this.#lost.add(ordinal)
    if (!this.#isGraphWhole) {
      this.#unjudged++
      return
    }
    const { problems, isPlaced, isRefused } = this.#rebuild.admit(read, writer)
    const isSuspect = !this.#isAuthorityWhole && isRefused
    if (isSuspect) this.#unjudged++
    about(problems.filter(({ what }) => !(isSuspect && what === 'admission')))
    if (!isFoundById(this.#init.store, id, ordinal))
      about([problem('index of ids', 'found by its id', 'not found by its id')])
    if (!isPlaced) this.#isGraphWhole = false
    if (isControl(operation.header.command) && (isBodyLost || isRefused)) this.#isAuthorityWhole = false
  }

  /** Runs comparisons; where one fails and the store has moved on, once more when that is taken up. */
  async #compareAll(comparisons: Iterable<Comparison>): Promise<void> {
    for (const compare of comparisons) {
      let findings = compare()
      if (findings.length > 0 && this.#isBehind()) {
        while (this.#isBehind()) await this.#catchUp()
        findings = compare()
      }
      this.#findings.add(findings)
      if (this.#isSliceOver()) await this.#giveWay('comparing')
    }
  }

  *#compareCells(): Generator<Comparison> {
    const { store, rebuilt } = this.#init
    for (const key of allCellKeys(rebuilt, store)) {
      if (this.#lost.size > 0 && writersOf(key, rebuilt, store).some((ordinal) => this.#lost.has(ordinal))) {
        this.#unjudged++
        continue
      }
      yield () => compareCell(key, rebuilt, store)
    }
  }

  /** What is counted and summed up, and what a running node says and compares with its peers. */
  *#compareSums(): Generator<Comparison> {
    const { live, store, rebuilt } = this.#init
    if (this.#lost.size > 0) return
    const compare = (what: string, expected: string, found: string) =>
      expected === found ? [] : [aboutAll(what, expected, found)]
    yield () =>
      compare('number of absent bodies', String(rebuilt.absentBodyCount()), String(store.absentBodyCount()))
    if (live === null) return
    yield () => compare('clock root', toHex(this.#rebuild.clockRoot()), toHex(live.clockRoot()))
    yield () => compare('state root', toHex(this.#rebuild.state.root()), toHex(live.stateRoot()))
  }

  #isBehind(): boolean {
    const { store, live } = this.#init
    if (live === null || !this.#isGraphWhole) return false
    return this.#next < store.count() || this.#lateBodies().length > 0
  }

  /** Bodies that have arrived since their operations were read. */
  #lateBodies(): readonly number[] {
    const { store } = this.#init
    if (store.absentBodyCount() === this.#init.rebuilt.absentBodyCount()) return []
    return [...this.#absent].filter((ordinal) => store.operation(ordinal).body !== null)
  }

  async #catchUp(): Promise<void> {
    const { store, rebuilt, verifier } = this.#init
    if (this.#next < store.count()) await this.#readBatch()
    for (const ordinal of this.#lateBodies()) {
      const { operation, problems, isBodyLost } = await readOperation(store.at(ordinal), store, verifier)
      this.#absent.delete(ordinal)
      this.#findings.add(problems.map((one) => aboutOperation(ordinal, operation.id, one)))
      if (isBodyLost) this.#lost.add(ordinal)
      const { body } = operation
      if (body === null) continue
      this.#bodies++
      rebuilt.transaction('process', (writer) =>
        this.#rebuild.putBody(rebuilt.at(ordinal), { ...operation, body }, writer),
      )
    }
  }

  #isSliceOver(): boolean {
    return this.#init.elapsedMs() - this.#sliceMs >= VERIFY_SLICE_MS
  }

  async #giveWay(phase: VerifyProgress['phase']): Promise<void> {
    await this.#report(phase)
    // So that the tree is never hashed all at once.
    this.#rebuild.state.root()
    await this.#init.pause()
    this.#sliceMs = this.#init.elapsedMs()
  }

  async #report(phase: VerifyProgress['phase']): Promise<void> {
    this.#init.signal.throwIfAborted()
    await this.#init.onProgress({ phase, done: this.#next, total: this.#init.store.count() })
  }
}
