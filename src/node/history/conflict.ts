import { isInPast, PastReader } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { SIBLINGS_MAX } from '../../core/limits.ts'
import { formatDid } from '../../core/principal.ts'
import {
  type Cell,
  type CellKey,
  type CellType,
  compareStamps,
  type WriteStamp,
} from '../../core/types/cell.ts'
import { foldOf, isContestable, isSameElement } from '../../core/types/fold.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { type WinningRule, ruleOf } from './conflict-rule.ts'
import { valueOf } from './describe-edit.ts'
import type { Writer } from './diff-rows.ts'
import { ItemRecords } from './item-records.ts'

/** What one side of a conflict wrote. */
export interface Contender extends Writer {
  readonly lamport: number
  /** True where this side deleted; then there is no value. */
  readonly deletes: boolean
  readonly value?: unknown
}

/** A losing side, and by what it lost. */
export interface Loser extends Contender {
  readonly rule: WinningRule
}

/** One place where writes met that had not seen each other, and that nobody has settled since. */
export interface Conflict {
  readonly path: string
  readonly type: CellType
  /** A map's field, `label/to` of an edge; else empty. */
  readonly field: string
  /**
   * - `written twice`: two or more values;
   * - `claimed twice`: two or more claims;
   * - `deleted and written`: one side deleted what it saw, the other wrote.
   */
  readonly kind: 'written twice' | 'claimed twice' | 'deleted and written'
  /** What shows; `deletes` where nothing does. */
  readonly winner: Contender
  /** The latest to arrive first. */
  readonly losers: readonly Loser[]
}

/** The conflict in a cell, where there is one; of a claim only with those who had not seen that it is held. */
export function conflictIn(key: CellKey, store: SpaceStore): Conflict | null {
  const cell = store.cell(key)
  const siblings = store.siblings(key)
  if (cell === undefined || siblings.length === 0) return null
  const isClaim = foldOf(key.type) === 'first'
  const holder = store.find(cell.id) as Entry
  const losers = siblings.toReversed().flatMap(({ ordinal, index, value }): Loser[] => {
    const entry = store.at(ordinal)
    if (isClaim && isInPast(store, holder, [entry])) return []
    const rule = cell.removed ? 'deleted' : ruleOf(key.type, cell, { ...stampOf(entry), index })
    return [{ ...contender(entry, index), deletes: false, value: valueOf(value), rule }]
  })
  if (losers.length === 0) return null
  const kind = isClaim ? 'claimed twice' : cell.removed ? 'deleted and written' : 'written twice'
  const winner = cell.removed ? deleterOf(key, cell, store) : shownBy(cell, holder)
  return { ...key, kind, winner, losers }
}

/** Every conflict at exactly a path, with the deletions that lost to a write: their cells' histories are read for those. */
export function* conflictsAt(path: string, store: SpaceStore): Generator<Conflict> {
  for (const key of new ItemRecords(store).keysAt(path)) {
    if (!isContestable(key.type)) continue
    const contested = conflictIn(key, store)
    const deletions = foldOf(key.type) === 'latest' ? lostDeletions(key, store) : []
    if (contested !== null) yield { ...contested, losers: [...contested.losers, ...deletions] }
    else if (deletions.length > 0) {
      const cell = store.cell(key) as Cell
      const winner = shownBy(cell, store.find(cell.id) as Entry)
      yield { ...key, kind: 'deleted and written', winner, losers: deletions }
    }
  }
}

/**
 * The effective deletions of a cell that shows, whose authors had not seen what shows, and which neither its author nor that of any later
 * edit had seen: the latest SIBLINGS_MAX of them. An operation that also writes there, the winner among
 * them, has not deleted it; several deletions of one operation are one.
 */
function lostDeletions(key: CellKey, store: SpaceStore): readonly Loser[] {
  const cell = store.cell(key)
  if (cell === undefined || cell.removed) return []
  const history = store.history(key).filter(({ ordinal }) => store.mask(ordinal) === undefined)
  const winner = store.find(cell.id) as Entry
  const past = pastOf(winner, store)
  const writing = new Set(history.filter(({ kind }) => kind === 'set').map(({ ordinal }) => ordinal))
  let open = history
    .filter(
      ({ kind, ordinal }, i) =>
        kind === 'remove' && !writing.has(ordinal) && history[i + 1]?.ordinal !== ordinal,
    )
    .map(({ ordinal, index }) => ({ entry: store.at(ordinal), index }))
    .filter(({ entry }) => !past.has(entry) && !isInPast(store, winner, [entry]))
    .slice(-SIBLINGS_MAX)
  for (const { ordinal } of history) {
    if (open.length === 0) return []
    if (ordinal <= (open[0] as { readonly entry: Entry }).entry.ordinal) continue
    const seen = pastOf(store.at(ordinal), store)
    open = open.filter(({ entry }) => !seen.has(entry))
  }
  return open.toReversed().map(({ entry, index }) => ({
    ...contender(entry, index),
    deletes: true,
    rule: 'not seen by the deletion',
  }))
}

/** The last deletion of what won a cell. */
function deleterOf(key: CellKey, cell: Cell, store: SpaceStore): Contender {
  const isEffective = ({ ordinal }: Entry) => store.mask(ordinal) === undefined
  const [last] = new ItemRecords(store)
    .of(key, isEffective)
    .filter(({ edit }) => edit.kind === 'remove' && edit.observed.some((ref) => isSameElement(ref, cell)))
    .toSorted((a, b) => compareStamps(b.stamp, a.stamp))
  if (last === undefined) throw new Error('bug: what is removed was removed by nobody')
  return { ...contender(last.entry, last.stamp.index), deletes: true }
}

function shownBy(cell: Cell, writer: Entry): Contender {
  return { ...contender(writer, cell.index), deletes: false, value: valueOf(cell.value) }
}

function contender(entry: Entry, index: number): Omit<Contender, 'deletes' | 'value'> {
  const { id, author, time, lamport } = entry
  return { operation: toHex(id), index, author: formatDid(author), time, lamport }
}

const stampOf = ({ id, time, lamport }: Entry): Omit<WriteStamp, 'index'> => ({ id, time, lamport })

function pastOf({ parents }: Entry, store: SpaceStore): PastReader {
  return new PastReader(
    store,
    parents.map((ordinal) => ({ ordinal })),
  )
}
