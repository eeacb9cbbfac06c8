import { compareBytes, toHex } from '../core/bytes.ts'
import type { Cell, CellKey } from '../core/changes/cell.ts'
import type { ElementRef } from '../core/changes/change.ts'
import { compareHeads } from '../core/clock.ts'
import { compareForkProofs, type ForkProof } from '../core/forks.ts'
import type { Entry, PublishedDelegation } from '../core/graph.ts'
import { REFUSALS_REMEMBERED_MAX } from '../core/limits.ts'
import type { Body, VerifiedOperation } from '../core/operation/operation.ts'
import { isAtOrBelow } from '../core/path.ts'
import type { VerifiedDelegation } from '../core/ucan/delegation.ts'
import { cellName, compareCellKeys } from './cell-order.ts'
import type {
  CellRange,
  CellRow,
  HistoryEntry,
  Refusal,
  SpaceStore,
  SpaceWriter,
  StoredOperation,
} from './space-store.ts'
import { assertSynchronous, TransactionGuard } from './transaction-guard.ts'

/** What a memory store is made for. */
export interface MemorySpaceStoreInit {
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
}

/** Everything known of one cell; `cell` is undefined while only removals or history came. */
interface CellRecord {
  readonly key: CellKey
  cell: Cell | undefined
  readonly removed: Set<string>
  /** By `ordinal/index`. */
  readonly history: Map<string, HistoryEntry>
}

/** A store that lives as long as the process: tests, browsers, and the model that other adapters are compared with. */
export function createMemorySpaceStore(init: MemorySpaceStoreInit): SpaceStore {
  return new MemorySpaceStore(init)
}

/** Every write pushes what undoes it; a transaction that throws runs these backwards. */
class MemorySpaceStore implements SpaceStore {
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
  readonly #guard = new TransactionGuard()
  #undo: (() => void)[] = []

  readonly #entries: Entry[] = []
  readonly #operations: StoredOperation[] = []
  readonly #byId = new Map<string, Entry>()
  readonly #heads = new Map<string, { readonly author: Uint8Array; readonly heads: readonly Entry[] }>()
  readonly #frontier = new Set<number>()
  readonly #absent = new Set<number>()
  readonly #tokens = new Map<string, PublishedDelegation>()
  readonly #cells = new Map<string, CellRecord>()
  /** Ascending by key: what listings walk. */
  readonly #sorted: CellRecord[] = []
  readonly #changedPaths = new Map<number, Set<string>>()
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
    return this.#heads.get(toHex(author))?.heads ?? []
  }

  authors(): Iterable<{ readonly author: Uint8Array; readonly heads: readonly Entry[] }> {
    return [...this.#heads.values()]
  }

  frontier(): readonly Entry[] {
    return [...this.#frontier].sort((a, b) => a - b).map((ordinal) => this.at(ordinal))
  }

  entriesFrom(ordinal: number, limit: number): readonly Entry[] {
    return this.#entries.slice(ordinal, ordinal + limit)
  }

  absentBodies(limit: number): readonly Entry[] {
    const ordinals = [...this.#absent].sort((a, b) => a - b)
    return ordinals.slice(0, limit).map((ordinal) => this.at(ordinal))
  }

  absentBodyCount(): number {
    return this.#absent.size
  }

  token(digest: Uint8Array): PublishedDelegation | undefined {
    return this.#tokens.get(toHex(digest))
  }

  tokens(): Iterable<PublishedDelegation> {
    return [...this.#tokens.values()]
  }

  cell(key: CellKey): Cell | undefined {
    return this.#cells.get(cellName(key))?.cell
  }

  cellsAt(path: string): readonly CellRow[] {
    const rows: CellRow[] = []
    for (let i = this.#indexOf({ path, type: 'map', field: '' }); this.#sorted[i]?.key.path === path; i++) {
      const { key, cell } = this.#sorted[i] as CellRecord
      if (cell !== undefined) rows.push({ key, cell })
    }
    return rows
  }

  cells({ prefix, after, limit }: CellRange): readonly CellRow[] {
    const rows: CellRow[] = []
    const first: CellKey = { path: prefix, type: 'map', field: '' }
    const from = after !== undefined && compareCellKeys(after, first) > 0 ? after : first
    for (let i = this.#indexOf(from); i < this.#sorted.length && rows.length < limit; i++) {
      const { key, cell } = this.#sorted[i] as CellRecord
      // Between a path and what is below it lie its longer namesakes (`docs`, `docs-2`, `docs/a`); past those, nothing more.
      if (!key.path.startsWith(prefix)) break
      if (cell === undefined || cell.removed || !isAtOrBelow(key.path, prefix)) continue
      if (after === undefined || compareCellKeys(key, after) > 0) rows.push({ key, cell })
    }
    return rows
  }

  isRemoved(key: CellKey, element: ElementRef): boolean {
    return this.#cells.get(cellName(key))?.removed.has(elementName(element)) ?? false
  }

  history(key: CellKey): readonly HistoryEntry[] {
    const history = this.#cells.get(cellName(key))?.history.values() ?? []
    return [...history].sort((a, b) => a.ordinal - b.ordinal || a.index - b.index)
  }

  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    const ordinals: number[] = []
    for (
      let ordinal = Math.min(before, this.count()) - 1;
      ordinal >= 0 && ordinals.length < limit;
      ordinal--
    ) {
      const paths = this.#changedPaths.get(ordinal)?.values()
      if (paths?.some((path) => isAtOrBelow(path, prefix))) ordinals.push(ordinal)
    }
    return ordinals
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
      this.#undo = []
      try {
        return assertSynchronous(work(this.#writer))
      } catch (error) {
        for (const undo of this.#undo.reverse()) undo()
        throw error
      } finally {
        this.#undo = []
        this.#refusalsBefore = null
      }
    })
  }

  close(): void {
    // Nothing is held open.
  }

  readonly #writer: SpaceWriter = {
    append: (operation, entry) => this.#append(operation, entry),
    putBody: (ordinal, body) => this.#putBody(ordinal, body),
    putToken: (delegation, publisher) => this.#putToken(delegation, publisher),
    putCell: (key, cell) => this.#putCell(key, cell),
    putRemoval: (key, element) => this.#putRemoval(key, element),
    putHistory: (key, entry) => this.#putHistory(key, entry),
    putFork: (proof) => this.#putFork(proof),
    putRefusal: (refusal) => this.#putRefusal(refusal),
    putNote: (name, value) => this.#set(this.#notes, name, value),
  }

  #append(operation: VerifiedOperation, entry: Entry): void {
    this.#guard.assertOpen()
    const { ordinal } = entry
    if (ordinal !== this.count())
      throw new Error(`bug: appended ordinal ${ordinal}, the next is ${this.count()}`)
    if (this.find(entry.id) !== undefined) throw new Error('bug: an operation is appended twice')
    this.#push(this.#entries, entry)
    const { headerBytes, signature, body } = operation
    this.#push(this.#operations, { headerBytes, signature, body })
    this.#set(this.#byId, toHex(entry.id), entry)
    const others = this.heads(entry.author).filter((head) => head.ordinal !== entry.prev)
    const heads = [...others, entry].sort(compareHeads)
    this.#set(this.#heads, toHex(entry.author), { author: entry.author, heads })
    for (const parent of entry.parents) this.#drop(this.#frontier, parent)
    this.#add(this.#frontier, ordinal)
    if (body === null) this.#add(this.#absent, ordinal)
  }

  #putBody(ordinal: number, body: Body): void {
    this.#guard.assertOpen()
    const before = this.operation(ordinal)
    if (before.body !== null) return
    this.#operations[ordinal] = { ...before, body }
    this.#undo.push(() => {
      this.#operations[ordinal] = before
    })
    this.#drop(this.#absent, ordinal)
  }

  #putToken(delegation: VerifiedDelegation, publisher: number): void {
    this.#guard.assertOpen()
    const name = toHex(delegation.digest)
    const known = this.#tokens.get(name)
    if (known?.publishers.includes(publisher)) return
    const publishers = [...(known?.publishers ?? []), publisher].sort((a, b) => a - b)
    this.#set(this.#tokens, name, { delegation: known?.delegation ?? delegation, publishers })
  }

  #putCell(key: CellKey, cell: Cell): void {
    const record = this.#record(key)
    const before = record.cell
    record.cell = cell
    this.#undo.push(() => {
      record.cell = before
    })
  }

  #putRemoval(key: CellKey, element: ElementRef): void {
    this.#add(this.#record(key).removed, elementName(element))
  }

  #putHistory(key: CellKey, entry: HistoryEntry): void {
    const { history } = this.#record(key)
    const name = `${entry.ordinal}/${entry.index}`
    if (history.has(name)) return
    this.#set(history, name, entry)
    const paths = this.#changedPaths.get(entry.ordinal) ?? new Set()
    this.#changedPaths.set(entry.ordinal, paths)
    this.#add(paths, key.path)
  }

  #putFork(proof: ForkProof): void {
    const name = toHex(proof.author)
    const known = this.#forks.get(name)
    if (known === undefined || compareForkProofs(proof, known) < 0) this.#set(this.#forks, name, proof)
  }

  #putRefusal(refusal: Refusal): void {
    this.#guard.assertOpen()
    const before = this.#refusals
    if (this.#refusalsBefore === null) {
      // Which was the oldest cannot be undone step by step, so the first refusal of a transaction copies them all.
      this.#refusalsBefore = before
      this.#refusals = new Map(before)
      this.#undo.push(() => {
        this.#refusals = before
      })
    }
    // A map iterates in the order of insertion, so the first is the oldest.
    this.#refusals.delete(toHex(refusal.id))
    this.#refusals.set(toHex(refusal.id), refusal)
    const [oldest] = this.#refusals.keys()
    if (this.#refusals.size > REFUSALS_REMEMBERED_MAX && oldest !== undefined) this.#refusals.delete(oldest)
    this.#set(this.#refusalCounts, refusal.code, (this.#refusalCounts.get(refusal.code) ?? 0) + 1)
  }

  #record(key: CellKey): CellRecord {
    this.#guard.assertOpen()
    const name = cellName(key)
    const known = this.#cells.get(name)
    if (known !== undefined) return known
    const { path, type, field } = key
    const record: CellRecord = {
      key: { path, type, field },
      cell: undefined,
      removed: new Set(),
      history: new Map(),
    }
    this.#set(this.#cells, name, record)
    this.#sorted.splice(this.#indexOf(key), 0, record)
    this.#undo.push(() => this.#sorted.splice(this.#indexOf(key), 1))
    return record
  }

  /** Where in the sorted cells the first one lies that is not before `key`. */
  #indexOf(key: CellKey): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareCellKeys((this.#sorted[middle] as CellRecord).key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#guard.assertOpen()
    const before = map.get(key)
    map.set(key, value)
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)))
  }

  #add<V>(set: Set<V>, value: V): void {
    if (set.has(value)) return
    set.add(value)
    this.#undo.push(() => set.delete(value))
  }

  #drop<V>(set: Set<V>, value: V): void {
    if (set.delete(value)) this.#undo.push(() => set.add(value))
  }

  #push<V>(list: V[], value: V): void {
    list.push(value)
    this.#undo.push(() => list.pop())
  }
}

const elementName = (element: ElementRef): string => `${toHex(element.id)}/${element.index}`
