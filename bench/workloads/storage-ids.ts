import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { createSpaceFile } from '../../src/storage/sqlite/create.ts'
import { Database, type Query } from '../../src/storage/sqlite/database.ts'
import { OperationIds } from '../../src/storage/sqlite/operation-ids.ts'
import { type Figures, sizeOf, type Workload } from '../measure.ts'
import { inFolder } from './in-folder.ts'

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

/** Ids and the rows that they find, in batches of one transaction each; then finds of ids that are there, and that are not. */
function fillAndFind(createIndex: (database: Database) => Index, rows: number, folder: string): Figures {
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
    return FINDS / ((performance.now() - started) / 1_000)
  }
  // A stride that is prime to the number of rows: every id at most once.
  const scattered = (i: number) => (i * 7_919) % rows
  const figures = {
    rowsPerSecond: rows / (total / 1_000),
    lastFifthPerSecond: (lastFifth.length * BATCH) / (lastFifth.reduce((a, b) => a + b, 0) / 1_000),
    longestBatchMs: times.reduce((a, b) => Math.max(a, b)),
    hitsPerSecond: finds((i) => ids[scattered(i)] as Uint8Array, scattered),
    missesPerSecond: finds(
      (i) => idAt(-3 - i),
      () => undefined,
    ),
  }
  database.close()
  return { ...figures, storedBytesEach: statSync(file).size / rows }
}

const WAYS: readonly (readonly [string, (database: Database) => Index])[] = [
  ['Hanse, the newest 65,536 in memory', tailOf(65_536)],
  ['Hanse, the newest 16,384 in memory', tailOf(16_384)],
  ['a unique index', uniqueIndex],
  ['a table of prefixes, row by row', prefixTable],
]

/** What decision 0003 was made by. */
export const STORAGE_IDS: Workload = {
  name: 'storage-ids',
  question: 'How should ids find their operations?',
  sizes: { rows: 500_000 },
  quick: { rows: 50_000 },
  subjects: WAYS.map(([name, createIndex]) => ({
    name,
    without: '',
    run: async (sizes) =>
      await inFolder(
        async (folder) => await Promise.resolve(fillAndFind(createIndex, sizeOf(sizes, 'rows'), folder)),
      ),
  })),
  compared: { rowsPerSecond: 'more', hitsPerSecond: 'more', missesPerSecond: 'more' },
}
