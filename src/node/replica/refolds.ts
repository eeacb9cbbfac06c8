import { PastReader } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import { SIBLINGS_MAX } from '../../core/limits.ts'
import { type Cell, type CellKey, compareStamps, type WriteStamp } from '../../core/types/cell.ts'
import { foldOf, isContestable, isSameElement, withoutIncrements } from '../../core/types/fold.ts'
import { cellName } from '../../storage/cell-order.ts'
import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { BodyEdits, type EvaluationOf } from './body-edits.ts'
import { refold } from './refold.ts'

/** A cell whose history is to be looked at again. */
interface Wanted {
  readonly key: CellKey
  /** True where masks or what was there before have changed, so that nothing of what is stored may be kept. */
  isWhole: boolean
  /** Operations admitted in this transaction that take back a counter. */
  readonly clearings: Entry[]
}

/** An element of a cell, in the order of admission. */
type Candidate = WriteStamp & { readonly ordinal: number }

/**
 * The cells that one transaction leaves to be folded again, each once at its end: an author who adds and removes by turns, or one
 * revocation after the other, costs one look at a history for each transaction and not for each operation. Where an element was removed
 * or a counter cleared, bodies are read of what shows now and of what is newly taken back, and of nothing else
 * (test/replica/refolds.test.ts). Until {@link write}, the cells wanted here show something older.
 */
export class Refolds {
  readonly #store: SpaceStore
  readonly #evaluationOf: EvaluationOf
  readonly #wanted = new Map<string, Wanted>()

  constructor(store: SpaceStore, evaluationOf: EvaluationOf) {
    this.#store = store
    this.#evaluationOf = evaluationOf
  }

  /** True where the cell is to be folded again, so that writes need not be folded into it. */
  has(key: CellKey): boolean {
    return this.#wanted.has(cellName(key))
  }

  /** What is masked, or was there before, has changed. */
  addWhole(key: CellKey): void {
    this.#want(key).isWhole = true
  }

  /** The element that showed is removed; the store's removals name it. */
  addRemoved(key: CellKey): void {
    this.#want(key)
  }

  /** A new operation takes back what it has seen of a counter. Increments are folded into the cell all the same until {@link write}. */
  addCleared(key: CellKey, entry: Entry): void {
    this.#want(key).clearings.push(entry)
  }

  /** Folds what is to be folded, at the end of a transaction, and gives its cells. */
  write(writer: SpaceWriter): readonly CellKey[] {
    if (this.#wanted.size === 0) return []
    const bodies = new BodyEdits(this.#evaluationOf)
    const wanted = [...this.#wanted.values()]
    this.#wanted.clear()
    for (const { key, isWhole, clearings } of wanted) {
      const fold = foldOf(key.type)
      if (isWhole || fold === 'latest') refold(key, bodies, this.#store, writer)
      else if (fold === 'sum') this.#takeBack(key, clearings, bodies, writer)
      else this.#showNext(key, bodies, writer)
    }
    return wanted.map(({ key }) => key)
  }

  #want({ path, type, field }: CellKey): Wanted {
    const key = { path, type, field }
    const name = cellName(key)
    const known = this.#wanted.get(name)
    if (known !== undefined) return known
    const wanted: Wanted = { key, isWhole: false, clearings: [] }
    this.#wanted.set(name, wanted)
    return wanted
  }

  /** Lets the best element show that no removal names; where none is left, the best of all stands there as removed. */
  #showNext(key: CellKey, bodies: BodyEdits, writer: SpaceWriter): void {
    const all = this.#effective(key, 'set')
    const live = all.filter((one) => !this.#store.isRemoved(key, one))
    const sign = foldOf(key.type) === 'first' ? -1 : 1
    let best: Candidate | undefined
    for (const one of live.length > 0 ? live : all)
      if (best === undefined || sign * compareStamps(one, best) > 0) best = one
    if (best === undefined) throw new Error('bug: a removed element is not in the history of its cell')
    const winner = best
    const { id, index, time, lamport } = winner
    const value = this.#valueOf(key, winner, bodies)
    writer.putCell(key, { id, index, time, lamport, value, removed: live.length === 0 })
    if (!isContestable(key.type)) return
    const losers = live.slice(-1 - SIBLINGS_MAX).filter((one) => !isSameElement(one, winner))
    writer.putSiblings(
      key,
      losers.slice(-SIBLINGS_MAX).map((one) => ({
        ordinal: one.ordinal,
        index: one.index,
        value: this.#valueOf(key, one, bodies),
      })),
    )
  }

  /** Takes from a counter what these operations have seen and no earlier clearing had. */
  #takeBack(key: CellKey, clearings: readonly Entry[], bodies: BodyEdits, writer: SpaceWriter): void {
    const store = this.#store
    const isNew = new Set(clearings.map(({ ordinal }) => ordinal))
    const earlier = this.#effective(key, 'clear').filter(({ ordinal }) => !isNew.has(ordinal))
    const before = pastOf(
      earlier.map(({ ordinal }) => store.at(ordinal)),
      store,
    )
    const now = pastOf(clearings, store)
    let stamp: Candidate | undefined
    let taken = 0n
    for (const one of this.#effective(key, 'add')) {
      const entry = store.at(one.ordinal)
      if (before.has(entry)) continue
      if (now.has(entry)) taken += BigInt(this.#byOf(key, one, bodies))
      else if (stamp === undefined || compareStamps(one, stamp) > 0) stamp = one
    }
    if (stamp === undefined) writer.clearCell(key)
    else writer.putCell(key, withoutIncrements(store.cell(key) as Cell, stamp, taken))
  }

  /** The edits of one kind in a cell's history that have an effect, ascending by (ordinal, index). */
  #effective(key: CellKey, kind: 'set' | 'add' | 'clear'): readonly Candidate[] {
    return this.#store.history(key).flatMap(({ ordinal, index, kind: other }) => {
      if (other !== kind || this.#store.mask(ordinal) !== undefined) return []
      const { id, time, lamport } = this.#store.at(ordinal)
      return [{ ordinal, id, index, time, lamport }]
    })
  }

  #valueOf(key: CellKey, { ordinal, index }: Candidate, bodies: BodyEdits): Uint8Array {
    const edit = bodies.find(this.#store.at(ordinal), index, key)
    if (edit?.kind !== 'set') throw new Error('bug: a write in the history of a cell is not in its body')
    return edit.value
  }

  #byOf(key: CellKey, { ordinal, index }: Candidate, bodies: BodyEdits): number {
    const edit = bodies.find(this.#store.at(ordinal), index, key)
    if (edit?.kind !== 'add') throw new Error('bug: an increment in the history of a cell is not in its body')
    return edit.by
  }
}

function pastOf(entries: readonly Entry[], store: SpaceStore): PastReader {
  const parents = new Set(entries.flatMap((entry) => entry.parents))
  return new PastReader(
    store,
    Array.from(parents, (ordinal) => ({ ordinal })),
  )
}
