import { equalBytes, toHex } from '../../core/bytes.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import { assembleOperation, type Operation } from '../../core/operation/operation.ts'
import type { SnapshotManifest, SnapshotOperation } from '../../core/snapshot-record.ts'
import { FaultError } from '../fault-error.ts'
import type { Outcome } from '../replica/admission-step.ts'
import { FILE_SOURCE } from '../replica/file-source.ts'
import { Replica } from '../replica/replica.ts'
import { withTemporaryStore } from '../verify/temporary-store.ts'
import { StateComparison } from './compare-state.ts'
import { stateRootOf } from './export-snapshot.ts'
import { bodylessAmong } from './import-operations.ts'
import { openSnapshot } from './snapshot-file.ts'

/** How far an import is. `checking`: in a temporary file, before anything is taken into a space that holds other operations. */
export interface SnapshotProgress {
  readonly phase: 'checking' | 'importing'
  readonly done: number
  readonly total: number
}

export interface ImportSnapshotOptions {
  readonly file: string
  /**
   * True where the replica holds nothing and nobody else adds to it meanwhile: then what it comes to is compared with the snapshot.
   * False: the snapshot is made again in a temporary file first, and nothing of it is taken where it does not come out.
   */
  readonly isEmpty: boolean
  readonly verifier: SignatureVerifier
  readonly now: () => number
  readonly onProgress?: (progress: SnapshotProgress) => void | Promise<void>
  readonly signal?: AbortSignal
}

/** What came of a snapshot. */
export interface SnapshotImport {
  readonly manifest: SnapshotManifest
  /** Operations in it, and how many of them were new here. */
  readonly operations: number
  readonly admitted: number
  /** Operations that were here without their body, which they have now. */
  readonly completed: number
  readonly cells: number
}

/**
 * Takes the operations of a snapshot into a replica, through the whole pipeline, and checks the snapshot against what it says of itself:
 * 1. every operation is sound and admitted, and they are as many as the manifest and the end say;
 * 2. the clock root that follows from them is the manifest's;
 * 3. the cells it carries are those that follow from them, each;
 * 4. the state root that follows from them is the manifest's.
 * Throws `SNAPSHOT_MISMATCH`, which names what differs, and what `openSnapshot` throws. In memory are two records and what a replica takes.
 */
export async function importSnapshot(
  replica: Replica,
  options: ImportSnapshotOptions,
): Promise<SnapshotImport> {
  const { isEmpty, verifier, now } = options
  if (isEmpty) return await new SnapshotPass(replica, options, 'importing').check()
  await withTemporaryStore(replica.store, async (store) => {
    await new SnapshotPass(new Replica({ store, verifier, now }), options, 'checking').check()
  })
  return await new SnapshotPass(replica, options, 'importing').take()
}

/** One reading of a snapshot into one replica. */
class SnapshotPass {
  readonly #replica: Replica
  readonly #options: ImportSnapshotOptions
  readonly #phase: SnapshotProgress['phase']
  readonly #refused = new Map<string, number>()
  #firstBad: string | null = null
  #operations = 0
  #bodies = 0
  #cells = 0
  #admitted = 0
  #completed = 0

  constructor(replica: Replica, options: ImportSnapshotOptions, phase: SnapshotProgress['phase']) {
    this.#replica = replica
    this.#options = options
    this.#phase = phase
  }

  /** Reads all of it, and holds the replica to what it says. */
  async check(): Promise<SnapshotImport> {
    const { manifest, content } = await openSnapshot(this.#options.file)
    this.#checkSpace(manifest)
    const comparison = new StateComparison(this.#replica.store, manifest.path)
    const differences: string[] = []
    for await (const record of content) {
      switch (record.kind) {
        case 'operations':
          await this.#admit(record.operations, manifest)
          break
        case 'cells':
          for (const cell of record.cells) comparison.add(cell)
          this.#cells += record.cells.length
          break
        case 'end':
          comparison.end()
          differences.push(...this.#compareCounts(manifest, record))
      }
    }
    differences.push(...this.#compareRoots(manifest))
    if (comparison.difference !== null) differences.push(comparison.difference)
    if (differences.length > 0) throw this.#mismatch(differences)
    return this.#report(manifest)
  }

  /** Reads its operations; that they are what they should be has been checked. */
  async take(): Promise<SnapshotImport> {
    const { manifest, content } = await openSnapshot(this.#options.file)
    this.#checkSpace(manifest)
    for await (const record of content) {
      if (record.kind === 'operations') await this.#admit(record.operations, manifest)
      else if (record.kind === 'cells') this.#cells += record.cells.length
    }
    return this.#report(manifest)
  }

  #checkSpace({ space }: SnapshotManifest): void {
    if (equalBytes(space, this.#replica.store.spaceId)) return
    const detail = `the snapshot is of space ${toHex(space)}, not of ${toHex(this.#replica.store.spaceId)}`
    throw new FaultError({ code: 'WRONG_SPACE', detail })
  }

  async #admit(envelopes: readonly SnapshotOperation[], manifest: SnapshotManifest): Promise<void> {
    const { signal, onProgress } = this.#options
    signal?.throwIfAborted()
    const { store } = this.#replica
    const operations: Operation[] = []
    for (const { headerBytes, signature, body } of envelopes) {
      const read = assembleOperation(headerBytes, signature, body)
      if (read.ok) operations.push(read.value)
      else this.#onBad(read.fault.code, `number ${this.#operations}: ${read.fault.detail}`)
      this.#operations++
      if (body !== null) this.#bodies++
    }
    const bodyless = bodylessAmong(operations, store)
    const outcomes = await this.#replica.receive(operations, FILE_SOURCE)
    for (const [i, outcome] of outcomes.entries())
      this.#count(operations[i] as Operation, outcome, bodyless.has(i))
    await onProgress?.({ phase: this.#phase, done: this.#operations, total: manifest.operations })
  }

  #count({ id }: Operation, outcome: Outcome, wasBodyless: boolean): void {
    switch (outcome.kind) {
      case 'admitted':
        this.#admitted++
        break
      case 'duplicate':
        if (wasBodyless) this.#completed++
        break
      case 'refused':
      case 'waiting':
        this.#onBad(outcome.fault.code, `${toHex(id)}: ${outcome.fault.detail}`)
        break
      case 'unchecked':
        throw new Error('bug: everything in a file is looked at')
    }
  }

  #onBad(code: string, detail: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
    this.#firstBad ??= detail
  }

  #compareCounts(
    manifest: SnapshotManifest,
    end: { readonly operations: number; readonly bodies: number; readonly cells: number },
  ): readonly string[] {
    const compare = (what: string, said: number, found: number) =>
      said === found ? [] : [`it says that it holds ${said} ${what}, and holds ${found}`]
    return [
      ...compare('operations', manifest.operations, this.#operations),
      ...compare('operations', end.operations, this.#operations),
      ...compare('bodies', end.bodies, this.#bodies),
      ...compare('cells', end.cells, this.#cells),
    ]
  }

  #compareRoots(manifest: SnapshotManifest): readonly string[] {
    const compare = (what: string, said: Uint8Array, found: Uint8Array) =>
      equalBytes(said, found)
        ? []
        : [`its ${what} is ${toHex(said)}, and ${toHex(found)} follows from its operations`]
    return [
      ...compare('clock root', manifest.clockRoot, this.#replica.clockRoot()),
      ...compare('state root', manifest.stateRoot, stateRootOf(this.#replica, manifest.path)),
    ]
  }

  #mismatch(differences: readonly string[]): FaultError {
    const codes = [...this.#refused].map(([code, count]) => `${code} ${count}`).join(', ')
    const bad =
      this.#firstBad === null
        ? []
        : [`operations in it were not admitted (${codes}), first ${this.#firstBad}`]
    const taken =
      this.#phase === 'checking' || this.#admitted === 0
        ? 'nothing of it was taken'
        : `${this.#admitted} operations that hold by themselves were admitted`
    return new FaultError({
      code: 'SNAPSHOT_MISMATCH',
      detail: `the snapshot is not what it says: ${[...bad, ...differences].join('; ')}; ${taken}; make it again where it came from`,
    })
  }

  #report(manifest: SnapshotManifest): SnapshotImport {
    return {
      manifest,
      operations: this.#operations,
      admitted: this.#admitted,
      completed: this.#completed,
      cells: this.#cells,
    }
  }
}
