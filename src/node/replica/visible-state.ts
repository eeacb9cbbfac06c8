import { STATE_CELLS_PENDING_MAX } from '../../core/limits.ts'
import { type Proof, proveState, type Question, type ShownField } from '../../core/state/proof.ts'
import { StateTree } from '../../core/state/state-tree.ts'
import type { CellKey } from '../../core/types/cell.ts'
import { cellName } from '../../storage/cell-order.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** Cells to look at again and hash, up to which a root is at hand: some 10 ms. */
const CELLS_AT_HAND_MAX = 256

/**
 * What a store shows, as a Merkle tree that is read when first asked for and kept up from then on. Invariants:
 * 1. after {@link refresh} with every cell that may have changed, its roots are those of the store's cells that are not removed;
 * 2. a cell that changes many times between two roots is looked at once, and where more changed than half of what shows, all is read again
 *    in order, which costs less than a look at each; so a node that takes in a whole space does not look at it until it has it.
 */
export class VisibleState {
  readonly #store: SpaceStore
  /** Null until it is read, and again once it is not worth keeping up. */
  #tree: StateTree | null = null
  /** Cells by name that may show something else than in the tree. */
  readonly #pending = new Map<string, CellKey>()
  /** Cells that were looked at again since a root was asked for. */
  #lookedAt = 0

  constructor(store: SpaceStore) {
    this.#store = store
  }

  /** Says that cells may show something else than before. */
  refresh(touched: readonly CellKey[]): void {
    for (const key of touched) {
      if (this.#tree === null) return
      this.#pending.set(cellName(key), key)
      if (this.#pending.size === STATE_CELLS_PENDING_MAX) this.#catchUp(this.#tree)
    }
  }

  /** Forgets what was read: of what a transaction had written, which then failed, some may have been shown. */
  forget(): void {
    this.#tree = null
    this.#pending.clear()
  }

  /** True where a root costs little: all is read, and not much has changed since the last one. */
  get isAtHand(): boolean {
    return this.#tree !== null && this.#pending.size + this.#lookedAt <= CELLS_AT_HAND_MAX
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
    const tree = this.#tree ?? readTree(this.#store)
    this.#tree = tree
    this.#show(tree)
    this.#lookedAt = 0
    return tree
  }

  /** Makes room for more pending cells. */
  #catchUp(tree: StateTree): void {
    this.#lookedAt += this.#pending.size
    if (2 * this.#lookedAt <= tree.size) return this.#show(tree)
    this.forget()
  }

  #show(tree: StateTree): void {
    showCells(tree, this.#store, [...this.#pending.values()])
    this.#pending.clear()
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

/** The tree of everything a store shows. */
function readTree(store: SpaceStore): StateTree {
  const tree = new StateTree()
  store.eachShown((key, value) => tree.set(key, value))
  return tree
}
