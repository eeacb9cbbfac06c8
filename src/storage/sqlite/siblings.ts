import type { CellKey, CellType } from '../../core/types/cell.ts'
import type { Sibling } from '../space-store.ts'
import type { Cells } from './cells.ts'
import type { Database, Query } from './database.ts'
import { jsonOf } from './json-of.ts'

type KeyColumns = [path: string, type: CellType, field: string]

/** The writes that lost a cell to a concurrent one. */
export class Siblings {
  readonly #cells: Cells
  readonly #ofCell: Query<[number], [number, number, Uint8Array]>
  readonly #delete: Query<[number]>
  readonly #insert: Query<[number, number, number, Uint8Array, Uint8Array]>
  readonly #contested: Query<[...KeyColumns, number], KeyColumns>

  constructor(database: Database, cells: Cells) {
    this.#cells = cells
    this.#ofCell = database.query(
      'SELECT ordinal, change, value FROM siblings WHERE cell = ? ORDER BY ordinal, change',
    )
    this.#delete = database.query('DELETE FROM siblings WHERE cell = ?')
    this.#insert = database.query('INSERT INTO siblings VALUES (?, ?, ?, ?, CAST(? AS TEXT))')
    this.#contested = database.query(`
      SELECT path, type, field FROM cells WHERE cell IN (SELECT cell FROM siblings) AND (path, type, field) > (?, ?, ?)
      ORDER BY path, type, field LIMIT ?`)
  }

  of(key: CellKey): readonly Sibling[] {
    const cell = this.#cells.numberOf(key)
    if (cell === undefined) return []
    return this.#ofCell.all(cell).map(([ordinal, index, value]) => ({ ordinal, index, value }))
  }

  contested(after: CellKey | null, limit: number): readonly CellKey[] {
    const start: KeyColumns =
      after === null ? ['', '' as CellType, ''] : [after.path, after.type, after.field]
    return this.#contested.all(...start, limit).map(([path, type, field]) => ({ path, type, field }))
  }

  put(key: CellKey, siblings: readonly Sibling[]): void {
    const known = this.#cells.numberOf(key)
    if (known !== undefined) this.#delete.run(known)
    if (siblings.length === 0) return
    const cell = this.#cells.intern(key)
    for (const { ordinal, index, value } of siblings)
      this.#insert.run(cell, ordinal, index, value, jsonOf(value))
  }
}
