/**
 * How should ids find their operations? Fills the real `operations` table in batches, with each way to index the ids beside it:
 *
 * - `unique`: a unique index on the 32-byte id;
 * - `prefix`: a table of (first 8 bytes, ordinal), filled row by row;
 * - `tail N`: what we do (src/storage/sqlite/operation-ids.ts): the newest N ids in memory, sealed into that table in order.
 *
 *     node bench/storage-ids.ts [rows…]
 *
 * Numbers and the decision: docs/decisions/0003-id-index.md.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSpaceFile } from '../src/storage/sqlite/create.ts'
import { Database, type Query } from '../src/storage/sqlite/database.ts'
import { OperationIds } from '../src/storage/sqlite/operation-ids.ts'

const BATCH = 1_000
const FINDS = 20_000
const HEADER = new Uint8Array(230).fill(7)
const SIGNATURE = new Uint8Array(64).fill(9)
const BODY = new Uint8Array(60).fill(5)

interface Index {
  append(id: Uint8Array, ordinal: number): void
  find(id: Uint8Array): number | undefined
}

const idAt = (ordinal: number) => new Uint8Array(createHash('sha256').update(`operation ${ordinal}`).digest())
const prefixOf = (id: Uint8Array) => new DataView(id.buffer, id.byteOffset, 8).getBigInt64(0)

function uniqueIndex(database: Database): Index {
  database.query('CREATE UNIQUE INDEX by_id ON operation_log (id)').run()
  const find: Query<[Uint8Array], [number]> = database.query('SELECT ordinal FROM operation_log WHERE id = ?')
  return { append: () => undefined, find: (id) => find.get(id)?.[0] }
}

function prefixTable(database: Database): Index {
  const insert: Query<[bigint, number]> = database.query('INSERT INTO operation_ids VALUES (?, ?)')
  const find: Query<[bigint], [number]> = database.query('SELECT ordinal FROM operation_ids WHERE prefix = ?')
  const idOf: Query<[number], [Uint8Array]> = database.query('SELECT id FROM operation_log WHERE ordinal = ?')
  return {
    append: (id, ordinal) => void insert.run(prefixOf(id), ordinal),
    find: (id) =>
      find
        .all(prefixOf(id))
        .find(([ordinal]) => Buffer.compare(idOf.get(ordinal)?.[0] as Uint8Array, id) === 0)?.[0],
  }
}

function tailOf(max: number): (database: Database) => Index {
  return (database) => {
    const ids = new OperationIds(database, max, [0x9e3779b9, 0x85ebca6b])
    ids.load()
    return { append: (id) => ids.append(id), find: (id) => ids.find(id) }
  }
}

const WAYS: readonly (readonly [string, (database: Database) => Index])[] = [
  ['unique', uniqueIndex],
  ['prefix', prefixTable],
  ['tail 16384', tailOf(16_384)],
  ['tail 65536', tailOf(65_536)],
]

function measure(name: string, createIndex: (database: Database) => Index, rows: number) {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-bench-'))
  const file = join(folder, 'space.sqlite')
  createSpaceFile(file, { spaceId: idAt(-1), spaceKey: idAt(-2) })
  const database = new Database(file)
  const index = createIndex(database)
  const insert: Query<
    [number, Uint8Array, number, number, number, Uint8Array, number, Uint8Array, Uint8Array, Uint8Array]
  > = database.query(
    `INSERT INTO operation_log VALUES (?, ?, ?, ?, 0, ?, ?, ?, 1700000000000, 0, 1, '/op/write', 'docs/a', ?, ?, ?)`,
  )
  const parents = Uint8Array.of(1)
  const ids = Array.from({ length: rows }, (_, ordinal) => idAt(ordinal))
  const times: number[] = []
  for (let first = 0; first < rows; first += BATCH) {
    const started = performance.now()
    database.begin('process')
    for (let ordinal = first; ordinal < Math.min(rows, first + BATCH); ordinal++) {
      const id = ids[ordinal] as Uint8Array
      insert.run(ordinal, id, ordinal % 100, ordinal, ordinal, parents, ordinal, HEADER, SIGNATURE, BODY)
      index.append(id, ordinal)
    }
    database.commit()
    times.push(performance.now() - started)
  }
  const total = times.reduce((a, b) => a + b, 0)
  const lastFifth = times.slice(-Math.ceil(times.length / 5))
  const finds = (id: (i: number) => Uint8Array, expected: (i: number) => number | undefined) => {
    const wanted = Array.from({ length: FINDS }, (_, i) => id(i))
    const started = performance.now()
    for (const [i, one] of wanted.entries())
      if (index.find(one) !== expected(i)) throw new Error('a wrong answer')
    return Math.round(FINDS / ((performance.now() - started) / 1_000))
  }
  // A stride that is prime to the number of rows: every id at most once.
  const scattered = (i: number) => (i * 7_919) % rows
  const result = {
    way: name,
    rows,
    rowsPerSecond: Math.round(rows / (total / 1_000)),
    lastFifthPerSecond: Math.round(
      (lastFifth.length * BATCH) / (lastFifth.reduce((a, b) => a + b, 0) / 1_000),
    ),
    longestBatchMs: Math.round(Math.max(...times)),
    hitsPerSecond: finds((i) => ids[scattered(i)] as Uint8Array, scattered),
    missesPerSecond: finds(
      (i) => idAt(-3 - i),
      () => undefined,
    ),
    megabytes: 0,
  }
  database.close()
  result.megabytes = Math.round(statSync(file).size / 1e6)
  rmSync(folder, { recursive: true, force: true })
  return result
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100_000, 500_000]
console.table(sizes.flatMap((rows) => WAYS.map(([name, createIndex]) => measure(name, createIndex, rows))))
