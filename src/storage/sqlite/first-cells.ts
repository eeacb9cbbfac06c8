import type { CellKey, CellType } from '../../core/types/cell.ts'
import type { FirstWrite } from '../space-store.ts'
import type { Database, Query } from './database.ts'
import { jsonOf } from './json-of.ts'

/** Rows of one statement: a row of many takes three quarters of the time of one by itself, and more of them save nothing more. */
const ROWS = 10

type Insert = Query<(string | number | Uint8Array)[]>

/** Whoever knows the cells that are there. */
export interface FirstCellsInit {
  /** True for some of the cells about which something was written, those whose number is at hand. */
  readonly isKnown: (key: CellKey) => boolean
  readonly numberOf: (key: CellKey) => number | undefined
  /** Told of each row that was added: its number, and its place among those given. */
  readonly onWritten: (number: number, place: number) => void
}

/** Adds rows to the table of cells, several at a time. */
export class FirstCells {
  readonly #database: Database
  /** By type, which is said in the statement, and rows at a time; made when first used. */
  readonly #inserts = new Map<CellType, { readonly one: Insert; readonly many: Insert }>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Adds the rows of those cells that have none. Returns the places of the others, ascending. */
  put(writes: readonly FirstWrite[], init: FirstCellsInit): readonly number[] {
    const others: number[] = []
    let run: number[] = []
    let type: CellType | null = null
    for (let place = 0; place < writes.length; place++) {
      const { key } = writes[place] as FirstWrite
      if (init.isKnown(key)) {
        others.push(place)
        continue
      }
      if (type !== null && key.type !== type) run = this.#putRun(type, writes, run, others, init)
      type = key.type
      run.push(place)
      if (run.length === ROWS) run = this.#putRun(type, writes, run, others, init)
    }
    if (type !== null) this.#putRun(type, writes, run, others, init)
    return others.sort((a, b) => a - b)
  }

  /** The rows of some places, all of one type. Returns the beginning of the next run. */
  #putRun(
    type: CellType,
    writes: readonly FirstWrite[],
    places: readonly number[],
    others: number[],
    init: FirstCellsInit,
  ): number[] {
    const { one, many } = this.#insertsOf(type)
    if (places.length === ROWS) this.#insert(many, writes, places, others, init)
    else for (const place of places) this.#insert(one, writes, [place], others, init)
    return []
  }

  #insert(
    insert: Insert,
    writes: readonly FirstWrite[],
    places: readonly number[],
    others: number[],
    { numberOf, onWritten }: FirstCellsInit,
  ): void {
    const values: (string | number | Uint8Array)[] = []
    for (const place of places) {
      const { key, cell } = writes[place] as FirstWrite
      if (cell.removed) throw new Error('bug: the first of a cell shows')
      // All are taken over before the next is made, also the JSON.
      const json = jsonOf(cell.value, values.length > 0)
      values.push(key.path, key.field, cell.id, cell.index, cell.lamport, cell.time, cell.value, json)
    }
    const { changes, lastInsertRowid } = insert.run(...values)
    // New numbers run on: what is added is one greater than all.
    const added = Number(changes)
    let next = Number(lastInsertRowid) - added + 1
    if (added === places.length) {
      for (const place of places) onWritten(next++, place)
      return
    }
    for (const place of places) {
      const isNew = added > 0 && numberOf((writes[place] as FirstWrite).key) === next
      if (isNew) onWritten(next++, place)
      else others.push(place)
    }
  }

  #insertsOf(type: CellType): { readonly one: Insert; readonly many: Insert } {
    const known = this.#inserts.get(type)
    if (known !== undefined) return known
    const row = `(?, '${type}', ?, ?, ?, ?, ?, 0, ?, CAST(? AS TEXT))`
    const query = (rows: number): Insert =>
      this.#database.query(`INSERT OR IGNORE INTO cells
        (path, type, field, operation, change, lamport, time, removed, value, json) VALUES ${Array.from({ length: rows }, () => row).join(', ')}`)
    const inserts = { one: query(1), many: query(ROWS) }
    this.#inserts.set(type, inserts)
    return inserts
  }
}
