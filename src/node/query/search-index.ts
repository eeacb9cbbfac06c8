import { setImmediate as nextTurn } from 'node:timers/promises'
import { rmSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  SEARCH_BATCH_CELLS_MAX,
  SEARCH_BATCH_CHARACTERS_MAX,
  STORE_BUSY_TIMEOUT_MS,
} from '../../core/limits.ts'
import type { CellType } from '../../core/types/cell.ts'
import { textOfCell } from '../../storage/sqlite/text-pieces.ts'
import type { IndexProgress } from './query-message.ts'
import { searchableText } from './search-text.ts'

/** The schema under which queries see the index: `words.search`, or `search` alone. */
export const INDEX_SCHEMA = 'words'

/** `PRAGMA user_version` of the index: with another it is made again. */
const INDEX_VERSION = 1

/**
 * `search` has a row for each cell that shows a text, with the cell's number as its rowid. `place`: how far the space's log was taken up:
 * the next operation, the next turn, the id of the operation before (so that another space's past, or an older one, is noticed), and, while
 * the cells are gone through for the first time, the last one.
 */
const SEARCH = `
CREATE VIRTUAL TABLE search USING fts5 (
  path UNINDEXED, type UNINDEXED, field UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 2'
);`
const SCHEMA = `
CREATE TABLE place (ordinal INTEGER NOT NULL, turn INTEGER NOT NULL, last BLOB, scanned INTEGER) STRICT;
${SEARCH}
PRAGMA user_version = ${INDEX_VERSION};`

interface Place {
  readonly ordinal: number
  readonly turn: number
  readonly last: Uint8Array | null
  readonly scanned: number | null
}

interface CellText {
  readonly cell: number
  readonly path: string
  readonly type: CellType
  readonly field: string
  /** Null where nothing shows. */
  readonly json: string | null
}

/** Where the cells of a batch have led. */
interface Batch {
  readonly next: Place
  /** Work done in it, and left after it. */
  readonly done: number
  readonly left: number
}

const CELL = `c.cell, c.path, c.type, c.field,
  CASE WHEN c.removed = 0 THEN CASE c.type WHEN 'text' THEN json_quote(${textOfCell('c.cell')}) ELSE c.json END END AS json`

/**
 * The full-text index of a space, in a file of its own beside the space's: writing to the space costs nothing for it, it is brought up to
 * date when somebody asks, and may be deleted at any time. It follows the log: cells named by the operations and the turns since it was
 * last up to date are looked at as they are now. Invariants:
 * 1. once `update` returns, its rows are the texts of the cells that showed at some moment after it was called;
 * 2. each batch is a transaction of its own, with its place: a process killed in between has lost one batch, and two processes may do this
 *    at once.
 */
export class SearchIndex {
  readonly #space: DatabaseSync
  readonly #index: DatabaseSync
  readonly #cellsAfter: StatementSync
  readonly #cell: StatementSync
  readonly #history: StatementSync
  readonly #cellsOf: StatementSync
  readonly #turns: StatementSync
  readonly #end: StatementSync

  private constructor(space: DatabaseSync, index: DatabaseSync) {
    this.#space = space
    this.#index = index
    this.#cellsAfter = space.prepare('SELECT cell FROM cells WHERE cell > ? ORDER BY cell LIMIT ?')
    this.#cell = space.prepare(`SELECT ${CELL} FROM cells c WHERE c.cell = ?`)
    this.#history = space.prepare(
      'SELECT ordinal, cell FROM history INDEXED BY history_by_ordinal WHERE ordinal >= ? ORDER BY ordinal LIMIT ?',
    )
    this.#cellsOf = space.prepare(
      'SELECT DISTINCT cell FROM history INDEXED BY history_by_ordinal WHERE ordinal = ?',
    )
    this.#turns = space.prepare('SELECT turn, ordinal FROM turns WHERE turn >= ? ORDER BY turn LIMIT ?')
    this.#end = space.prepare(`
      SELECT (SELECT coalesce(max(ordinal) + 1, 0) FROM operation_log) AS ordinal,
        (SELECT coalesce(max(turn) + 1, 0) FROM turns) AS turn,
        (SELECT id FROM operation_log ORDER BY ordinal DESC LIMIT 1) AS last,
        (SELECT coalesce(max(cell), 0) FROM cells) AS cell`)
  }

  /** Opens the index of a space, or makes it; one that is damaged or of another version is made again. Throws SQLite's errors. */
  static open(file: string, indexFile: string): SearchIndex {
    const space = new DatabaseSync(file, { readOnly: true, timeout: STORE_BUSY_TIMEOUT_MS })
    try {
      return new SearchIndex(space, openIndexFile(indexFile))
    } catch (error) {
      space.close()
      throw error
    }
  }

  /** Brings it up to date, batch by batch. */
  async update(onProgress: (progress: IndexProgress) => void): Promise<void> {
    let done = 0
    for (;;) {
      const batch = this.#step()
      done += batch.done
      if (batch.left === 0) return
      onProgress({ done, total: done + batch.left })
      await nextTurn()
    }
  }

  close(): void {
    this.#index.close()
    this.#space.close()
  }

  /** One batch, in one transaction, all from one moment of the space. */
  #step(): Batch {
    this.#index.exec('BEGIN IMMEDIATE')
    try {
      const batch = this.#takeUp()
      const { ordinal, turn, last, scanned } = batch.next
      this.#index.exec('DELETE FROM place')
      this.#index.prepare('INSERT INTO place VALUES (?, ?, ?, ?)').run(ordinal, turn, last, scanned)
      this.#index.exec('COMMIT')
      return batch
    } catch (error) {
      if (this.#index.isTransaction) this.#index.exec('ROLLBACK')
      throw error
    }
  }

  #takeUp(): Batch {
    this.#space.exec('BEGIN')
    try {
      const end = this.#end.get() as unknown as Place & { readonly cell: number }
      const place = this.#placeWithin(end)
      const writer = this.#writer()
      return place.scanned === null
        ? this.#follow(place, end, writer)
        : this.#scan(place, place.scanned, end.cell, writer)
    } finally {
      this.#space.exec('ROLLBACK')
    }
  }

  /** Writes the texts of cells, each once, and one in memory at a time. */
  #writer(): BatchWriter {
    const remove = this.#index.prepare('DELETE FROM search WHERE rowid = ?')
    const insert = this.#index.prepare(
      'INSERT INTO search (rowid, path, type, field, text) VALUES (?, ?, ?, ?, ?)',
    )
    const put = (number: number): number => {
      const { cell, path, type, field, json } = this.#cell.get(number) as unknown as CellText
      remove.run(cell)
      const text = json === null ? '' : searchableText(type, field, json)
      if (text !== '') insert.run(cell, path, type, field, text)
      return json?.length ?? 0
    }
    return new BatchWriter(put)
  }

  /** Where it stands; at the very beginning where it is new, or the log is not the one it followed. */
  #placeWithin(end: Place): Place {
    const place = this.#index.prepare('SELECT * FROM place').get() as unknown as Place | undefined
    if (place !== undefined && place.turn <= end.turn && this.#isPast(place)) return place
    if (place !== undefined) this.#index.exec(`DROP TABLE search; ${SEARCH}`)
    return { ordinal: end.ordinal, turn: end.turn, last: end.last, scanned: 0 }
  }

  #isPast({ ordinal, last }: Place): boolean {
    if (ordinal === 0) return true
    const row = this.#space.prepare('SELECT id FROM operation_log WHERE ordinal = ?').get(ordinal - 1)
    return row !== undefined && last !== null && Buffer.compare(row['id'] as Uint8Array, last) === 0
  }

  /** The first time: every cell, as it is now; what changes meanwhile is followed afterwards. */
  #scan(place: Place, after: number, lastCell: number, writer: BatchWriter): Batch {
    const cells = this.#cellsAfter.all(after, SEARCH_BATCH_CELLS_MAX)
    let scanned = after
    let isOver = cells.length < SEARCH_BATCH_CELLS_MAX
    for (const row of cells) {
      if (writer.isFull) {
        isOver = false
        break
      }
      scanned = row['cell'] as number
      writer.put(scanned)
    }
    // One step more, at least, follows what was written meanwhile.
    const left = isOver ? 1 : Math.max(1, lastCell - scanned)
    return { next: { ...place, scanned: isOver ? null : scanned }, done: writer.cells, left }
  }

  #follow(place: Place, end: Place, writer: BatchWriter): Batch {
    const changes = this.#history.all(place.ordinal, SEARCH_BATCH_CELLS_MAX)
    const ordinals = [...new Set(changes.map((row) => row['ordinal'] as number))]
    // The last operation may have more than was read: each is taken whole.
    let next = changes.length < SEARCH_BATCH_CELLS_MAX ? end.ordinal : (ordinals.at(-1) as number) + 1
    for (const ordinal of ordinals) {
      if (writer.isFull) {
        next = ordinal
        break
      }
      for (const cell of this.#cellsChangedBy(ordinal)) writer.put(cell)
    }
    let turn = place.turn
    for (const row of this.#turns.all(place.turn, SEARCH_BATCH_CELLS_MAX)) {
      if (writer.isFull) break
      for (const cell of this.#cellsChangedBy(row['ordinal'] as number)) writer.put(cell)
      turn = (row['turn'] as number) + 1
    }
    const left = end.ordinal - next + (end.turn - turn)
    return {
      next: { ordinal: next, turn, last: this.#idBefore(next), scanned: null },
      done: next - place.ordinal + (turn - place.turn),
      left,
    }
  }

  #cellsChangedBy(ordinal: number): readonly number[] {
    return this.#cellsOf.all(ordinal).map((row) => row['cell'] as number)
  }

  #idBefore(ordinal: number): Uint8Array | null {
    const row = this.#space.prepare('SELECT id FROM operation_log WHERE ordinal = ?').get(ordinal - 1)
    return row === undefined ? null : (row['id'] as Uint8Array)
  }
}

/** What one batch takes up: cells, each once, until it is full. */
class BatchWriter {
  readonly #put: (cell: number) => number
  readonly #taken = new Set<number>()
  #characters = 0

  /** `put` takes up one cell, and gives how many characters were read of it. */
  constructor(put: (cell: number) => number) {
    this.#put = put
  }

  get cells(): number {
    return this.#taken.size
  }

  get isFull(): boolean {
    return this.#taken.size >= SEARCH_BATCH_CELLS_MAX || this.#characters >= SEARCH_BATCH_CHARACTERS_MAX
  }

  put(cell: number): void {
    if (this.#taken.has(cell)) return
    this.#taken.add(cell)
    this.#characters += this.#put(cell)
  }
}

function openIndexFile(file: string): DatabaseSync {
  const whole = retryBusy(() => tryOpenIndexFile(file))
  if (whole !== null) return whole
  for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true })
  const again = retryBusy(() => tryOpenIndexFile(file))
  if (again === null) throw new Error(`bug: a new search index at ${file} is not whole`)
  return again
}

/** Pause before a file that is busy is opened again, in ms. */
const BUSY_PAUSE_MS = 20

/** Two processes may make the index at once; while one changes the journal's mode, SQLite lets the other wait by itself. */
function retryBusy<T>(open: () => T): T {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
    try {
      return open()
    } catch (error) {
      if (!isSqliteError(error, SQLITE_BUSY) || waitedMs >= STORE_BUSY_TIMEOUT_MS) throw error
      Atomics.wait(pause, 0, 0, BUSY_PAUSE_MS)
    }
  }
}

/** Null where what is there is not an index of this version. */
function tryOpenIndexFile(file: string): DatabaseSync | null {
  const database = new DatabaseSync(file, { timeout: STORE_BUSY_TIMEOUT_MS })
  try {
    // NORMAL: after a power cut the last batches may be missing, and are made again.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE')
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as {
      tables: number
    }
    if (tables === 0) database.exec(SCHEMA)
    database.exec('COMMIT')
    if (tables === 0 || version === INDEX_VERSION) return database
  } catch (error) {
    if (!isSqliteError(error, SQLITE_CORRUPT, SQLITE_NOTADB)) {
      database.close()
      throw error
    }
  }
  database.close()
  return null
}

const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

function isSqliteError(error: unknown, ...codes: readonly number[]): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  // An extended code has the plain one in its lowest byte.
  return codes.includes(error.errcode & 0xff)
}
