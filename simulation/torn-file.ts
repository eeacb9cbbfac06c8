import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../src/core/bytes.ts'
import { HostedSpace } from '../src/node/space/hosted-space.ts'
import type { MemorySpaceStoreInit } from '../src/storage/memory-space-store.ts'
import { openSqliteSpaceStore } from '../src/storage/sqlite/open.ts'
import type { SpaceStore } from '../src/storage/space-store.ts'
import type { Checker } from './checker.ts'
import { replay, SimulatedDisk, type Transaction } from './disk.ts'
import type { Random } from './random.ts'
import { createSignatureVerifier } from '../src/core/native-signature.ts'

/** Transactions whose log may be torn: so few that SQLite does not move them into the file by itself. */
const LOGGED_MAX = 30
/** Bytes overwritten where a record is not only cut off but damaged. */
const DAMAGE_BYTES = 512

/** Where a log stood after a transaction. */
interface Mark {
  readonly operations: number
  readonly logBytes: number
  readonly isSynced: boolean
}

/**
 * Writes what a node wrote into a real SQLite file, loses the power, and tears the log at any byte that was not synced. What opens
 * again must be a prefix of the transactions that holds all that was acknowledged as safe. False where SQLite had moved the log.
 */
export function tearFile(
  init: MemorySpaceStoreInit,
  transactions: readonly Transaction[],
  random: Random,
  checker: Checker,
): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-torn-'))
  try {
    const marks = writeAndTear(init, transactions, folder, random)
    if (marks === null) return false
    expectPrefix({ init, transactions, file: join(folder, 'torn.sqlite'), marks, checker })
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The marks of the transactions that are in the log; the torn file is beside the whole one. */
function writeAndTear(
  init: MemorySpaceStoreInit,
  transactions: readonly Transaction[],
  folder: string,
  random: Random,
): readonly Mark[] | null {
  const file = join(folder, 'whole.sqlite')
  const moved = transactions.slice(0, -LOGGED_MAX)
  const before = open(init, file, true)
  for (const transaction of moved) write(before, transaction)
  // Closing moves the log into the file.
  before.close()
  const store = open(init, file, false)
  try {
    const marks: Mark[] = [{ operations: store.count(), logBytes: 0, isSynced: true }]
    for (const transaction of transactions.slice(moved.length)) {
      write(store, transaction)
      const logBytes = statSync(`${file}-wal`).size
      if (logBytes <= (marks.at(-1)?.logBytes ?? 0)) return null
      marks.push({ operations: store.count(), logBytes, isSynced: transaction.durability === 'power' })
    }
    const synced = marks.findLast(({ isSynced }) => isSynced)?.logBytes ?? 0
    copyFileSync(file, join(folder, 'torn.sqlite'))
    writeFileSync(join(folder, 'torn.sqlite-wal'), tear(readFileSync(`${file}-wal`), synced, random))
    return marks
  } finally {
    store.close()
  }
}

/** The log as a power cut may leave it: cut off somewhere after what was synced, perhaps with garbage at the end. */
function tear(log: Buffer, synced: number, random: Random): Buffer {
  const end = random.between(synced, log.length)
  const torn = Buffer.from(log.subarray(0, end))
  if (random.chance(0.5)) {
    const from = Math.max(synced, end - random.below(DAMAGE_BYTES))
    torn.set(random.bytes(end - from), from)
  }
  return torn
}

interface Torn {
  readonly init: MemorySpaceStoreInit
  readonly transactions: readonly Transaction[]
  readonly file: string
  readonly marks: readonly Mark[]
  readonly checker: Checker
}

function expectPrefix({ init, transactions, file, marks, checker }: Torn): void {
  const { spaceId, spaceKey } = init
  const opened = openSqliteSpaceStore({ file, spaceId, spaceKey, create: false })
  checker.expect(opened.ok, 'a torn log opens again', () => (opened.ok ? '' : opened.fault.detail))
  if (!opened.ok) return
  const store = opened.value
  try {
    const synced = marks.findLastIndex(({ isSynced }) => isSynced)
    const at = marks.findIndex(({ operations }, i) => i >= synced && operations === store.count())
    checker.expect(at >= 0, 'a torn log keeps whole transactions, and all that was synced', () => {
      return `${store.count()} operations, ${marks.map(({ operations }) => operations).join(' ')}, synced ${synced}`
    })
    if (at < 0) return
    const length = transactions.length - (marks.length - 1) + at
    const memory = new SimulatedDisk(init, {}, transactions.slice(0, length)).open()
    checker.expect(rootOf(store) === rootOf(memory), 'a torn log opens as what was written', () => file)
  } finally {
    store.close()
  }
}

function rootOf(store: SpaceStore): string {
  return toHex(new HostedSpace(store, createSignatureVerifier(), () => 0).replica.clockRoot())
}

function write(store: SpaceStore, { durability, calls }: Transaction): void {
  store.transaction(durability, (writer) => replay(calls, writer))
}

function open({ spaceId, spaceKey }: MemorySpaceStoreInit, file: string, create: boolean): SpaceStore {
  const opened = openSqliteSpaceStore({ file, spaceId, spaceKey, create })
  if (!opened.ok) throw new Error(`bug: ${opened.fault.detail}`)
  return opened.value
}
