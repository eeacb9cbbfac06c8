import { STORE_TEXTS_CACHED_MAX, TEXT_PIECE_UNITS_MAX } from '../../core/limits.ts'
import { RecentCache } from '../recent-cache.ts'
import type { Database, Query } from './database.ts'

/** The text of a cell, as SQL puts it together. `cell`: an SQL expression; `schema`: empty, or one with a dot. */
export const textOfCell = (cell: string, schema = ''): string =>
  `(SELECT coalesce(group_concat(t.text, '' ORDER BY t.piece), '') FROM ${schema}text_pieces t WHERE t.cell = ${cell})`

/** Between the keys of two pieces that are written at once: room for later ones. */
const KEY_STEP = 2 ** 32
/** A piece is cut at half of the most, so that it can grow. */
const CUT_UNITS = TEXT_PIECE_UNITS_MAX / 2

interface Piece {
  readonly key: number
  readonly text: string
}

/**
 * Texts in pieces, because a text is long and an edit is short: writing one costs the pieces that differ. Invariants:
 * 1. the pieces of a cell in the order of their keys are its text; the empty text has none;
 * 2. a piece has at most TEXT_PIECE_UNITS_MAX UTF-16 units and does not end within a surrogate pair.
 */
export class TextPieces {
  readonly #cached = new RecentCache<number, readonly Piece[]>(STORE_TEXTS_CACHED_MAX)
  readonly #all: Query<[number], [number, string]>
  readonly #insert: Query<[number, number, string]>
  readonly #deleteBetween: Query<[number, number, number]>
  readonly #deleteAll: Query<[number]>

  constructor(database: Database) {
    this.#all = database.query('SELECT piece, text FROM text_pieces WHERE cell = ? ORDER BY piece')
    this.#insert = database.query('INSERT INTO text_pieces VALUES (?, ?, ?)')
    this.#deleteBetween = database.query(
      'DELETE FROM text_pieces WHERE cell = ? AND piece >= ? AND piece <= ?',
    )
    this.#deleteAll = database.query('DELETE FROM text_pieces WHERE cell = ?')
  }

  /** Forgets what was read. */
  load(): void {
    this.#cached.clear()
  }

  text(cell: number): string {
    return this.#pieces(cell)
      .map(({ text }) => text)
      .join('')
  }

  clear(cell: number): void {
    this.#cached.delete(cell)
    this.#deleteAll.run(cell)
  }

  /** Makes `text` the text of a cell. */
  put(cell: number, text: string): void {
    const pieces = this.#pieces(cell)
    let [from, begin] = [0, 0]
    for (; from < pieces.length; from++) {
      const piece = pieces[from] as Piece
      if (!text.startsWith(piece.text, begin)) break
      begin += piece.text.length
    }
    let [to, end] = [pieces.length, text.length]
    for (; to > from; to--) {
      const piece = pieces[to - 1] as Piece
      if (end - piece.text.length < begin || !text.endsWith(piece.text, end)) break
      end -= piece.text.length
    }
    if (from === to && begin === end) return
    // What is left of a piece joins its neighbour, so that pieces do not crumble.
    if (end - begin < CUT_UNITS / 2 && from > 0) begin -= (pieces[--from] as Piece).text.length
    this.#replace(cell, pieces, from, to, cut(text.slice(begin, end)))
  }

  #replace(cell: number, pieces: readonly Piece[], from: number, to: number, texts: readonly string[]): void {
    const before = pieces[from - 1]?.key ?? 0
    const after = pieces[to]?.key ?? before + KEY_STEP * (texts.length + 1)
    const step = Math.floor((after - before) / (texts.length + 1))
    if (step === 0 || !Number.isSafeInteger(after)) {
      // No room between the neighbours: all pieces get keys anew.
      const all = [...pieces.slice(0, from), ...texts.map((text) => ({ text })), ...pieces.slice(to)]
      this.#deleteAll.run(cell)
      this.#write(
        cell,
        [],
        all.map(({ text }, i) => ({ key: KEY_STEP * (i + 1), text })),
        [],
      )
      return
    }
    const [first, last] = [pieces[from], pieces[to - 1]]
    if (to > from && first !== undefined && last !== undefined)
      this.#deleteBetween.run(cell, first.key, last.key)
    const added = texts.map((text, i) => ({ key: before + step * (i + 1), text }))
    this.#write(cell, pieces.slice(0, from), added, pieces.slice(to))
  }

  #write(cell: number, head: readonly Piece[], added: readonly Piece[], tail: readonly Piece[]): void {
    for (const { key, text } of added) this.#insert.run(cell, key, text)
    this.#cached.set(cell, [...head, ...added, ...tail])
  }

  #pieces(cell: number): readonly Piece[] {
    const known = this.#cached.get(cell)
    if (known !== undefined) return known
    const pieces = this.#all.all(cell).map(([key, text]) => ({ key, text }))
    this.#cached.set(cell, pieces)
    return pieces
  }
}

function cut(text: string): readonly string[] {
  const texts: string[] = []
  for (let at = 0; at < text.length; ) {
    let end = text.length - at <= TEXT_PIECE_UNITS_MAX ? text.length : at + CUT_UNITS
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end++
    texts.push(text.slice(at, end))
    at = end
  }
  return texts
}

const isHighSurrogate = (unit: number): boolean => (unit & 0xfc00) === 0xd800
