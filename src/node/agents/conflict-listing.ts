import { isAtOrBelow } from '../../core/path.ts'
import type { CellKey } from '../../core/types/cell.ts'
import type { Conflict } from '../history/conflict.ts'
import type { ConflictPage } from '../history/conflicts.ts'
import { fromPlace } from './item-listing.ts'
import { PageSize } from './page-size.ts'
import type { SpaceAccess } from './space-access.ts'

/** Conflicts read at a time. */
const READ_AT_ONCE = 32

/** The open conflicts at or below a path that the caller may read, in the order of `placesWithin`. */
export function conflictsWithin(
  access: SpaceAccess,
  prefix: string,
  { limit, after }: { readonly limit: number; readonly after?: CellKey | undefined },
): ConflictPage {
  const conflicts: Conflict[] = []
  const size = new PageSize()
  for (const conflict of readable(access, prefix, after)) {
    if (conflicts.length === limit || size.isFull) {
      const { path, type, field } = conflicts.at(-1) as Conflict
      return { conflicts, next: { path, type, field } }
    }
    conflicts.push(size.add(conflict))
  }
  return { conflicts, next: null }
}

function* readable(access: SpaceAccess, prefix: string, after: CellKey | undefined): Generator<Conflict> {
  const prefixes = access.readableBelow(prefix)
  for (const one of fromPlace(prefixes ?? [prefix], after?.path)) {
    let from = after !== undefined && isAtOrBelow(after.path, one) ? after : null
    do {
      const options = { limit: READ_AT_ONCE, ...(from === null ? {} : { after: from }) }
      const page = access.space.conflicts.list(one, options)
      for (const conflict of page.conflicts)
        if (prefixes !== null || access.mayRead(conflict.path)) yield conflict
      from = page.next
    } while (from !== null)
  }
}
