import type { KnownLog } from '../../core/clock-text.ts'
import { Verdicts } from '../../core/effect/verdicts.ts'
import type { Entry } from '../../core/graph.ts'
import { isAtOrBelow } from '../../core/path.ts'
import { equalBytes } from '../../core/bytes.ts'
import type { Cell, CellKey, CellType } from '../../core/types/cell.ts'
import { isSameElement } from '../../core/types/fold.ts'
import { cellName, compareCellKeys } from '../../storage/cell-order.ts'
import { pastOf } from '../exchange/past-bits.ts'
import { bodySizeOf } from '../replica/effects.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { ItemRecords } from './item-records.ts'
import { textAt } from './text-state.ts'

/** The name of an item. */
export interface ItemName {
  readonly path: string
  readonly type: CellType
}

/** What became of the items of a space since a clock, by path and type. */
export interface Delta {
  readonly added: readonly ItemName[]
  readonly updated: readonly ItemName[]
  readonly deleted: readonly ItemName[]
}

/**
 * The items that show otherwise than they did to somebody with that clock: those that were not there, those whose value differs, and those
 * that are there no more. What was without effect then is judged by the revocations of that past. Cost: one walk over the log since the first that is new,
 * over all of it where something is revoked, and the histories of the cells that what is new has touched.
 */
export async function deltaSince(
  space: HostedSpace,
  clock: readonly KnownLog[],
  prefix: string,
): Promise<Delta> {
  const { store, replica } = space
  const past = await pastOf(store, clock)
  const verdicts = new Verdicts({ graph: store, bodySizeOf: (entry) => bodySizeOf(store, entry) })
  const judging = store.verdicts().filter(({ ordinal }) => past.has(ordinal))
  for (const entry of judging) verdicts.add(entry, replica.evaluationOf(entry))
  const wasMasked = (entry: Entry) => judging.length > 0 && verdicts.isMasked(entry)
  const wasThere = (entry: Entry) => past.has(entry.ordinal) && !wasMasked(entry)

  const touched = new Map<string, CellKey>()
  const touch = (entry: Entry) => {
    for (const key of cellsOf(entry, prefix, space)) touched.set(cellName(key), key)
  }
  const areMasksAlike = store.verdicts().length === 0
  for (let ordinal = areMasksAlike ? past.first : 0; ordinal < store.count(); ordinal++) {
    if (past.has(ordinal) && areMasksAlike) continue
    const entry = store.at(ordinal)
    const isMasked = store.mask(ordinal) !== undefined
    if (!past.has(ordinal) || wasMasked(entry) !== isMasked) touch(entry)
  }

  const records = new ItemRecords(store)
  const before = (key: CellKey): Cell | undefined =>
    key.type === 'text' ? textAt(key, wasThere, records, space) : records.fold(key, wasThere)
  const added: ItemName[] = []
  const updated: ItemName[] = []
  const deleted: ItemName[] = []
  for (const [item, keys] of groupByItem([...touched.values()])) {
    const cells = keys.map((key) => ({ old: shown(before(key)), now: shown(store.cell(key)) }))
    if (cells.every(({ old, now }) => isSame(item.type, old, now))) continue
    const names = new Set(keys.map(({ field }) => field))
    // A cell that nothing new has touched shows what it showed then.
    const others = store
      .cellsAt(item.path)
      .some(({ key, cell }) => key.type === item.type && !cell.removed && !names.has(key.field))
    const wasShown = others || cells.some(({ old }) => old !== null)
    const isShown = others || cells.some(({ now }) => now !== null)
    ;(wasShown ? (isShown ? updated : deleted) : added).push(item)
  }
  return { added, updated, deleted }
}

function cellsOf(entry: Entry, prefix: string, { replica }: HostedSpace): readonly CellKey[] {
  if (!entry.command.startsWith('/op/')) return []
  if (!isAtOrBelow(entry.path, prefix) && !isAtOrBelow(prefix, entry.path)) return []
  return replica.evaluationOf(entry).flatMap((change): readonly CellKey[] => {
    if (!change.ok) return []
    const effect = change.value
    if (effect.kind !== 'cells') return []
    return effect.edits.flatMap(({ path, type, field }) =>
      isAtOrBelow(path, prefix) ? [{ path, type, field }] : [],
    )
  })
}

/** By item, ascending by path and type. */
function groupByItem(keys: CellKey[]): readonly (readonly [ItemName, readonly CellKey[]])[] {
  const groups: [ItemName, CellKey[]][] = []
  for (const key of keys.sort(compareCellKeys)) {
    const last = groups.at(-1)
    if (last !== undefined && last[0].path === key.path && last[0].type === key.type) last[1].push(key)
    else groups.push([{ path: key.path, type: key.type }, [key]])
  }
  return groups
}

const shown = (cell: Cell | undefined): Cell | null => (cell === undefined || cell.removed ? null : cell)

/** Of a claim it matters whose it is; of anything else, what it says. */
function isSame(type: CellType, a: Cell | null, b: Cell | null): boolean {
  if (a === null || b === null) return a === b
  return equalBytes(a.value, b.value) && (type !== 'claim' || isSameElement(a, b))
}
