import { isAtOrBelow } from '../../core/path.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { compareText } from '../../storage/cell-order.ts'
import type { ItemType } from '../space/item-edit.ts'
import type { SpaceAccess } from './space-access.ts'

/** The name of an item. */
export interface ItemPlace {
  readonly path: string
  readonly type: ItemType
}

/** Which items. */
export interface ListingOptions {
  /** Only those after this one in the order of the listing. */
  readonly after?: ItemPlace | undefined
  /** Only of this type. */
  readonly type?: ItemType | undefined
}

/**
 * The items at or below a path that the caller may read, ascending by path and type; where the caller reads several paths, one of them after
 * the other. Nothing is read of what lies elsewhere. Cost: one look-up for each item.
 */
export function* placesWithin(
  access: SpaceAccess,
  prefix: string,
  { after, type }: ListingOptions = {},
): Generator<ItemPlace> {
  const { store } = access.space.hosted
  const prefixes = access.readableBelow(prefix)
  for (const one of fromPlace(prefixes ?? [prefix], after?.path)) {
    let key: CellKey | null = after !== undefined && isAtOrBelow(after.path, one) ? behind(after) : null
    for (;;) {
      const [row] = store.cells({ prefix: one, limit: 1, ...(key === null ? {} : { after: key }) })
      if (row === undefined) break
      const { path, type: found } = row.key
      key = behind({ path, type: found })
      if ((type ?? found) !== found) continue
      if (prefixes === null && !access.mayRead(path)) continue
      yield { path, type: found }
    }
  }
}

/** Of prefixes none of which is below another, those from the one on in which a path lies; or where it would lie. */
export function fromPlace(prefixes: readonly string[], path: string | undefined): readonly string[] {
  if (path === undefined) return prefixes
  const at = prefixes.findIndex((prefix) => isAtOrBelow(path, prefix))
  return at === -1 ? prefixes.filter((prefix) => compareText(prefix, path) > 0) : prefixes.slice(at)
}

/** A key behind all cells of an item and before those of the next: no type has a blank in its name. */
const behind = ({ path, type }: ItemPlace): CellKey => ({ path, type: `${type} ` as ItemType, field: '' })
