import { PastReader } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import { SIBLINGS_MAX } from '../../core/limits.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import type { Cell, CellEdit, CellKey } from '../../core/types/cell.ts'
import { elementName, removedBy, type StampedEdit } from '../../core/types/fold-cell.ts'
import { foldOf, isContestable, isSameElement } from '../../core/types/fold.ts'
import type { Sibling, SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import type { Pasts } from './pasts.ts'

/** An edit of a cell, and the operation that makes it. */
export type CellRecord = StampedEdit & { readonly entry: Entry }

/**
 * Keeps up the siblings of a cell, for people to look at: the writes that do not show although nobody who has seen them has decided so. It
 * decides nothing. Invariants, for each contestable cell (test/replica/contest.test.ts):
 * 1. where the last writer wins: each effective write, beside the one that won, that is in the past of no other effective write and of no
 *    effective removal of the cell is a sibling, but of one operation only the last write; and every sibling is such a write, but that a removal may have seen it which did not
 *    name it although it showed: no honest author makes one;
 * 2. of a claim: the siblings are the effective claims, beside the one that holds, that no effective release names;
 * 3. at most SIBLINGS_MAX are kept, the latest admitted ones. Those that were left out do not come back as others are settled,
 *    unless the cell is folded again.
 */
export class Contest {
  readonly #entry: Entry
  readonly #store: SpaceStore
  readonly #writer: SpaceWriter
  readonly #pasts: Pasts
  #seesAll: boolean | null = null

  /** `entry`: the operation whose edits are folded, which was admitted last. */
  constructor(entry: Entry, store: SpaceStore, writer: SpaceWriter, pasts: Pasts) {
    this.#entry = entry
    this.#pasts = pasts
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
    const isUncontested = losers.length === 0 && this.#hasSeenWriter(before)
    const isClaim = foldOf(key.type) === 'first'
    if (isUncontested && !isClaim) return
    const { ordinal } = this.#entry
    const next = isClaim ? [...losers] : this.#unseen(losers).filter((loser) => loser.ordinal !== ordinal)
    const isWinner = isSameElement(after, { id: this.#entry.id, index: edit.index })
    if (!isWinner) next.push({ ordinal, index: edit.index, value: edit.value })
    else if (!before.removed && (isClaim || !this.#hasSeenWriter(before))) {
      const writer = this.#store.find(before.id) as Entry
      next.push({ ordinal: writer.ordinal, index: before.index, value: before.value })
    }
    this.#put(key, losers, next)
  }

  /** Takes up a removal that leaves the winner what it is: what its author had seen is settled, of a claim what it names. */
  remove(key: CellKey, observed: readonly ElementRef[]): void {
    if (!isContestable(key.type)) return
    const losers = this.#store.siblings(key)
    if (losers.length === 0) return
    const names = new Set(observed.map(elementName))
    const isNamed = ({ ordinal, index }: Sibling) =>
      names.has(elementName({ id: this.#store.at(ordinal).id, index }))
    const isClaim = foldOf(key.type) === 'first'
    this.#put(key, losers, isClaim ? losers.filter((loser) => !isNamed(loser)) : this.#unseen(losers))
  }

  #put(key: CellKey, before: readonly Sibling[], next: readonly Sibling[]): void {
    if (before.length === 0 && next.length === 0) return
    this.#writer.putSiblings(key, latest(next))
  }

  /** Those that are not in the operation's past. A removal names nothing of its own operation, and settles nothing of it. */
  #unseen(siblings: readonly Sibling[]): Sibling[] {
    return siblings.filter(
      ({ ordinal }) => ordinal === this.#entry.ordinal || !this.#hasSeen(this.#store.at(ordinal)),
    )
  }

  #hasSeenWriter({ id }: Cell): boolean {
    return this.#hasSeen(this.#store.find(id) as Entry)
  }

  /** True for what is in the operation's past, and for the operation itself. */
  #hasSeen(entry: Entry): boolean {
    if (entry.ordinal === this.#entry.ordinal || this.#hasSeenAll()) return true
    return this.#pasts.of(this.#entry).has(entry)
  }

  /** True where nothing admitted is outside the operation's past: the common case, and the cheap one. */
  #hasSeenAll(): boolean {
    this.#seesAll ??= this.#store.isWholeFrontier(this.#entry.ordinal)
    return this.#seesAll
  }
}

/** The siblings of a cell from nothing: `records` are its effective edits ascending by (ordinal, index), `cell` what they come to. */
export function findSiblings(
  { type }: CellKey,
  records: readonly CellRecord[],
  cell: Cell | undefined,
  store: SpaceStore,
): readonly Sibling[] {
  if (cell === undefined || !isContestable(type)) return []
  if (foldOf(type) === 'latest') return latest(toSiblings(unsettled(records, store), cell))
  const removed = removedBy(records)
  return latest(
    toSiblings(
      records.filter(({ stamp }) => !removed.has(elementName(stamp))),
      cell,
    ),
  )
}

/** The writes that no other edit has seen, of one operation the last: one search for all of them, however many there are. */
function unsettled(records: readonly CellRecord[], store: SpaceStore): readonly CellRecord[] {
  const parents = new Set(records.flatMap(({ entry }) => entry.parents))
  const past = new PastReader(
    store,
    Array.from(parents, (ordinal) => ({ ordinal })),
  )
  const lastOf = new Map<number, CellRecord>()
  for (const record of records) if (record.edit.kind === 'set') lastOf.set(record.entry.ordinal, record)
  return [...lastOf.values()].filter(({ entry }) => !past.has(entry))
}

function toSiblings(records: readonly CellRecord[], winner: Cell): Sibling[] {
  return records.flatMap(({ entry: { ordinal }, stamp, edit }) =>
    edit.kind === 'set' && !isSameElement(stamp, winner)
      ? [{ ordinal, index: edit.index, value: edit.value }]
      : [],
  )
}

/** The latest admitted ones, as many as are kept. */
function latest(siblings: readonly Sibling[]): readonly Sibling[] {
  return siblings.toSorted((a, b) => a.ordinal - b.ordinal || a.index - b.index).slice(-SIBLINGS_MAX)
}
