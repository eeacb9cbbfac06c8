import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSigner, type SignatureVerifier } from '../../src/core/native-signature.ts'
import { encodeHeader } from '../../src/core/operation/header.ts'
import { formatOperationLine } from '../../src/core/operation/operation-line.ts'
import { decodeOperation, encodeOperation } from '../../src/core/operation/operation.ts'
import { createNode } from '../../src/node/node.ts'
import { Replica } from '../../src/node/replica/replica.ts'
import { openSqliteSpaceStore } from '../../src/storage/sqlite/open.ts'
import { type Cost, costOf, ROUNDS_BUDGET_MS, ROUNDS_LEAST } from './cost.ts'
import { createFloor } from './floor.ts'
import { fill, operationsOf } from './operations.ts'

/**
 * What one process can compare with itself: `node bench/regression/core-main.ts OPERATIONS ROUNDS`. Every round does each piece of work
 * and what it is compared with one after the other; prints one line of JSON, a list of costs for each.
 */
const [operationCount = 2_000, rounds = 5] = process.argv.slice(2).map(Number)
/** Operations of one batch, as sync brings them. */
const BATCH = 500
/** What takes too little time to be measured once is done so often. */
const TIMES = 5
/** Durable writes of a round: each waits for the disk. */
const WRITES = 300

const node = await createNode({ online: false })
const space = node.createSpace({ name: 'regression' })
fill(space, operationCount)
const operations = operationsOf(space)
const encoded = operations.map(encodeOperation)
const lines = operations.map(formatOperationLine)
const verifyAll = createFloor(operations)
const { id: spaceId, spaceKey } = space.hosted
const folder = mkdtempSync(join(tmpdir(), 'hanse-regression-'))

const works: Readonly<Record<string, () => Promise<Cost>>> = {
  verify: async () => await costOf(verifyAll),
  json: async () =>
    await costOf(() => again(() => lines.forEach((line) => JSON.stringify(JSON.parse(line))))),
  codec: async () => await costOf(() => again(() => encoded.forEach(readAndWrite))),
  rows: async () => await inFile(async (file) => await writeRows(file)),
  admit: async () => await inFile(async (file) => await admit(file)),
  durableRows: async () => await inFile(async (file) => await writeDurableRows(file)),
  durableWrites: async () => await inFile(async (file) => await writeDurably(file)),
}

const costs: Record<string, Cost[]> = {}
const enough = performance.now() + ROUNDS_BUDGET_MS
// One round to warm up.
for (let round = 0; round <= rounds && (round <= ROUNDS_LEAST || performance.now() < enough); round++) {
  for (const [name, work] of Object.entries(works)) {
    const cost = await work()
    if (round > 0) (costs[name] ??= []).push(cost)
  }
}
await node.stop()
rmSync(folder, { recursive: true, force: true })
process.stdout.write(`${JSON.stringify(costs)}\n`, () => process.exit(0))

function again(work: () => void): void {
  for (let time = 0; time < TIMES; time++) work()
}

/** Read strictly from its bytes, and written as bytes again. */
function readAndWrite(bytes: Uint8Array): void {
  const decoded = decodeOperation(bytes)
  if (!decoded.ok) throw new Error(decoded.fault.detail)
  encodeHeader(decoded.value.header)
  encodeOperation(decoded.value)
}

/** The bytes of every operation as rows of SQLite, in the batches and with the care of an admission. */
async function writeRows(file: string): Promise<Cost> {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE rows (ordinal INTEGER PRIMARY KEY, bytes BLOB)',
  )
  const insert = database.prepare('INSERT INTO rows VALUES (?, ?)')
  const cost = await costOf(() => {
    let ordinal = 0
    again(() => {
      for (let first = 0; first < encoded.length; first += BATCH) {
        database.exec('BEGIN')
        for (const bytes of encoded.slice(first, first + BATCH)) insert.run(ordinal++, bytes)
        database.exec('COMMIT')
      }
    })
  })
  database.close()
  return cost
}

/** Everything that happens to operations after their signatures: decided, stored, materialised. */
async function admit(file: string): Promise<Cost> {
  const opened = openSqliteSpaceStore({ file, spaceId, spaceKey, create: true })
  if (!opened.ok) throw new Error(opened.fault.detail)
  // The signatures are measured elsewhere, and are known to hold.
  const verifier: SignatureVerifier = {
    verifySync: () => true,
    verifyAsync: async () => await Promise.resolve(true),
    acceptAll: async (claims) => await Promise.resolve(claims.map(() => true)),
  }
  const replica = new Replica({ store: opened.value, verifier, now: Date.now, readsAll: () => true })
  const cost = await costOf(async () => {
    for (let first = 0; first < operations.length; first += BATCH)
      await replica.receive(operations.slice(first, first + BATCH), 'a peer')
  })
  if (opened.value.count() !== operations.length) throw new Error('not everything was admitted')
  opened.value.close()
  return cost
}

/** One signature and one row, on disk before the next. */
async function writeDurableRows(file: string): Promise<Cost> {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (ordinal INTEGER PRIMARY KEY, bytes BLOB)',
  )
  const insert = database.prepare('INSERT INTO rows VALUES (?, ?)')
  const signer = createSigner(new Uint8Array(32).fill(1))
  const cost = await costOf(() => {
    for (const [i, bytes] of encoded.slice(0, WRITES).entries()) {
      signer.sign(bytes)
      insert.run(i, bytes)
    }
  })
  database.close()
  return cost
}

/** One write to a space, on disk before the next. */
async function writeDurably(dataDirectory: string): Promise<Cost> {
  const own = await createNode({ dataDirectory, online: false })
  const target = own.createSpace({ name: 'regression' })
  const cost = await costOf(() => {
    for (let i = 0; i < WRITES; i++) target.put(`notes/${i}`, `entry ${i} of the benchmark`)
  })
  await own.stop()
  return cost
}

/** Gives work a name in the folder that nobody else has had. */
async function inFile(work: (file: string) => Promise<Cost>): Promise<Cost> {
  const own = mkdtempSync(join(folder, 'round-'))
  try {
    return await work(join(own, 'file'))
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
