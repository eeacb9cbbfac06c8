import { PastReader } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import { SIBLINGS_MAX } from '../../core/limits.ts'
import type { Cell, CellEdit, CellKey } from '../../core/types/cell.ts'
import { isContestable, isSameElement } from '../../core/types/fold.ts'
import type { Sibling, SpaceStore, SpaceWriter } from '../../storage/space-store.ts'

/**
 * Keeps up which writes lost a cell to a concurrent one, for people to look at: `siblings`, the writes that show in no way although no later
 * write or removal has seen them. It decides nothing. Invariants, for each contestable cell:
 * 1. the winner and its siblings are the effective writes that are in the past of no other effective write or removal of the cell;
 * 2. at most SIBLINGS_MAX are kept, the latest admitted ones.
 */
export class Contest {
  readonly #entry: Entry
  readonly #store: SpaceStore
  readonly #writer: SpaceWriter
  #past: PastReader | null = null
  #seesAll: boolean | null = null

  /** `entry`: the operation whose edits are folded, later in the log than those folded before. */
  constructor(entry: Entry, store: SpaceStore, writer: SpaceWriter) {
    this.#entry = entry
    this.#store = store
    this.#writer = writer
  }

  /** Takes up a write that was just folded: `before` was the cell's content, `after` is. */
  write(
    key: CellKey,
    edit: CellEdit & { readonly kind: 'set' },
    before: Cell | undefined,
    after: Cell,
  ): void {
    if (before === undefined || !isContestable(key.type)) return
    const losers = this.#store.siblings(key)
    if (losers.length === 0 && this.#hasSeenWriter(before)) return
    const next = losers.filter(({ ordinal }) => !this.#hasSeen(this.#store.at(ordinal)))
    const { ordinal } = this.#entry
    const isWinner = isSameElement(after, { id: this.#entry.id, index: edit.index })
    if (!isWinner) next.push({ ordinal, index: edit.index, value: edit.value })
    else if (!before.removed && !this.#hasSeenWriter(before)) {
      const writer = this.#store.find(before.id) as Entry
      next.push({ ordinal: writer.ordinal, index: before.index, value: before.value })
    }
    this.#put(key, losers, next)
  }

  /** Takes up a removal: what its author had seen is settled. */
  remove(key: CellKey): void {
    if (!isContestable(key.type)) return
    const losers = this.#store.siblings(key)
    if (losers.length === 0) return
    const next = losers.filter(({ ordinal }) => !this.#hasSeen(this.#store.at(ordinal)))
    this.#put(key, losers, next)
  }

  #put(key: CellKey, before: readonly Sibling[], next: readonly Sibling[]): void {
    if (before.length === 0 && next.length === 0) return
    const sorted = next.toSorted((a, b) => a.ordinal - b.ordinal || a.index - b.index)
    this.#writer.putSiblings(key, sorted.slice(-SIBLINGS_MAX))
  }

  #hasSeenWriter({ id }: Cell): boolean {
    return this.#hasSeen(this.#store.find(id) as Entry)
  }

  /** True for what is in the operation's past, and for the operation itself. */
  #hasSeen(entry: Entry): boolean {
    if (entry.ordinal === this.#entry.ordinal || this.#hasSeenAll()) return true
    if (entry.ordinal > this.#entry.ordinal) return false
    this.#past ??= new PastReader(
      this.#store,
      this.#entry.parents.map((ordinal) => ({ ordinal })),
    )
    return this.#past.has(entry)
  }

  /** True where nothing admitted is outside the operation's past: the common case, and the cheap one. */
  #hasSeenAll(): boolean {
    this.#seesAll ??= this.#store.isWholeFrontier(this.#entry.ordinal)
    return this.#seesAll
  }
}
