import type { Cell, CellKey, CellType } from '../../core/types/cell.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import {
  STORE_CELLS_CACHED_MAX,
  STORE_RECENT_BUFFER_BYTES_MAX,
  STORE_RECENT_CELL_BYTES_MAX,
  STORE_RECENT_CELLS_MAX,
} from '../../core/limits.ts'
import { ROOT_PATH } from '../../core/path.ts'
import { cellName, compareText } from '../cell-order.ts'
import { RecentCache } from '../recent-cache.ts'
import type { CellRange, CellRow, FirstWrite } from '../space-store.ts'
import type { Database, Query } from './database.ts'
import { FirstCells } from './first-cells.ts'
import { jsonOf } from './json-of.ts'
import { ShownCells } from './shown-cells.ts'
import { TextPieces } from './text-pieces.ts'

type CellColumns = [
  operation: Uint8Array,
  change: number,
  lamport: number,
  time: number,
  removed: number,
  /** Null: in pieces. */
  value: Uint8Array | null,
]
type KeyColumns = [path: string, type: CellType, field: string]

/** A run of paths: from `from` on, before `to`. */
export interface PathSpan {
  readonly from: string
  /** Empty bytes are an open end: SQLite puts every blob after every text. */
  readonly to: string | Uint8Array
}

/**
 * The paths at or below a prefix, as runs in the order of bytes. The path itself and what is below it are two runs: between
 * them lie its longer namesakes (`docs`, then `docs-2`, then `docs/a`).
 */
export function spansOf(prefix: string): readonly PathSpan[] {
  if (prefix === ROOT_PATH) return [{ from: '', to: new Uint8Array(0) }]
  // NUL is the first character after the end of a text, and `0` the first after the slash.
  return [
    { from: prefix, to: `${prefix}\0` },
    { from: `${prefix}/`, to: `${prefix}0` },
  ]
}

const CELL_COLUMNS = 'operation, change, lamport, time, removed, value'

/** The winning writes, and which elements are removed. */
export class Cells {
  readonly #numbers = new RecentCache<string, number>(STORE_CELLS_CACHED_MAX)
  /** As they are in the file: what has just been written is what is read most, by whoever heard of it. Texts and large values are not here. */
  readonly #recent = new RecentCache<string, Cell>(STORE_RECENT_CELLS_MAX)
  /** New cells that the open transaction may still keep: of a batch of thousands only the first, for nobody will read them all soon. */
  #newKept = STORE_RECENT_CELLS_MAX / 2
  readonly #texts: TextPieces
  readonly #shown: ShownCells
  readonly #findNumber: Query<KeyColumns, [number]>
  readonly #insertKey: Query<KeyColumns>
  readonly #read: Query<[number], CellColumns>
  readonly #write: Query<[...CellColumns, Uint8Array | null, number]>
  readonly #first: FirstCells
  readonly #readAt: Query<[string], [...KeyColumns, ...CellColumns]>
  readonly #page: Query<[...KeyColumns, string | Uint8Array, number], [...KeyColumns, ...CellColumns]>
  readonly #insertRemoval: Query<[number, Uint8Array, number]>
  readonly #clear: Query<[number]>
  readonly #clearRemovals: Query<[number]>
  readonly #findRemoval: Query<[number, Uint8Array, number], [number]>
  readonly #removals: Query<[number], [Uint8Array, number]>
  readonly #keys: Query<[...KeyColumns, number], KeyColumns>

  constructor(database: Database) {
    this.#texts = new TextPieces(database)
    this.#shown = new ShownCells(database)
    this.#findNumber = database.query('SELECT cell FROM cells WHERE path = ? AND type = ? AND field = ?')
    this.#insertKey = database.query('INSERT INTO cells (path, type, field) VALUES (?, ?, ?)')
    this.#read = database.query(`SELECT ${CELL_COLUMNS} FROM cells WHERE cell = ? AND operation IS NOT NULL`)
    this.#write = database.query(
      'UPDATE cells SET operation = ?, change = ?, lamport = ?, time = ?, removed = ?, value = ?, json = CAST(? AS TEXT) WHERE cell = ?',
    )
    this.#first = new FirstCells(database)
    this.#readAt = database.query(
      `SELECT path, type, field, ${CELL_COLUMNS} FROM cells WHERE path = ? AND operation IS NOT NULL ORDER BY type, field`,
    )
    this.#page = database.query(
      `SELECT path, type, field, ${CELL_COLUMNS} FROM cells
       WHERE (path, type, field) > (?, ?, ?) AND path < ? AND operation IS NOT NULL AND removed = 0
       ORDER BY path, type, field LIMIT ?`,
    )
    this.#clear = database.query(
      'UPDATE cells SET operation = NULL, change = NULL, lamport = NULL, time = NULL, removed = NULL, value = NULL, json = NULL WHERE cell = ?',
    )
    this.#clearRemovals = database.query('DELETE FROM removals WHERE cell = ?')
    this.#insertRemoval = database.query('INSERT OR IGNORE INTO removals VALUES (?, ?, ?)')
    this.#findRemoval = database.query(
      'SELECT 1 FROM removals WHERE cell = ? AND operation = ? AND change = ?',
    )
    this.#removals = database.query('SELECT operation, change FROM removals WHERE cell = ?')
    this.#keys = database.query(
      `SELECT path, type, field FROM cells WHERE (path, type, field) > (?, ?, ?) ORDER BY path, type, field LIMIT ?`,
    )
  }

  /** Forgets what was read. */
  load(): void {
    this.#numbers.clear()
    this.#recent.clear()
    this.flush()
    this.#texts.load()
  }

  /** A transaction ends. */
  flush(): void {
    this.#newKept = STORE_RECENT_CELLS_MAX / 2
  }

  cell(key: CellKey): Cell | undefined {
    const recent = this.#recent.get(cellName(key))
    if (recent !== undefined) return recent
    const number = this.numberOf(key)
    const row = number === undefined ? undefined : this.#read.get(number)
    if (row === undefined) return undefined
    const cell = this.#toCell(key, row)
    this.#keep(key, cell)
    return cell
  }

  cellsAt(path: string): readonly CellRow[] {
    return this.#readAt.all(path).map((row) => this.#toCellRow(row))
  }

  cells({ prefix, after, limit }: CellRange): readonly CellRow[] {
    const rows: CellRow[] = []
    for (const { from, to } of spansOf(prefix)) {
      // No type is empty, so (from, '', '') lies just before the first cell at `from`.
      const isInside = after !== undefined && compareText(after.path, from) >= 0
      const start: KeyColumns = isInside ? [after.path, after.type, after.field] : [from, '' as CellType, '']
      rows.push(...this.#page.all(...start, to, limit - rows.length).map((row) => this.#toCellRow(row)))
    }
    return rows
  }

  eachShown(visit: (key: CellKey, value: Uint8Array) => void): void {
    this.#shown.each(visit, (key) => this.cell(key)?.value)
  }

  isRemoved(key: CellKey, element: ElementRef): boolean {
    const number = this.numberOf(key)
    return number !== undefined && this.#findRemoval.get(number, element.id, element.index) !== undefined
  }

  removals(key: CellKey): readonly ElementRef[] {
    const number = this.numberOf(key)
    if (number === undefined) return []
    return this.#removals.all(number).map(([id, index]) => ({ id, index }))
  }

  cellKeys(after: CellKey | null, limit: number): readonly CellKey[] {
    const start: KeyColumns =
      after === null ? ['', '' as CellType, ''] : [after.path, after.type, after.field]
    return this.#keys.all(...start, limit).map(([path, type, field]) => ({ path, type, field }))
  }

  putCell(key: CellKey, cell: Cell): void {
    const { id, index, lamport, time, removed, value } = cell
    const number = this.intern(key)
    const isInPieces = key.type === 'text'
    const [bytes, json] = isInPieces ? [null, null] : [value, jsonOf(value)]
    this.#write.run(id, index, lamport, time, removed ? 1 : 0, bytes, json, number)
    this.#keep(key, cell)
    if (isInPieces) this.#texts.put(number, decodeText(value))
  }

  /**
   * Writes cells about which nothing was ever written, and tells the number of each and its place in `writes`. Returns the places of those about
   * which something was, and for which nothing is done. Not for texts. A cell whose number is at hand is told without asking the file; the
   * number of a new one is not kept, as most are written once.
   */
  putFirst(
    writes: readonly FirstWrite[],
    onWritten: (number: number, place: number) => void,
  ): readonly number[] {
    return this.#first.put(writes, {
      isKnown: (key) => this.#numbers.has(cellName(key)),
      numberOf: (key) => this.numberOf(key),
      onWritten: (number, place) => {
        const { key, cell } = writes[place] as FirstWrite
        if (this.#newKept-- > 0) this.#keep(key, cell)
        onWritten(number, place)
      },
    })
  }

  clearCell(key: CellKey): void {
    const number = this.numberOf(key)
    if (number === undefined) return
    this.#recent.delete(cellName(key))
    this.#clear.run(number)
    this.#clearRemovals.run(number)
    if (key.type === 'text') this.#texts.clear(number)
  }

  putRemoval(key: CellKey, element: ElementRef): void {
    this.#insertRemoval.run(this.intern(key), element.id, element.index)
  }

  /** The number of a cell that anything was ever written about. */
  numberOf(key: CellKey): number | undefined {
    const name = cellName(key)
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const row = this.#findNumber.get(key.path, key.type, key.field)
    if (row !== undefined) this.#numbers.set(name, row[0])
    return row?.[0]
  }

  /** The number of a cell, given where it is new. */
  intern(key: CellKey): number {
    const known = this.numberOf(key)
    if (known !== undefined) return known
    const number = Number(this.#insertKey.run(key.path, key.type, key.field).lastInsertRowid)
    this.#numbers.set(cellName(key), number)
    return number
  }

  #keep(key: CellKey, cell: Cell): void {
    const name = cellName(key)
    if (key.type === 'text' || cell.value.length > STORE_RECENT_CELL_BYTES_MAX) this.#recent.delete(name)
    else this.#recent.set(name, isLittle(cell.value.buffer) ? cell : { ...cell, value: cell.value.slice() })
  }

  #toCell(key: CellKey, [id, index, lamport, time, removed, stored]: CellColumns): Cell {
    const value = stored ?? encodeCanonical(this.#texts.text(this.numberOf(key) as number))
    return { id, index, time, lamport, value, removed: removed === 1 }
  }

  #toCellRow([path, type, field, ...columns]: [...KeyColumns, ...CellColumns]): CellRow {
    const key = { path, type, field }
    return { key, cell: this.#toCell(key, columns) }
  }
}

function decodeText(value: Uint8Array): string {
  const decoded = decodeCanonical(value)
  if (!decoded.ok || typeof decoded.value !== 'string') throw new Error('bug: the value of a text is no text')
  return decoded.value
}

/** True for a buffer of which a part may keep the whole. To copy each of the many small values that lie in one takes longer than to keep it. */
function isLittle({ byteLength }: ArrayBufferLike): boolean {
  return byteLength <= STORE_RECENT_BUFFER_BYTES_MAX
}
