import { type Proof, proveState, type Question, type ShownField } from '../../core/state/proof.ts'
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
    return this.#read().rootAt(path)
  }

  /** The types of the items that show at a path, ascending. */
  typesAt(path: string): readonly string[] {
    return (
      this.#read()
        .walk(path)
        .node?.items.map(({ type }) => type) ?? []
    )
  }

  /** The proof, under the present root, of what shows or does not; of a whole item it holds all fields. */
  prove(question: Question): Proof {
    return proveState(this.#read(), question, (type, field) => this.#fieldsOf(question.path, type, field))
  }

  #fieldsOf(path: string, type: string, field: string | undefined): readonly ShownField[] {
    if (field !== undefined) {
      const cell = this.#store.cell({ path, type, field } as CellKey)
      return cell === undefined || cell.removed ? [] : [[field, cell.value]]
    }
    return this.#store
      .cellsAt(path)
      .filter(({ key, cell }) => key.type === type && !cell.removed)
      .map(({ key, cell }) => [key.field, cell.value] as const)
  }

  #read(): StateTree {
    this.#tree ??= readTree(this.#store)
    return this.#tree
  }
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
