import type { Cell, CellEdit, CellKey } from '../core/types/cell.ts'
import type { ElementRef } from '../core/changes/change.ts'
import type { Entry, ForkProof, Graph, PublishedDelegation } from '../core/graph.ts'
import type { Body, VerifiedOperation } from '../core/operation/operation.ts'
import type { VerifiedDelegation } from '../core/ucan/delegation.ts'

/** The bytes of an admitted operation. */
export interface StoredOperation {
  readonly headerBytes: Uint8Array
  readonly signature: Uint8Array
  /** Null while the body has not arrived. */
  readonly body: Body | null
}

/** A refusal worth remembering: who sent what, and why it was refused. */
export interface Refusal {
  /** Id of the operation, or sha256 of the bytes where they had no id. */
  readonly id: Uint8Array
  readonly code: string
  readonly detail: string
  /** Peer id of the sender, as text. */
  readonly peer: string
  /** This node's clock, ms since 1970. */
  readonly timeMs: number
}

/** One write or removal in the history of a cell. */
export interface HistoryEntry {
  readonly ordinal: number
  readonly index: number
  readonly kind: CellEdit['kind']
}

/** A write of a cell that lost to a concurrent one, and that no later write or removal has seen. */
export interface Sibling {
  readonly ordinal: number
  readonly index: number
  /** Canonical DAG-CBOR. */
  readonly value: Uint8Array
}

/** One change of a text, as opening the text needs it (src/core/types/text). */
export interface TextEditRow {
  readonly ordinal: number
  /** Index of the change in its body. */
  readonly index: number
  /** Ordinals of the nearest operations before it that changed the text; where it waits, as far as they were known. */
  readonly parents: readonly number[]
  /** True while a body is absent that must be known first. */
  readonly isWaiting: boolean
  /** Canonical DAG-CBOR of the edits; of null where it deletes the text. */
  readonly payload: Uint8Array
}

/**
 * What changed an admitted operation later than its admission. Who follows the log by ordinal takes turn `turn` after the operations before
 * ordinal `at`.
 */
export interface Turn {
  /** 0, 1, 2, … */
  readonly turn: number
  readonly at: number
  readonly ordinal: number
  /** Its body came, it lost its effect, or it got its effect back. */
  readonly kind: 'body' | 'masked' | 'unmasked'
}

/** A cell with its key. */
export interface CellRow {
  readonly key: CellKey
  readonly cell: Cell
}

/** Why an admitted operation has no effect. */
export interface Mask {
  /** Nothing with an effect builds on it: it is not in the clock root, not asked for, and not built on (docs/decisions/0007). */
  readonly isSevered: boolean
}

/** The first write of a cell. */
export interface FirstWrite {
  readonly key: CellKey
  readonly cell: Cell
  readonly kind: 'set' | 'add'
}

/** Which cells to list, in ascending order of (path, type, field) by UTF-8 bytes. */
export interface CellRange {
  /** Only cells at or below this path, by whole segments; the root is everything. */
  readonly prefix: string
  /** Only cells after this one: the last of the page before. */
  readonly after?: CellKey
  /** Rows in one page. */
  readonly limit: number
}

/** A table that SQL shows: the maps strictly below a path, a row each, some of their fields as columns. */
export interface KindView {
  /** `[a-z][a-z0-9_]*`, and no name that the file has for something of ours. */
  readonly name: string
  readonly path: string
  /** Fields by name, each once, small and capital letters being the same; none named `path` or `key`. */
  readonly columns: readonly {
    readonly name: string
    readonly type: 'text' | 'integer' | 'real' | 'json'
  }[]
}

/** What of a store any SQLite client can read. */
export interface SqlFile {
  /** Its path. */
  readonly file: string
  /** Makes it have exactly these views of kinds, in a transaction of its own. Returns the names that something else has there. */
  putKindViews(views: readonly KindView[]): readonly string[]
}

/**
 * What one space keeps on disk: the port that every adapter implements and test/storage/conformance.ts checks.
 *
 * Reads are synchronous, so that admission decides against one unmoving state (docs/decisions/0002). Promises of every adapter:
 * 1. `transaction` is atomic and durable: after it returns, a killed process has lost nothing of it; if `work` throws, nothing
 *    of it was done and the error is passed on;
 * 2. inside `work`, reads see what the writer has written;
 * 3. ordinals are 0, 1, 2, … in the order of `append`, which the caller gives parents first;
 * 4. heads and frontier follow from the appended operations: a head is nobody's `prev`, the frontier is nobody's parent.
 */
export interface SpaceStore extends Graph {
  /** Id of the genesis operation. */
  readonly spaceId: Uint8Array
  /** Where SQL can read it; null where there is no such file. */
  readonly sql: SqlFile | null

  /** Number of admitted operations, and so the next ordinal. */
  count(): number
  /** Bytes of an admitted operation. Throws for an ordinal that was never given out. */
  operation(ordinal: number): StoredOperation
  /** Every author with its heads, in no particular order. */
  authors(): Iterable<{ readonly author: Uint8Array; readonly heads: readonly Entry[] }>
  /** The operations on which nobody has built, ascending by ordinal. */
  frontier(): readonly Entry[]
  /** True where that operation is the only one on which nobody has built: it has seen everything. O(1). */
  isWholeFrontier(ordinal: number): boolean
  /** Entries from an ordinal on, ascending, at most `limit`. */
  entriesFrom(ordinal: number, limit: number): readonly Entry[]
  /** Operations that are not severed and whose body has not arrived, ascending, at most `limit`. */
  absentBodies(limit: number): readonly Entry[]
  /** How many those are in all. */
  absentBodyCount(): number

  /** Why an operation has no effect; undefined where it has one. */
  mask(ordinal: number): Mask | undefined
  /** Ordinals of all masked operations, in no particular order. */
  masked(): Iterable<number>
  /** The operations that revoke or endorse, ascending. */
  verdicts(): readonly Entry[]
  /** The operations whose chain names that delegation, ascending. */
  using(digest: Uint8Array): Iterable<Entry>

  /** The winning write of a cell. */
  cell(key: CellKey): Cell | undefined
  /** The cells of all items at exactly this path. */
  cellsAt(path: string): readonly CellRow[]
  /** A page of cells, removed ones left out. */
  cells(range: CellRange): readonly CellRow[]
  /**
   * Calls back with the key and the value of every cell, removed ones left out, in the order of `cells` and for less than those cost. The value
   * is a view that is good during the call alone.
   */
  eachShown(visit: (key: CellKey, value: Uint8Array) => void): void
  /** True when some removal names that element of that cell. */
  isRemoved(key: CellKey, element: ElementRef): boolean
  /** The elements of a cell that some removal names, in no particular order. */
  removals(key: CellKey): readonly ElementRef[]
  /** Every cell that anything was ever written about, removed ones too: those after a cell, in the order of `cells`. */
  cellKeys(after: CellKey | null, limit: number): readonly CellKey[]
  /** Every write and removal of a cell, ascending by (ordinal, index). */
  history(key: CellKey): readonly HistoryEntry[]
  /** The concurrent losers of a cell, ascending by (ordinal, index). */
  siblings(key: CellKey): readonly Sibling[]
  /** The cells that have siblings: those after a cell, in the order of `cells`. */
  contested(after: CellKey | null, limit: number): readonly CellKey[]
  /** The changes of the text at a path, void and masked ones too, ascending by (ordinal, index). */
  textEdits(path: string): readonly TextEditRow[]
  /** Paths of the texts that have changes that wait, ascending by UTF-8 bytes. */
  waitingTexts(): readonly string[]
  /** The operations at exactly these paths whose body has not arrived, masked ones too, in no particular order. */
  absentAt(paths: readonly string[]): readonly number[]
  /** Turns from one on, ascending, at most `limit`. */
  turns(from: number, limit: number): readonly Turn[]
  /** Ordinals of the operations that changed something at or below a path, descending, below `before`, at most `limit`. */
  changedBelow(prefix: string, before: number, limit: number): readonly number[]

  /** Every published delegation, in no particular order. */
  tokens(): Iterable<PublishedDelegation>

  /** One fork proof for each author that forked: the smallest. */
  forks(): readonly ForkProof[]
  /** The remembered refusal of that id. */
  refusal(id: Uint8Array): Refusal | undefined
  /** Refusals so far by code, forgotten ones included. */
  refusalCounts(): ReadonlyMap<string, number>
  /** A small value kept with the space, by name. */
  note(name: string): Uint8Array | undefined

  /**
   * Does all of `work` or nothing. `durability`: `power` also survives the machine losing power (own operations, before they are
   * sent); `process` survives the death of the process, and may lose the last transactions with the power (they are fetched again).
   */
  transaction<T>(durability: 'power' | 'process', work: (writer: SpaceWriter) => T): T

  /** The store as it is now, to be read while this one goes on. Whoever asked closes it, and soon: a file grows meanwhile. */
  freeze(): FrozenSpace

  /** Closes files; nothing else may be called after. */
  close(): void
}

/** One moment of a store. */
export type FrozenSpace = Pick<SpaceStore, 'count' | 'entriesFrom' | 'operation' | 'mask' | 'cells' | 'close'>

/** What may be written inside a transaction. */
export interface SpaceWriter {
  /** Adds an admitted operation; `entry.ordinal` must be `count()`. The heads of its author and the frontier follow. */
  append(operation: VerifiedOperation, entry: Entry): void
  /** Gives an admitted operation the body it lacked. */
  putBody(ordinal: number, body: Body): void
  /** Masks an operation, or changes how; null: it has its effect. */
  putMask(ordinal: number, mask: Mask | null): void
  /** Publishes a delegation by an admitted operation; may be repeated. */
  putToken(delegation: VerifiedDelegation, publisher: number): void
  /**
   * Writes the first that was ever written about cells, by the operation of that ordinal: of each its winning write and the one entry of its
   * history. Does nothing for a cell about which anything was written before (a write, a removal, history, an earlier one of `writes`), also
   * if it was cleared since: the places of those in `writes` are returned, ascending. Each write shows, and none is of a text.
   */
  putFirst(ordinal: number, writes: readonly FirstWrite[]): readonly number[]
  /** Replaces the winning write of a cell. */
  putCell(key: CellKey, cell: Cell): void
  /** Remembers that an element is removed. */
  putRemoval(key: CellKey, element: ElementRef): void
  /** Forgets the winning write of a cell, its siblings and what is removed from it, to be folded again. Its history stays. */
  clearCell(key: CellKey): void
  /** Replaces the siblings of a cell. */
  putSiblings(key: CellKey, siblings: readonly Sibling[]): void
  /** Adds a change of the text at a path, or replaces what was said of it. */
  putTextEdit(path: string, edit: TextEditRow): void
  /** Adds a turn, at the present number of operations. */
  putTurn(ordinal: number, kind: Turn['kind']): void
  /** Adds to the history of a cell. */
  putHistory(key: CellKey, entry: HistoryEntry): void
  /** Keeps the proof of an author's fork, in place of an earlier one. */
  putFork(proof: ForkProof): void
  /** Remembers a refusal and counts it; the oldest are forgotten beyond REFUSALS_REMEMBERED_MAX. */
  putRefusal(refusal: Refusal): void
  /** Keeps a small value by name. */
  putNote(name: string, value: Uint8Array): void
}
