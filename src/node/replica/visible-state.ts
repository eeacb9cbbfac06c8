import { StateTree } from '../../core/state/state-tree.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { cellName } from '../../storage/cell-order.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

const STATE_PAGE_CELLS = 4_096

/**
 * What a store shows, as a Merkle tree that is read when first asked for and kept up from then on. Invariant: once read, and after
 * {@link refresh} with every cell that may have changed, its roots are those of the store's cells that are not removed.
 */
export class VisibleState {
  readonly #store: SpaceStore
  #tree: StateTree | null = null

  constructor(store: SpaceStore) {
    this.#store = store
  }

  /** Looks again at cells that may show something else than before. */
  refresh(touched: readonly CellKey[]): void {
    if (this.#tree !== null) showCells(this.#tree, this.#store, touched)
  }

  /** Root at and below a path, 32 bytes; null where nothing shows there. The root path always has one. */
  rootAt(path: string): Uint8Array | null {
    this.#tree ??= readTree(this.#store)
    return this.#tree.rootAt(path)
  }
}

/** The fields of an item that show, with the canonical bytes of their values. */
export function visibleFields(
  store: SpaceStore,
  item: Pick<CellKey, 'path' | 'type'>,
): ReadonlyMap<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>()
  for (const { key, cell } of store.cellsAt(item.path)) {
    if (key.type === item.type && !cell.removed) fields.set(key.field, cell.value)
  }
  return fields
}

/** Sets cells in a tree to what a store shows of them now. */
export function showCells(tree: StateTree, store: SpaceStore, cells: readonly CellKey[]): void {
  const distinct = new Map(cells.map((key) => [cellName(key), key]))
  for (const key of distinct.values()) {
    const cell = store.cell(key)
    tree.set(key, cell === undefined || cell.removed ? null : cell.value)
  }
}

/** The tree of everything a store shows, read page by page. */
function readTree(store: SpaceStore): StateTree {
  const tree = new StateTree()
  let after: CellKey | undefined
  for (;;) {
    const range = { prefix: '', limit: STATE_PAGE_CELLS }
    const page = store.cells(after === undefined ? range : { ...range, after })
    for (const { key, cell } of page) tree.set(key, cell.value)
    if (page.length < STATE_PAGE_CELLS) return tree
    after = page.at(-1)?.key
  }
}
