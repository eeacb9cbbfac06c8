import { compareBytes, equalBytes, ownBytes, toHex } from '../core/bytes.ts'
import type { Cell, CellKey } from '../core/types/cell.ts'
import type { ElementRef } from '../core/changes/change.ts'
import { compareHeads } from '../core/clock.ts'
import { compareForkProofs } from '../core/forks.ts'
import type { Entry, ForkProof, PublishedDelegation } from '../core/graph.ts'
import { REFUSALS_REMEMBERED_MAX } from '../core/limits.ts'
import type { Body, VerifiedOperation } from '../core/operation/operation.ts'
import type { VerifiedDelegation } from '../core/ucan/delegation.ts'
import { freezeInMemory } from './freeze-in-memory.ts'
import { MemoryCells } from './memory-cells.ts'
import { MemoryTexts } from './memory-texts.ts'
import type {
  CellRange,
  CellRow,
  HistoryEntry,
  Mask,
  Refusal,
  Sibling,
  FrozenSpace,
  SpaceStore,
  SpaceWriter,
  StoredOperation,
  TextEditRow,
  Turn,
} from './space-store.ts'
import { assertSynchronous, TransactionGuard } from './transaction-guard.ts'
import { UndoLog } from './undo-log.ts'

/** What a memory store is made for. */
export interface MemorySpaceStoreInit {
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
}

/** A store that lives as long as the process: tests, browsers, and the model that other adapters are compared with. */
export function createMemorySpaceStore(init: MemorySpaceStoreInit): SpaceStore {
  return new MemorySpaceStore(init)
}

class MemorySpaceStore implements SpaceStore {
  readonly sql = null
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
  readonly #guard = new TransactionGuard()
  readonly #log = new UndoLog(this.#guard)

  readonly #entries: Entry[] = []
  readonly #operations: StoredOperation[] = []
  readonly #byId = new Map<string, Entry>()
  readonly #heads = new Map<string, { readonly author: Uint8Array; readonly byOrdinal: Map<number, Entry> }>()
  readonly #frontier = new Set<number>()
  readonly #absent = new Set<number>()
  readonly #masks = new Map<number, Mask>()
  /** The operation admitted first after each ordinal by the same author, and at the beginning of each author's log. */
  readonly #firstAfter = new Map<number | string, Entry>()
  readonly #tokens = new Map<string, PublishedDelegation>()
  readonly #cells = new MemoryCells(this.#guard, this.#log)
  readonly #texts = new MemoryTexts(this.#log)
  readonly #turns: Turn[] = []
  readonly #forks = new Map<string, ForkProof>()
  #refusals = new Map<string, Refusal>()
  /** The refusals before the open transaction, once it has written any. */
  #refusalsBefore: Map<string, Refusal> | null = null
  readonly #refusalCounts = new Map<string, number>()
  readonly #notes = new Map<string, Uint8Array>()

  constructor({ spaceId, spaceKey }: MemorySpaceStoreInit) {
    this.spaceId = spaceId
    this.spaceKey = spaceKey
  }

  count(): number {
    return this.#entries.length
  }

  find(id: Uint8Array): Entry | undefined {
    return this.#byId.get(toHex(id))
  }

  prevOf(ordinal: number): number | null {
    return this.at(ordinal).prev
  }

  at(ordinal: number): Entry {
    const entry = this.#entries[ordinal]
    if (entry === undefined) throw new Error(`bug: no operation has ordinal ${ordinal}`)
    return entry
  }

  operation(ordinal: number): StoredOperation {
    this.at(ordinal)
    return this.#operations[ordinal] as StoredOperation
  }

  heads(author: Uint8Array): readonly Entry[] {
    return [...(this.#heads.get(toHex(author))?.byOrdinal.values() ?? [])].sort(compareHeads)
  }

  authors(): Iterable<{ readonly author: Uint8Array; readonly heads: readonly Entry[] }> {
    return [...this.#heads.values()].map(({ author }) => ({ author, heads: this.heads(author) }))
  }

  frontier(): readonly Entry[] {
    return [...this.#frontier].sort((a, b) => a - b).map((ordinal) => this.at(ordinal))
  }

  isWholeFrontier(ordinal: number): boolean {
    return this.#frontier.size === 1 && this.#frontier.has(ordinal)
  }

  entriesFrom(ordinal: number, limit: number): readonly Entry[] {
    return this.#entries.slice(ordinal, ordinal + limit)
  }

  absentBodies(limit: number): readonly Entry[] {
    return this.#absentOrdinals()
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map((ordinal) => this.at(ordinal))
  }

  absentBodyCount(): number {
    return this.#absentOrdinals().length
  }

  firstAfter(author: Uint8Array, prev: number | null): Entry | undefined {
    return this.#firstAfter.get(prev ?? toHex(author))
  }

  mask(ordinal: number): Mask | undefined {
    return this.#masks.get(ordinal)
  }

  masked(): Iterable<number> {
    return this.#masks.keys()
  }

  verdicts(): readonly Entry[] {
    return this.#entries.filter(({ command }) => command === '/cap/revoke' || command === '/cap/endorse')
  }

  using(digest: Uint8Array): Iterable<Entry> {
    return this.#entries.filter(({ caps }) => caps.some((named) => equalBytes(named, digest)))
  }

  token(digest: Uint8Array): PublishedDelegation | undefined {
    return this.#tokens.get(toHex(digest))
  }

  tokens(): Iterable<PublishedDelegation> {
    return [...this.#tokens.values()]
  }

  cell(key: CellKey): Cell | undefined {
    return this.#cells.cell(key)
  }

  cellsAt(path: string): readonly CellRow[] {
    return this.#cells.cellsAt(path)
  }

  cells(range: CellRange): readonly CellRow[] {
    return this.#cells.cells(range)
  }

  eachShown(visit: (key: CellKey, value: Uint8Array) => void): void {
    this.#cells.eachShown(visit)
  }

  isRemoved(key: CellKey, element: ElementRef): boolean {
    return this.#cells.isRemoved(key, element)
  }

  removals(key: CellKey): readonly ElementRef[] {
    return this.#cells.removals(key)
  }

  cellKeys(after: CellKey | null, limit: number): readonly CellKey[] {
    return this.#cells.cellKeys(after, limit)
  }

  history(key: CellKey): readonly HistoryEntry[] {
    return this.#cells.history(key)
  }

  siblings(key: CellKey): readonly Sibling[] {
    return this.#cells.siblings(key)
  }

  contested(after: CellKey | null, limit: number): readonly CellKey[] {
    return this.#cells.contested(after, limit)
  }

  textEdits(path: string): readonly TextEditRow[] {
    return this.#texts.edits(path)
  }

  waitingTexts(): readonly string[] {
    return this.#texts.waiting()
  }

  absentAt(paths: readonly string[]): readonly number[] {
    return [...this.#absent].filter((ordinal) => paths.includes(this.at(ordinal).path))
  }

  turns(from: number, limit: number): readonly Turn[] {
    return this.#turns.slice(from, from + limit)
  }

  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    return this.#cells.changedBelow(prefix, Math.min(before, this.count()), limit)
  }

  fork(author: Uint8Array): ForkProof | undefined {
    return this.#forks.get(toHex(author))
  }

  forks(): readonly ForkProof[] {
    return [...this.#forks.values()].sort((a, b) => compareBytes(a.author, b.author))
  }

  refusal(id: Uint8Array): Refusal | undefined {
    return this.#refusals.get(toHex(id))
  }

  refusalCounts(): ReadonlyMap<string, number> {
    return new Map(this.#refusalCounts)
  }

  note(name: string): Uint8Array | undefined {
    return this.#notes.get(name)
  }

  transaction<T>(_durability: 'power' | 'process', work: (writer: SpaceWriter) => T): T {
    return this.#guard.run(() => {
      try {
        return assertSynchronous(work(this.#writer))
      } catch (error) {
        this.#log.runBackwards()
        throw error
      } finally {
        this.#log.clear()
        this.#refusalsBefore = null
      }
    })
  }

  freeze(): FrozenSpace {
    return freezeInMemory(this)
  }

  close(): void {
    // Nothing is held open.
  }

  readonly #writer: SpaceWriter = {
    append: (operation, entry) => this.#append(operation, entry),
    putBody: (ordinal, body) => this.#putBody(ordinal, body),
    putMask: (ordinal, mask) => this.#putMask(ordinal, mask),
    putTurn: (ordinal, kind) => this.#putTurn(ordinal, kind),
    clearCell: (key) => this.#cells.clearCell(key),
    putToken: (delegation, publisher) => this.#putToken(delegation, publisher),
    putFirst: (ordinal, writes) => this.#cells.putFirst(ordinal, writes),
    putCell: (key, cell) => this.#cells.putCell(key, cell),
    putRemoval: (key, element) => this.#cells.putRemoval(key, element),
    putHistory: (key, entry) => this.#cells.putHistory(key, entry),
    putSiblings: (key, siblings) => this.#cells.putSiblings(key, siblings),
    putTextEdit: (path, edit) => {
      this.#cells.know({ path, type: 'text', field: '' })
      this.#texts.put(path, edit)
    },
    putFork: (proof) => this.#putFork(proof),
    putRefusal: (refusal) => this.#putRefusal(refusal),
    putNote: (name, value) => this.#log.set(this.#notes, name, value),
  }

  #append(operation: VerifiedOperation, entry: Entry): void {
    this.#guard.assertOpen()
    const { ordinal } = entry
    if (ordinal !== this.count())
      throw new Error(`bug: appended ordinal ${ordinal}, the next is ${this.count()}`)
    if (this.find(entry.id) !== undefined) throw new Error('bug: an operation is appended twice')
    this.#log.push(this.#entries, entry)
    const { headerBytes, signature, body } = operation
    this.#log.push(this.#operations, {
      headerBytes: ownBytes(headerBytes),
      signature: ownBytes(signature),
      body: body === null ? null : body.map(ownBytes),
    })
    this.#log.set(this.#byId, toHex(entry.id), entry)
    const name = toHex(entry.author)
    const record = this.#heads.get(name) ?? { author: entry.author, byOrdinal: new Map<number, Entry>() }
    if (!this.#heads.has(name)) this.#log.set(this.#heads, name, record)
    if (entry.prev !== null) this.#log.delete(record.byOrdinal, entry.prev)
    this.#log.set(record.byOrdinal, ordinal, entry)
    for (const parent of entry.parents) this.#log.drop(this.#frontier, parent)
    this.#log.add(this.#frontier, ordinal)
    if (body === null) this.#log.add(this.#absent, ordinal)
    const place = entry.prev ?? toHex(entry.author)
    if (!this.#firstAfter.has(place)) this.#log.set(this.#firstAfter, place, entry)
  }

  #absentOrdinals(): number[] {
    return [...this.#absent].filter((ordinal) => this.#masks.get(ordinal)?.isSevered !== true)
  }

  #putMask(ordinal: number, mask: Mask | null): void {
    this.at(ordinal)
    if (mask !== null) this.#log.set(this.#masks, ordinal, { isSevered: mask.isSevered })
    else this.#log.delete(this.#masks, ordinal)
  }

  #putTurn(ordinal: number, kind: Turn['kind']): void {
    this.#log.push(this.#turns, { turn: this.#turns.length, at: this.count(), ordinal, kind })
  }

  #putBody(ordinal: number, body: Body): void {
    this.#guard.assertOpen()
    const before = this.operation(ordinal)
    if (before.body !== null) return
    this.#operations[ordinal] = { ...before, body: body.map(ownBytes) }
    this.#log.note(() => {
      this.#operations[ordinal] = before
    })
    this.#log.drop(this.#absent, ordinal)
  }

  #putToken(delegation: VerifiedDelegation, publisher: number): void {
    this.#guard.assertOpen()
    const name = toHex(delegation.digest)
    const known = this.#tokens.get(name)
    if (known?.publishers.includes(publisher)) return
    const publishers = [...(known?.publishers ?? []), publisher].sort((a, b) => a - b)
    this.#log.set(this.#tokens, name, { delegation: known?.delegation ?? delegation, publishers })
  }

  #putFork(proof: ForkProof): void {
    const name = toHex(proof.author)
    const known = this.#forks.get(name)
    if (known === undefined || compareForkProofs(proof, known) < 0) this.#log.set(this.#forks, name, proof)
  }

  #putRefusal(refusal: Refusal): void {
    this.#guard.assertOpen()
    const before = this.#refusals
    if (this.#refusalsBefore === null) {
      // Which was the oldest cannot be undone step by step, so the first refusal of a transaction copies them all.
      this.#refusalsBefore = before
      this.#refusals = new Map(before)
      this.#log.note(() => {
        this.#refusals = before
      })
    }
    // A map iterates in the order of insertion, so the first is the oldest.
    this.#refusals.delete(toHex(refusal.id))
    this.#refusals.set(toHex(refusal.id), refusal)
    const [oldest] = this.#refusals.keys()
    if (this.#refusals.size > REFUSALS_REMEMBERED_MAX && oldest !== undefined) this.#refusals.delete(oldest)
    this.#log.set(this.#refusalCounts, refusal.code, (this.#refusalCounts.get(refusal.code) ?? 0) + 1)
  }
}
