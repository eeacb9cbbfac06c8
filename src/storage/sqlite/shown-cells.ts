import { isAscii } from 'node:buffer'
import type { CellKey, CellType } from '../../core/types/cell.ts'
import type { Database, Query } from './database.ts'

/** Cells that are read at a time: values of up to BODY_BYTES_MAX each, so never more than 64 MiB. */
const PAGE_CELLS = 256
/** The length of a value that lies in pieces. */
const IN_PIECES = -1

type PageColumns = [
  count: number,
  /** Path, type and field of each cell, joined. */
  keys: Uint8Array | null,
  values: Uint8Array | null,
  /** Of each cell the bytes of its path, type, field and value, with commas between all. */
  lengths: string | null,
]

/**
 * Reads every cell that shows, for those who want keys and values and nothing else. A page of cells comes as one row, since a row and a buffer
 * for each cell would cost more than what is done with them.
 */
export class ShownCells {
  readonly #page: Query<[string, string, string, number], PageColumns>

  constructor(database: Database) {
    this.#page = database.query(`
      SELECT count(*), CAST(group_concat(path || type || field, '') AS BLOB), CAST(group_concat(coalesce(value, ''), '') AS BLOB),
        group_concat(octet_length(path) || ',' || octet_length(type) || ',' || octet_length(field) || ',' || coalesce(octet_length(value), ${IN_PIECES}))
      FROM (
        SELECT path, type, field, value FROM cells
        WHERE (path, type, field) > (?, ?, ?) AND operation IS NOT NULL AND removed = 0
        ORDER BY path, type, field LIMIT ?)`)
  }

  /** Ascending by (path, type, field). `valueOf`: of a cell in pieces. The value is a view that is good during the call alone. */
  each(
    visit: (key: CellKey, value: Uint8Array) => void,
    valueOf: (key: CellKey) => Uint8Array | undefined,
  ): void {
    // No type is empty, so this lies before the first cell.
    let last: CellKey = { path: '', type: '' as CellType, field: '' }
    for (;;) {
      const [count, keys, values, lengths] = this.#page.get(
        last.path,
        last.type,
        last.field,
        PAGE_CELLS,
      ) as PageColumns
      if (keys === null || values === null || lengths === null) return
      const [texts, sizes] = [new Texts(keys), new Sizes(lengths)]
      let at = 0
      for (let i = 0; i < count; i++) {
        const path = texts.take(sizes.next())
        const type = texts.take(sizes.next()) as CellType
        const field = texts.take(sizes.next())
        const bytes = sizes.next()
        last = { path, type, field }
        if (bytes !== IN_PIECES) {
          visit(last, values.subarray(at, at + bytes))
          at += bytes
          continue
        }
        const value = valueOf(last)
        if (value !== undefined) visit(last, value)
      }
      if (count < PAGE_CELLS) return
    }
  }
}

/** Texts that lie one after the other. */
class Texts {
  readonly #bytes: Buffer
  /** All of them, where each character is a byte. */
  readonly #ascii: string | null
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#ascii = isAscii(bytes) ? this.#bytes.toString('latin1') : null
  }

  take(bytes: number): string {
    const from = this.#at
    this.#at += bytes
    return this.#ascii?.slice(from, this.#at) ?? this.#bytes.toString('utf8', from, this.#at)
  }
}

/** Whole numbers as SQL writes them, with commas between. */
class Sizes {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): number {
    const comma = this.#text.indexOf(',', this.#at)
    const end = comma < 0 ? this.#text.length : comma
    const size = Number(this.#text.slice(this.#at, end))
    this.#at = end + 1
    return size
  }
}
