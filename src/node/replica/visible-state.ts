import type { CellKey } from '../../core/types/cell.ts'
import { StateTree } from '../../core/state/state-tree.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import type { ItemKey } from './materialise.ts'

/** The fields of an item that show, with the canonical bytes of their values. */
export function visibleFields(store: SpaceStore, item: ItemKey): ReadonlyMap<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  for (const { key, cell } of store.cellsAt(item.path)) {
    if (key.type === item.type && !cell.removed) fields.set(key.field, cell.value)
  }
  return fields
}

const STATE_PAGE_CELLS = 4_096

/** The state tree of everything a store shows, read page by page. */
export function loadState(store: SpaceStore): StateTree {
  const tree = new StateTree()
  let item: ItemKey | null = null
  let fields = new Map<string, Uint8Array>()
  let after: CellKey | undefined
  for (;;) {
    const page = store.cells({
      prefix: '',
      limit: STATE_PAGE_CELLS,
      ...(after === undefined ? {} : { after }),
    })
    for (const { key, cell } of page) {
      if (item === null || item.path !== key.path || item.type !== key.type) {
        if (item !== null) tree.set({ ...item, fields })
        item = { path: key.path, type: key.type }
        fields = new Map()
      }
      fields.set(key.field, cell.value)
    }
    if (page.length < STATE_PAGE_CELLS) break
    after = page.at(-1)?.key
  }
  if (item !== null) tree.set({ ...item, fields })
  return tree
}
