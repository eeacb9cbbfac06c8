/**
 * What does keeping an operation cost, from `append` to the commit? One operation of 100 authors with one change each: the entry, the
 * bytes, head and frontier, one cell and its history, and the reads that admission makes. Signatures and decoding are not in it.
 *
 *     node bench/storage-store.ts [operations] [per transaction]
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jumpOf } from '../src/core/ancestry.ts'
import { encodeCanonical } from '../src/core/canonical-cbor.ts'
import type { Entry } from '../src/core/graph.ts'
import type { VerifiedOperation } from '../src/core/operation/operation.ts'
import { createMemorySpaceStore } from '../src/storage/memory-space-store.ts'
import type { SpaceStore, SpaceWriter } from '../src/storage/space-store.ts'
import { openSqliteSpaceStore } from '../src/storage/sqlite/open.ts'

const operations = Number(process.argv[2] ?? 100_000)
const perTransaction = Number(process.argv[3] ?? 1_000)
const hash = (text: string) => new Uint8Array(createHash('sha256').update(text).digest())
const AUTHORS = Array.from({ length: 100 }, (_, i) => hash(`author ${i}`))
const CAPS = AUTHORS.map((_, i) => [hash('root'), hash(`token ${i}`)])
const HEADER = new Uint8Array(260).fill(7)
const SIGNATURE = new Uint8Array(64).fill(9)
const VALUE = encodeCanonical('x'.repeat(40))
const BODY = [encodeCanonical(['register', 1, 'docs/a', 'x'.repeat(40)])]

/** One operation as admission writes it, on the author's head and the newest other operation. */
function admit(store: SpaceStore, writer: SpaceWriter, ordinal: number): void {
  const id = hash(`operation ${ordinal}`)
  if (store.find(id) !== undefined) throw new Error('a wrong answer')
  const author = AUTHORS[ordinal % 100] as Uint8Array
  const prev = store.heads(author)[0]
  const other = ordinal === 0 ? undefined : store.at(ordinal - 1)
  const parents = [prev, other].filter((entry) => entry !== undefined)
  const path = `docs/${(ordinal * 7_919) % 50_000}`
  const entry: Entry = {
    ordinal,
    id,
    author,
    seq: prev === undefined ? 0 : prev.seq + 1,
    prev: prev?.ordinal ?? null,
    jump: prev === undefined ? ordinal : jumpOf(store, prev),
    parents: parents.map((parent) => parent.ordinal),
    lamport: ordinal + 1,
    time: 1_700_000_000_000 + ordinal,
    epoch: 0,
    caps: CAPS[ordinal % 100] as readonly Uint8Array[],
    command: '/op/write',
    path,
  }
  writer.append(
    { headerBytes: HEADER, signature: SIGNATURE, body: BODY } as unknown as VerifiedOperation,
    entry,
  )
  const key = { path, type: 'register', field: '' } as const
  store.isRemoved(key, { id, index: 0 })
  store.cell(key)
  writer.putCell(key, {
    id,
    index: 0,
    time: entry.time,
    lamport: entry.lamport,
    value: VALUE,
    removed: false,
  })
  writer.putHistory(key, { ordinal, index: 0, kind: 'set' })
}

/** One transaction, in ms. */
function admitBatch(store: SpaceStore, first: number): number {
  const started = performance.now()
  store.transaction('process', (writer) => {
    const end = Math.min(operations, first + perTransaction)
    for (let ordinal = first; ordinal < end; ordinal++) admit(store, writer, ordinal)
  })
  return performance.now() - started
}

function measure(name: string, open: () => SpaceStore, sizeBytes: () => number) {
  const store = open()
  const times: number[] = []
  for (let first = 0; first < operations; first += perTransaction) times.push(admitBatch(store, first))
  const seconds = times.reduce((a, b) => a + b, 0) / 1_000
  const rssMegabytes = Math.round(process.memoryUsage.rss() / 1e6)
  store.close()
  const closed = performance.now()
  const again = open()
  const openMs = Math.round(performance.now() - closed)
  again.close()
  const operationsPerSecond = Math.round(operations / seconds)
  const bytesPerOperation = Math.round(sizeBytes() / operations)
  return {
    name,
    operations,
    operationsPerSecond,
    longestMs: Math.round(times.reduce((a, b) => Math.max(a, b))),
    openMs,
    bytesPerOperation,
    rssMegabytes,
  }
}

const folder = mkdtempSync(join(tmpdir(), 'hanse-bench-'))
const file = join(folder, 'space.sqlite')
const space = { spaceId: hash('space'), spaceKey: hash('key') }
const openSqlite = () => {
  const opened = openSqliteSpaceStore({ file, ...space, create: true })
  if (!opened.ok) throw new Error(opened.fault.detail)
  return opened.value
}
console.table([
  measure('SQLite', openSqlite, () => statSync(file).size),
  measure(
    'memory',
    () => createMemorySpaceStore(space),
    () => 0,
  ),
])
rmSync(folder, { recursive: true, force: true })
