import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { equalBytes } from '../../../src/core/bytes.ts'
import { STORE_ENDS_TAIL_MAX, STORE_ID_TAIL_MAX } from '../../../src/core/limits.ts'
import { Authors } from '../../../src/storage/sqlite/authors.ts'
import { Database } from '../../../src/storage/sqlite/database.ts'
import { jsonOf } from '../../../src/storage/sqlite/json-of.ts'
import { LogEnds } from '../../../src/storage/sqlite/log-ends.ts'
import { OperationIds } from '../../../src/storage/sqlite/operation-ids.ts'
import { Ordinals } from '../../../src/storage/sqlite/ordinals.ts'
import { packParents } from '../../../src/storage/sqlite/packing.ts'
import { SCHEMA } from '../../../src/storage/sqlite/schema.ts'
import type { FloorOperation } from './read-frame.ts'

/** The rows of one batch: what is written, and nothing else that there would be to do. */
export interface Rows {
  readonly ids: readonly Uint8Array[]
  readonly operations: readonly SQLInputValue[][]
  readonly cells: readonly SQLInputValue[][]
  /** Runs of history rows: first ordinal, first change, their steps, how many. */
  readonly history: readonly HistoryRun[]
}

interface HistoryRun {
  readonly ordinal: number
  readonly ordinalStep: number
  readonly changeStep: number
  readonly count: number
}

/** What an author's next row says of it. */
interface KnownAuthor {
  readonly number: number
  readonly chain: number
  readonly heads: Ordinals
  head: number
}

/** For hash tables in memory. */
const SEEDS = [0x9e3779b1, 0x85ebca77] as const

/**
 * The floor of storing: the rows that Hanse's tables have for operations that set registers nobody wrote before, by prepared statements in one
 * transaction for each batch, into a file of Hanse's schema with Hanse's settings. The index of ids is Hanse's own, and so are the ends of the logs.
 * Nothing is decided: a parent is looked up by its id, and that is all that is asked about an operation.
 */
export class RowWriter {
  readonly #database: Database
  readonly #ids: OperationIds
  readonly #ends: LogEnds
  readonly #insertAuthor
  readonly #insertChain
  readonly #insertOperation
  readonly #insertCell
  readonly #insertRun
  readonly #valueAt
  readonly #authors = new Map<string, KnownAuthor>()
  #count = 0
  #cells = 0

  constructor(file: string) {
    const made = new DatabaseSync(file)
    made.exec(`PRAGMA journal_mode = WAL; BEGIN; ${SCHEMA}; COMMIT`)
    made.close()
    const database = new Database(file)
    this.#database = database
    this.#ids = new OperationIds(database, STORE_ID_TAIL_MAX, SEEDS)
    this.#ids.load()
    this.#ends = new LogEnds(database, new Authors(database, SEEDS), STORE_ENDS_TAIL_MAX)
    this.#ends.load()
    this.#insertAuthor = database.query('INSERT INTO author_keys VALUES (?, ?, ?)')
    this.#insertChain = database.query('INSERT INTO chains VALUES (?, ?)')
    this.#insertOperation = database.query(
      'INSERT INTO operation_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#insertCell =
      database.query(`INSERT INTO cells (path, type, field, operation, change, lamport, time, removed, value, json)
      VALUES (?, 'register', '', ?, ?, ?, ?, 0, ?, CAST(? AS TEXT))`)
    this.#insertRun = database.query(`INSERT INTO history
      WITH RECURSIVE run (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM run WHERE i + 1 < ?5)
      SELECT ?1 + i, ?2 + ?3 * i, ?4 * i, 'set' FROM run`)
    this.#valueAt = database.query<[string], [Uint8Array]>('SELECT value FROM cells WHERE path = ?')
  }

  /** The values of the rows of a batch, inside a transaction: authors and chains that are new are written at once. */
  prepare(batch: readonly FloorOperation[]): Rows {
    const places = new Places(batch, this.#count)
    const operations: SQLInputValue[][] = []
    const cells: SQLInputValue[][] = []
    const history: HistoryRun[] = []
    let ordinal = this.#count
    for (const operation of batch) {
      const { id, header, signature, body, seq, prev, deps, lamport, time, epoch, command, path } = operation
      const author = this.#authorOf(operation)
      const before = author.head
      author.head = ordinal
      const parents: number[] = []
      for (const dep of deps) parents.push(places.find(dep, ordinal) ?? (this.#ids.find(dep) as number))
      if (prev !== null) parents.push(before)
      parents.sort((a, b) => a - b)
      this.#ends.append({ ordinal, prev: prev === null ? null : before, parents }, author)
      operations.push([
        ...[ordinal, id, author.number, seq, prev === null ? null : before, Math.max(before, 0)],
        ...[packParents(ordinal, parents), lamport, time, epoch, author.chain, command, path],
        ...[header, signature, body],
      ])
      const { changes } = operation
      // The bytes of `jsonOf` are good until the next call.
      for (const [change, { path: at, value }] of changes.entries())
        cells.push([at, id, change, lamport, time, value, new Uint8Array(jsonOf(value))])
      addRun(history, ordinal, changes.length)
      ordinal++
    }
    const ids = batch.map(({ id }) => id)
    return { ids, operations, cells, history }
  }

  begin(durability: 'power' | 'process' = 'process'): void {
    this.#database.begin(durability)
  }

  commit(): void {
    this.#database.commit()
  }

  /** The rows of the log, and where it is time to, its ends; inside a transaction. */
  writeOperations({ operations }: Rows): void {
    for (const row of operations) this.#insertOperation.run(...row)
    this.#ends.flush()
    this.#count += operations.length
  }

  writeIds({ ids }: Rows): void {
    for (const id of ids) this.#ids.append(id)
  }

  writeCells({ cells }: Rows): void {
    for (const row of cells) this.#insertCell.run(...row)
  }

  writeHistory({ history }: Rows): void {
    for (const { ordinal, ordinalStep, changeStep, count } of history) {
      this.#insertRun.run(this.#cells + 1, ordinal, ordinalStep, changeStep, count)
      this.#cells += count
    }
  }

  /** All of it in one transaction. */
  write(batch: readonly FloorOperation[], durability: 'power' | 'process' = 'process'): void {
    this.begin(durability)
    const rows = this.prepare(batch)
    this.writeOperations(rows)
    this.writeIds(rows)
    this.writeCells(rows)
    this.writeHistory(rows)
    this.commit()
  }

  /** What the register at a path shows. */
  valueAt(path: string): Uint8Array | undefined {
    return this.#valueAt.get(path)?.[0]
  }

  close(): void {
    this.#database.close()
  }

  #authorOf({ author, caps }: FloorOperation): KnownAuthor {
    const key = textOf(author)
    const known = this.#authors.get(key)
    if (known !== undefined) return known
    const number = this.#authors.size
    this.#insertAuthor.run(number, author, key)
    // With the author's key behind it, since most authors here have a chain of their own and no two rows may be equal.
    this.#insertChain.run(number, Buffer.concat([caps, author]))
    const added = { number, chain: number, heads: new Ordinals(), head: -1 }
    this.#authors.set(key, added)
    return added
  }
}

/** Ordinals of operations that are in one batch with those which name them: nearly always the one before. */
class Places {
  readonly #batch: readonly FloorOperation[]
  readonly #first: number
  #byId: Map<string, number> | null = null

  constructor(batch: readonly FloorOperation[], first: number) {
    this.#batch = batch
    this.#first = first
  }

  find(id: Uint8Array, before: number): number | undefined {
    const last = this.#batch[before - 1 - this.#first]
    if (last !== undefined && equalBytes(last.id, id)) return before - 1
    this.#byId ??= new Map(this.#batch.map((operation, place) => [textOf(operation.id), place]))
    const place = this.#byId.get(textOf(id))
    return place === undefined ? undefined : this.#first + place
  }
}

/** Operations of one change each are one run, and so are the changes of one operation. */
function addRun(runs: HistoryRun[], ordinal: number, changes: number): void {
  if (changes === 0) return
  const last = runs.at(-1)
  if (changes === 1 && last?.changeStep === 0 && last.ordinal + last.count === ordinal)
    runs[runs.length - 1] = { ...last, count: last.count + 1 }
  else
    runs.push({
      ordinal,
      ordinalStep: changes === 1 ? 1 : 0,
      changeStep: changes === 1 ? 0 : 1,
      count: changes,
    })
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
