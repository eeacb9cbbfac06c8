import type { CellKey } from '../../core/types/cell.ts'
import type { TextEditRow } from '../space-store.ts'
import type { Cells } from './cells.ts'
import type { Database, Query } from './database.ts'
import { packParents, unpackParents } from './packing.ts'

type RowColumns = [ordinal: number, change: number, parents: Uint8Array, waits: number, payload: Uint8Array]

/** The edits of texts, so that a text opens without reading the bodies of its operations. */
export class Texts {
  readonly #cells: Cells
  readonly #ofCell: Query<[number], RowColumns>
  readonly #put: Query<[number, ...RowColumns]>
  readonly #waiting: Query<[], [string]>
  readonly #isAnyAbsent: Query<[], [number]>
  readonly #absentAt: Query<[string], [number]>

  constructor(database: Database, cells: Cells) {
    this.#cells = cells
    this.#ofCell = database.query(
      'SELECT ordinal, change, parents, waits, payload FROM text_edits WHERE cell = ? ORDER BY ordinal, change',
    )
    this.#put = database.query('INSERT OR REPLACE INTO text_edits VALUES (?, ?, ?, ?, ?, ?)')
    this.#waiting = database.query(
      'SELECT path FROM cells WHERE cell IN (SELECT cell FROM text_edits WHERE waits = 1) ORDER BY path',
    )
    this.#isAnyAbsent = database.query('SELECT EXISTS (SELECT 1 FROM operation_log WHERE body IS NULL)')
    this.#absentAt = database.query('SELECT ordinal FROM operation_log WHERE body IS NULL AND path = ?')
  }

  edits(path: string): readonly TextEditRow[] {
    const cell = this.#cells.numberOf(keyOf(path))
    if (cell === undefined) return []
    return this.#ofCell.all(cell).map(([ordinal, index, parents, waits, payload]) => ({
      ordinal,
      index,
      parents: unpackParents(ordinal, parents),
      isWaiting: waits === 1,
      payload,
    }))
  }

  waiting(): readonly string[] {
    return this.#waiting.all().map(([path]) => path)
  }

  put(path: string, { ordinal, index, parents, isWaiting, payload }: TextEditRow): void {
    const cell = this.#cells.intern(keyOf(path))
    this.#put.run(cell, ordinal, index, packParents(ordinal, parents), isWaiting ? 1 : 0, payload)
  }

  absentAt(paths: readonly string[]): readonly number[] {
    if (this.#isAnyAbsent.get()?.[0] !== 1) return []
    return paths.flatMap((path) => this.#absentAt.all(path).map(([ordinal]) => ordinal))
  }
}

const keyOf = (path: string): CellKey => ({ path, type: 'text', field: '' })
