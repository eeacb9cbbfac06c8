import { CELL_TYPES } from '../../core/types/cell.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'
import type { ItemType } from './item-edit.ts'
import { tagOfRows } from './item-tag.ts'
import { type Item, itemAt, rowsOf, toItem } from './item.ts'

/** What shows at a path, read from the store once. */
export interface ShownItem {
  readonly type: ItemType
  /** As {@link itemTag} gives it. */
  readonly tag: string | null
  /** Makes the item of what was read; of a log, reads it, all of it. */
  readonly item: () => Item | undefined
}

/** What shows at a path of one type, or of the first that does in the order of CELL_TYPES; undefined where nothing does. */
export function shownItem(
  path: string,
  type: ItemType | undefined,
  store: SpaceStore,
): ShownItem | undefined {
  for (const one of type === undefined ? CELL_TYPES : [type]) {
    const shown = one === 'log' ? shownLog(path, store) : shownRows([...rowsOf(path, one, store)], store)
    if (shown !== undefined) return shown
  }
  return undefined
}

function shownRows([first, ...rest]: readonly CellRow[], store: SpaceStore): ShownItem | undefined {
  if (first === undefined) return undefined
  const rows = [first, ...rest] as const
  return { type: first.key.type, tag: tagOfRows(rows), item: () => toItem(rows, store) }
}

function shownLog(path: string, store: SpaceStore): ShownItem | undefined {
  if (rowsOf(path, 'log', store).next().done === true) return undefined
  return { type: 'log', tag: null, item: () => itemAt(path, 'log', store) }
}
