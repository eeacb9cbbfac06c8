import type { Cell, CellKey } from '../../core/types/cell.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import type { Entry, ForkProof, PublishedDelegation } from '../../core/graph.ts'
import type {
  CellRange,
  CellRow,
  FirstWrite,
  HistoryEntry,
  Mask,
  Refusal,
  Sibling,
  SqlFile,
  FrozenSpace,
  SpaceStore,
  SpaceWriter,
  StoredOperation,
  TextEditRow,
  Turn,
} from '../space-store.ts'
import { assertSynchronous, TransactionGuard } from '../transaction-guard.ts'
import { Cells } from './cells.ts'
import type { Database } from './database.ts'
import { Forks } from './forks.ts'
import { History } from './history.ts'
import { KindViews } from './kind-views.ts'
import { Notes } from './notes.ts'
import { Operations, type OperationsInit } from './operations.ts'
import { Refusals } from './refusals.ts'
import { Siblings } from './siblings.ts'
import { Texts } from './texts.ts'
import { Tokens } from './tokens.ts'
import { Turns } from './turns.ts'

/** What an open file becomes a store with. */
export interface SqliteSpaceStoreInit extends OperationsInit {
  readonly database: Database
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
}

/**
 * A space in one SQLite file; `openSqliteSpaceStore` makes it. Invariants:
 * 1. between transactions, what is in memory (authors, heads, frontier, counts, tails, caches) is what the file says;
 * 2. a transaction that fails rolls the file back and reads all of that again: rare, so simple rather than fast.
 */
export class SqliteSpaceStore implements SpaceStore {
  readonly spaceId: Uint8Array
  readonly spaceKey: Uint8Array
  readonly sql: SqlFile
  readonly #init: SqliteSpaceStoreInit
  readonly #database: Database
  readonly #guard = new TransactionGuard()
  readonly #operations: Operations
  readonly #cells: Cells
  readonly #history: History
  readonly #siblings: Siblings
  readonly #texts: Texts
  readonly #turns: Turns
  readonly #tokens: Tokens
  readonly #forks: Forks
  readonly #refusals: Refusals
  readonly #notes: Notes
  readonly #writer: SpaceWriter

  constructor(init: SqliteSpaceStoreInit) {
    const { database, spaceId, spaceKey } = init
    this.spaceId = spaceId
    this.spaceKey = spaceKey
    this.#init = init
    this.#database = database
    this.#operations = new Operations(database, init)
    this.#cells = new Cells(database)
    this.#history = new History(database, this.#cells)
    this.#siblings = new Siblings(database, this.#cells)
    this.#texts = new Texts(database, this.#cells)
    this.#turns = new Turns(database)
    this.#tokens = new Tokens(database, init.idSeeds)
    this.#forks = new Forks(database)
    this.#refusals = new Refusals(database)
    this.#notes = new Notes(database)
    this.sql = this.#createSqlFile()
    this.#writer = this.#createWriter()
    this.#load()
  }

  count(): number {
    return this.#operations.count()
  }

  find(id: Uint8Array): Entry | undefined {
    return this.#operations.find(id)
  }

  prevOf(ordinal: number): number | null {
    return this.#operations.prevOf(ordinal)
  }

  at(ordinal: number): Entry {
    return this.#operations.at(ordinal)
  }

  operation(ordinal: number): StoredOperation {
    return this.#operations.operation(ordinal)
  }

  heads(author: Uint8Array): readonly Entry[] {
    return this.#operations.heads(author)
  }

  authors(): Iterable<{ readonly author: Uint8Array; readonly heads: readonly Entry[] }> {
    return this.#operations.authors()
  }

  frontier(): readonly Entry[] {
    return this.#operations.frontier()
  }

  isWholeFrontier(ordinal: number): boolean {
    return this.#operations.isWholeFrontier(ordinal)
  }

  entriesFrom(ordinal: number, limit: number): readonly Entry[] {
    return this.#operations.entriesFrom(ordinal, limit)
  }

  absentBodies(limit: number): readonly Entry[] {
    return this.#operations.absentBodies(limit)
  }

  absentBodyCount(): number {
    return this.#operations.absentBodyCount()
  }

  firstAfter(author: Uint8Array, prev: number | null): Entry | undefined {
    return this.#operations.firstAfter(author, prev)
  }

  mask(ordinal: number): Mask | undefined {
    return this.#operations.mask(ordinal)
  }

  masked(): Iterable<number> {
    return this.#operations.masked()
  }

  verdicts(): readonly Entry[] {
    return this.#operations.verdicts()
  }

  using(digest: Uint8Array): Iterable<Entry> {
    return this.#operations.using(digest)
  }

  token(digest: Uint8Array): PublishedDelegation | undefined {
    return this.#tokens.token(digest)
  }

  tokens(): Iterable<PublishedDelegation> {
    return this.#tokens.all()
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
    return this.#history.of(key)
  }

  siblings(key: CellKey): readonly Sibling[] {
    return this.#siblings.of(key)
  }

  contested(after: CellKey | null, limit: number): readonly CellKey[] {
    return this.#siblings.contested(after, limit)
  }

  textEdits(path: string): readonly TextEditRow[] {
    return this.#texts.edits(path)
  }

  waitingTexts(): readonly string[] {
    return this.#texts.waiting()
  }

  absentAt(paths: readonly string[]): readonly number[] {
    return this.#texts.absentAt(paths)
  }

  turns(from: number, limit: number): readonly Turn[] {
    return this.#turns.from(from, limit)
  }

  changedBelow(prefix: string, before: number, limit: number): readonly number[] {
    return this.#history.changedBelow(prefix, before, limit)
  }

  fork(author: Uint8Array): ForkProof | undefined {
    return this.#forks.of(author)
  }

  forks(): readonly ForkProof[] {
    return this.#forks.all()
  }

  refusal(id: Uint8Array): Refusal | undefined {
    return this.#refusals.refusal(id)
  }

  refusalCounts(): ReadonlyMap<string, number> {
    return this.#refusals.counts()
  }

  note(name: string): Uint8Array | undefined {
    return this.#notes.note(name)
  }

  transaction<T>(durability: 'power' | 'process', work: (writer: SpaceWriter) => T): T {
    return this.#guard.run(() => {
      try {
        this.#database.begin(durability)
      } catch (error) {
        throw this.#database.explain(error)
      }
      try {
        const result = assertSynchronous(work(this.#writer))
        this.#operations.flush()
        this.#history.flush()
        this.#cells.flush()
        this.#database.commit()
        return result
      } catch (error) {
        this.#rollback()
        throw this.#database.explain(error)
      }
    })
  }

  freeze(): FrozenSpace {
    const database = this.#database.openMoment()
    try {
      // What it reads first of all fixes the moment.
      return new SqliteSpaceStore({ ...this.#init, database })
    } catch (error) {
      database.close()
      throw error
    }
  }

  close(): void {
    this.#database.close()
  }

  #rollback(): void {
    try {
      this.#database.rollback()
      this.#load()
    } catch (error) {
      // Memory and file may differ now: no answer is better than a wrong one.
      this.#database.close()
      throw this.#database.explain(error)
    }
  }

  #load(): void {
    this.#operations.load()
    this.#cells.load()
    this.#history.load()
    this.#tokens.load()
    this.#forks.load()
    this.#refusals.load()
    this.#notes.load()
  }

  #createSqlFile(): SqlFile {
    const views = new KindViews(this.#database)
    return {
      file: this.#database.file,
      putKindViews: (kinds) => (views.has(kinds) ? [] : this.transaction('process', () => views.put(kinds))),
    }
  }

  #createWriter(): SpaceWriter {
    // Each refuses to write outside a transaction.
    const guard = this.#guard
    return {
      append: (operation, entry) => {
        guard.assertOpen()
        this.#operations.append(operation, entry)
      },
      putBody: (ordinal, body) => {
        guard.assertOpen()
        this.#operations.putBody(ordinal, body)
      },
      putMask: (ordinal, mask) => {
        guard.assertOpen()
        this.#operations.putMask(ordinal, mask)
      },
      putTurn: (ordinal, kind) => {
        guard.assertOpen()
        this.#turns.put(this.count(), ordinal, kind)
      },
      clearCell: (key) => {
        guard.assertOpen()
        this.#cells.clearCell(key)
        this.#siblings.put(key, [])
      },
      putSiblings: (key, siblings) => {
        guard.assertOpen()
        this.#siblings.put(key, siblings)
      },
      putToken: (delegation, publisher) => {
        guard.assertOpen()
        this.#tokens.put(delegation, publisher)
      },
      putFirst: (ordinal, writes) => {
        guard.assertOpen()
        return this.#cells.putFirst(writes, (number, place) => {
          const { cell, kind } = writes[place] as FirstWrite
          this.#history.putFirst(number, ordinal, cell.index, kind)
        })
      },
      putCell: (key, cell) => {
        guard.assertOpen()
        this.#cells.putCell(key, cell)
      },
      putRemoval: (key, element) => {
        guard.assertOpen()
        this.#cells.putRemoval(key, element)
      },
      putHistory: (key, entry) => {
        guard.assertOpen()
        this.#history.put(key, entry)
      },
      putTextEdit: (path, edit) => {
        guard.assertOpen()
        this.#texts.put(path, edit)
      },
      putFork: (proof) => {
        guard.assertOpen()
        this.#forks.put(proof)
      },
      putRefusal: (refusal) => {
        guard.assertOpen()
        this.#refusals.put(refusal)
      },
      putNote: (name, value) => {
        guard.assertOpen()
        this.#notes.put(name, value)
      },
    }
  }
}
