import { equalBytes } from '../../core/bytes.ts'
import type { SnapshotCell } from '../../core/snapshot-record.ts'
import type { CellKey } from '../../core/types/cell.ts'
import type { CellRow, SpaceStore } from '../../storage/space-store.ts'

/** Cells read from the store at a time: each may be as large as a body. */
const PAGE = 128

/**
 * Compares cells, as they come, with what a store shows at and below a path, both ascending; a page of them is in memory. `difference` is
 * the first one that is not the same, in words; null while there is none.
 */
export class StateComparison {
  readonly #store: Pick<SpaceStore, 'cells'>
  readonly #prefix: string
  #rows: readonly CellRow[] = []
  #at = 0
  #isOver = false
  #difference: string | null = null

  constructor(store: Pick<SpaceStore, 'cells'>, prefix: string) {
    this.#store = store
    this.#prefix = prefix
  }

  get difference(): string | null {
    return this.#difference
  }

  /** The next cell that is carried. */
  add({ path, type, field, value }: SnapshotCell): void {
    if (this.#difference !== null) return
    const row = this.#next()
    if (row === null) {
      this.#difference = `${nameOf({ path, type, field })} is carried, and does not follow from the operations`
    } else if (row.key.path !== path || row.key.type !== type || row.key.field !== field) {
      this.#difference = `${nameOf({ path, type, field })} is carried, where ${nameOf(row.key)} follows from the operations`
    } else if (!equalBytes(row.cell.value, value)) {
      this.#difference = `${nameOf(row.key)} has another value than follows from the operations`
    }
  }

  /** After the last. */
  end(): void {
    if (this.#difference !== null) return
    const row = this.#next()
    if (row !== null) this.#difference = `${nameOf(row.key)} follows from the operations, and is not carried`
  }

  #next(): CellRow | null {
    if (this.#at === this.#rows.length && !this.#isOver) {
      const after = this.#rows.at(-1)?.key
      const range = { prefix: this.#prefix, limit: PAGE, ...(after === undefined ? {} : { after }) }
      this.#rows = this.#store.cells(range)
      this.#at = 0
      this.#isOver = this.#rows.length < PAGE
    }
    return this.#rows[this.#at++] ?? null
  }
}

const nameOf = ({ path, type, field }: Omit<CellKey, 'type'> & { readonly type: string }): string =>
  `the ${type} at ${JSON.stringify(path)}${field === '' ? '' : `, field ${JSON.stringify(field)},`}`
