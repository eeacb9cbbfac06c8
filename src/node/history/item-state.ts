import { type CellKey, CELL_TYPES } from '../../core/types/cell.ts'
import type { Entry } from '../../core/graph.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { type Item, toItem } from '../space/item.ts'
import type { CellChoice, ItemRecords } from './item-records.ts'
import { type Point, reachOf } from './point.ts'
import { textAt } from './text-state.ts'

/** How the past is looked at. */
export interface StateOptions extends CellChoice {
  /**
   * False: operations that a revocation has masked by now count for nothing at any point, which is what is held to be right today. True:
   * they count, as if nothing had ever been revoked.
   */
  readonly asRecorded?: boolean | undefined
}

/** The cells that show at a path at a point, by type and field in the order of bytes: the fold of what is there, as now. */
export function rowsAt(
  path: string,
  point: Point,
  options: StateOptions,
  records: ItemRecords,
  space: HostedSpace,
): readonly CellRow[] {
  const { asRecorded = false, ...choice } = options
  const { store } = space
  const isThere = reachOf(point, store)
  const isWanted = (entry: Entry) => (asRecorded || store.mask(entry.ordinal) === undefined) && isThere(entry)
  return records.keysAt(path, choice).flatMap((key) => {
    const isKept = point.kind === 'now' && !asRecorded
    const cell = isKept
      ? store.cell(key)
      : key.type === 'text'
        ? textAt(key, isWanted, records, space)
        : records.fold(key, isWanted)
    return cell === undefined || cell.removed ? [] : [{ key, cell }]
  })
}

/** The items that some cells show, in the order of CELL_TYPES. `rows` are of one path. */
export function itemsOf(rows: readonly CellRow[], store: SpaceStore): readonly Item[] {
  return CELL_TYPES.flatMap((type) => {
    const [first, ...others] = rows.filter(({ key }) => key.type === type)
    return first === undefined ? [] : [toItem([first, ...others], store)]
  })
}

/** One text for each cell of a path. */
export const cellLabel = ({ type, field }: Pick<CellKey, 'type' | 'field'>): string => `${type}/${field}`
