import { PastReader } from '../../core/ancestry.ts'
import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import type { Entry } from '../../core/graph.ts'
import { TEXT_OPEN_BYTES } from '../../core/limits.ts'
import { isAtOrBelow, ROOT_PATH } from '../../core/path.ts'
import {
  type Cell,
  type CellEdit,
  type CellKey,
  compareStamps,
  type WriteStamp,
} from '../../core/types/cell.ts'
import { TEXT } from '../../core/types/text/change.ts'
import type { TextAction, TextEdit } from '../../core/types/text/edit.ts'
import { replacing, type TextDelta } from '../../core/types/text/delta.ts'
import { TextDocument } from '../../core/types/text/document.ts'
import type { SpaceStore, SpaceWriter, TextEditRow } from '../../storage/space-store.ts'
import { inBranchOrder } from './branch-order.ts'
import type { Pasts } from './pasts.ts'

/** A change of a text, from a body. */
export type TextCellEdit = CellEdit & { readonly kind: 'edit' | 'clear' }

/** True for the changes that edit or delete a text. */
export function isOfText(edit: CellEdit): edit is TextCellEdit {
  return edit.type === TEXT
}

/**
 * One text of a space, open in memory. Invariants:
 * 1. its document holds the changes of all operations in the store's rows of the text, but for those that wait: in whose past an operation
 *    without its body may have changed the text (docs/protocol.md §3);
 * 2. a node is masked iff its operation is;
 * 3. after {@link write} the cell says what the document shows.
 */
export class OpenText {
  readonly path: string
  readonly document: TextDocument
  readonly #store: SpaceStore
  readonly #pasts: Pasts
  /** By ordinal: the last node of the operation. */
  readonly #nodes = new Map<number, number>()
  /** The changes that wait, by the ordinal of their operation. */
  readonly #waiting = new Map<number, readonly TextEditRow[]>()
  /** By node: the index of its change. */
  readonly #indexes: number[] = []
  /** The greatest stamp of an effective edit that is not void; undefined: to be found again. */
  #stamp: WriteStamp | null | undefined
  /** The visible text before, where the document was opened after something had changed. */
  #before: string | null = null
  #isWritten = true

  /** Opens a text as the rows have it. `isDuringChange`: what shows may differ from the cell by now. */
  constructor(path: string, store: SpaceStore, pasts: Pasts, isDuringChange: boolean) {
    this.path = path
    this.#store = store
    this.#pasts = pasts
    this.document = new TextDocument((ordinal) => store.at(ordinal).id)
    const [placed, waiting] = [[] as TextEditRow[], [] as TextEditRow[]]
    for (const row of store.textEdits(path)) (row.isWaiting ? waiting : placed).push(row)
    for (const row of inBranchOrder(placed)) this.#place(row, this.#nodesOf(row.parents))
    for (const row of waiting) this.#hold(row)
    const cell = store.cell(this.#key)
    this.#stamp = cell ?? null
    if (isDuringChange) this.#before = cell === undefined || cell.removed ? '' : textOf(cell)
  }

  /** Bytes of memory, roughly. */
  get weightBytes(): number {
    return TEXT_OPEN_BYTES + this.document.weightBytes + 60 * this.#nodes.size
  }

  /** Takes the changes of an operation, which is in the store with its body, and writes their rows. */
  take(entry: Entry, edits: readonly TextCellEdit[], writer: SpaceWriter): void {
    const past = () => this.#pasts.of(entry)
    const parents = this.#canPlace(entry, past) ? this.#nearest(entry, past) : null
    for (const edit of edits) {
      const row: TextEditRow = {
        ordinal: entry.ordinal,
        index: edit.index,
        parents: parents === null ? [] : this.#ordinalsOf(parents),
        isWaiting: parents === null,
        payload: encodeCanonical(edit.kind === 'edit' ? edit.edits : null),
      }
      writer.putTextEdit(this.path, row)
      if (parents === null) this.#hold(row)
      else this.#placeAnew(row, parents)
    }
  }

  /** Places what waits and need wait no longer, since a body has come. */
  placeWaiting(writer: SpaceWriter): void {
    // In the order of admission, since what waits may wait for something else that does.
    for (const [ordinal, rows] of [...this.#waiting].sort(([a], [b]) => a - b)) {
      const entry = this.#store.at(ordinal)
      if (!this.#canPlace(entry)) continue
      this.#waiting.delete(ordinal)
      const parents = this.#nearest(entry)
      for (const row of rows) {
        writer.putTextEdit(this.path, { ...row, parents: this.#ordinalsOf(parents), isWaiting: false })
        this.#placeAnew(row, parents)
      }
    }
  }

  /** Takes over which operations of the text are masked, of those given. */
  remask(entries: readonly Entry[]): void {
    this.#begin()
    const isMasked = new Map(entries.map(({ ordinal }) => [ordinal, this.#store.mask(ordinal) !== undefined]))
    for (let node = 0; node < this.document.nodes; node++) {
      const masked = isMasked.get(this.document.operation(node))
      if (masked !== undefined) this.document.setMasked(node, masked)
    }
    this.#stamp = undefined
  }

  /** Writes what shows now into the cell, and gives how it differs from what showed before. */
  write(writer: SpaceWriter): TextDelta {
    const before = this.#before
    this.#before = null
    if (this.#isWritten) return []
    this.#isWritten = true
    const journal = this.document.finishDelta()
    if (this.#stamp === undefined) this.#stamp = this.#findStamp()
    const { exists } = this.document
    const text = exists ? this.document.toString() : ''
    if (this.#stamp === null) writer.clearCell(this.#key)
    else {
      const { id, index, time, lamport } = this.#stamp
      writer.putCell(this.#key, { id, index, time, lamport, value: encodeCanonical(text), removed: !exists })
    }
    return before === null ? journal : replacing(before, text)
  }

  /**
   * The nodes that an operation with these parents builds on: the nearest ones in its past. Null where it cannot be said, since an
   * operation without its body is among its ancestors.
   */
  parentsFor(parents: readonly Entry[]): readonly number[] | null {
    const past = { ordinal: this.#store.count(), parents: parents.map(({ ordinal }) => ordinal) }
    if (!this.#canPlace(past)) return null
    const isOnAll = this.#store.frontier().every(({ ordinal }) => past.parents.includes(ordinal))
    return isOnAll ? this.document.heads : this.#nearest(past)
  }

  /** The document's nodes in past⁺(entries), as a version; for reading what was, where nothing in it waits. */
  versionOf(entries: readonly Entry[]): readonly number[] {
    return this.#nearest({ ordinal: this.#store.count(), parents: entries.map(({ ordinal }) => ordinal) })
  }

  get #key(): CellKey {
    return { path: this.path, type: TEXT, field: '' }
  }

  #hold(row: TextEditRow): void {
    this.#waiting.set(row.ordinal, [...(this.#waiting.get(row.ordinal) ?? []), row])
  }

  /** Notes what shows before the first change since it was written. */
  #begin(): void {
    if (this.#isWritten) this.document.beginDelta()
    this.#isWritten = false
  }

  #placeAnew(row: TextEditRow, parents: readonly number[]): void {
    this.#begin()
    const node = this.#place(row, parents)
    if (this.#stamp === undefined || this.document.isMasked(node) || this.document.isVoid(node)) return
    const stamp = this.#stampOf(node)
    if (this.#stamp === null || compareStamps(stamp, this.#stamp) > 0) this.#stamp = stamp
  }

  /** A later change of one operation follows its earlier one. */
  #place({ ordinal, index, payload }: TextEditRow, parents: readonly number[]): number {
    const earlier = this.#nodes.get(ordinal)
    const node = this.document.add({
      operation: ordinal,
      parents: earlier === undefined ? parents : [earlier],
      action: actionOf(payload),
      isMasked: this.#store.mask(ordinal) !== undefined,
    })
    this.#nodes.set(ordinal, node)
    this.#indexes[node] = index
    return node
  }

  #nodesOf(ordinals: readonly number[]): readonly number[] {
    return ordinals.map((ordinal) => this.#nodes.get(ordinal) as number)
  }

  #ordinalsOf(nodes: readonly number[]): readonly number[] {
    return nodes.map((node) => this.document.operation(node)).sort((a, b) => a - b)
  }

  /** True where all of the operation's past that may have changed the text is known. */
  #canPlace({ parents }: Place, pastOf = () => this.#pastOf(parents)): boolean {
    if (parents.every((parent) => this.#nodes.has(parent))) return true
    if (parents.some((parent) => this.#waiting.has(parent))) return false
    const absent = absentAbove(this.path, this.#store)
    if (absent.length === 0) return true
    const past = pastOf()
    return !absent.some((ordinal) => past.has(this.#store.at(ordinal)))
  }

  #nearest({ ordinal, parents }: Place, pastOf = () => this.#pastOf(parents)): readonly number[] {
    if (this.#store.isWholeFrontier(ordinal)) return this.document.heads
    if (parents.every((parent) => this.#nodes.has(parent))) return ascending(this.#nodesOf(parents))
    const past = pastOf()
    const found = new Set<number>()
    const seen = new Set<number>()
    const open = [...this.document.heads]
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue
      seen.add(node)
      if (past.has(this.#store.at(this.document.operation(node)))) found.add(node)
      else open.push(...this.document.parents(node))
    }
    return ascending([...found])
  }

  #pastOf(parents: readonly number[]): PastReader {
    return new PastReader(
      this.#store,
      parents.map((ordinal) => ({ ordinal })),
    )
  }

  #findStamp(): WriteStamp | null {
    let greatest: WriteStamp | null = null
    for (let node = 0; node < this.document.nodes; node++) {
      if (this.document.isMasked(node) || this.document.isVoid(node)) continue
      const stamp = this.#stampOf(node)
      if (greatest === null || compareStamps(stamp, greatest) > 0) greatest = stamp
    }
    return greatest
  }

  #stampOf(node: number): WriteStamp {
    const { id, time, lamport } = this.#store.at(this.document.operation(node))
    return { id, time, lamport, index: this.#indexes[node] as number }
  }
}

/** Where an operation stands in the graph. */
type Place = Pick<Entry, 'ordinal' | 'parents'>

/** The operations without a body that may change the text at a path, masked ones too. */
function absentAbove(path: string, store: SpaceStore): readonly number[] {
  const paths = [ROOT_PATH]
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1))
    paths.push(path.slice(0, end))
  if (path !== ROOT_PATH) paths.push(path)
  return store.absentAt(paths)
}

/** True where the text at a path may lack something: an operation that may have changed it has not brought its body, and counts. */
export function isIncomplete(path: string, store: SpaceStore): boolean {
  return absentAbove(path, store).some((ordinal) => store.mask(ordinal)?.isSevered !== true)
}

/** True where an operation at `path` may have changed the text at `text`. */
export const mayChange = (path: string, text: string): boolean => isAtOrBelow(text, path)

function actionOf(payload: Uint8Array): TextAction {
  const decoded = decodeCanonical(payload)
  if (!decoded.ok) throw new Error(`bug: a stored edit of a text does not decode: ${decoded.fault.detail}`)
  const edits = decoded.value as readonly TextEdit[] | null
  return edits === null ? { kind: 'delete' } : { kind: 'edit', edits }
}

function textOf({ value }: Cell): string {
  const decoded = decodeCanonical(value)
  if (!decoded.ok || typeof decoded.value !== 'string') throw new Error('bug: the cell of a text holds none')
  return decoded.value
}

const ascending = (nodes: readonly number[]): readonly number[] =>
  nodes.length < 2 ? nodes : [...new Set(nodes)].sort((a, b) => a - b)
