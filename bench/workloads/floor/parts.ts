import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Stream } from '@libp2p/interface'
import { SIGNATURES_PER_CHECK_MAX } from '../../../src/core/limits.ts'
import { assembleOperation, type Operation } from '../../../src/core/operation/operation.ts'
import { StateTree } from '../../../src/core/state/state-tree.ts'
import { decodeBatch, encodeBatch } from '../../../src/core/sync/batch.ts'
import { SignaturePool } from '../../../src/node/verification/signature-pool.ts'
import { unpackBody } from '../../../src/storage/sqlite/packing.ts'
import type { Figures } from '../../measure.ts'
import type { SyncSizes } from '../sync/entries.ts'
import { Costs } from './cpu.ts'
import { addressOf, createFloorNode, FLOOR_PROTOCOL, openFloorStream } from './link.ts'
import { claimOf, type FloorOperation, readFrame } from './read-frame.ts'
import { RowWriter } from './row-writer.ts'
import { joinBlobs, StoredFile } from './stored-file.ts'

/** The parts that the pipeline (floor-party.ts) is made of. */
const NEEDED = [
  'readBlobs',
  'pack',
  'carry',
  'unpack',
  'decodeAndHash',
  'verify',
  'prepareRows',
  'logRows',
  'idRows',
  'cellRows',
  'historyRows',
  'commit',
]

/**
 * Each part of taking everything from a source, alone: batch by batch, so that no part pays for what another has left in memory. CPU of all threads
 * in microseconds for each change, both sides together. What Hanse has besides, and no floor needs: its dense batches
 * (`denseEncode`, `denseDecode`) and the state root (`stateRoot`, of one side).
 */
export async function measureParts({ operations, changes }: SyncSizes, folder: string): Promise<Figures> {
  const costs = new Costs()
  const stored = new StoredFile(folder)
  const rows = new RowWriter(join(folder, `parts-${process.pid}`))
  const pool = new SignaturePool(availableParallelism())
  const pipe = await openPipe()
  const tree = new StateTree()
  let [packedBytes, denseBytes] = [0, 0]
  const next = () => costs.sync('readBlobs', () => stored.nextBatch())
  for (let blobs = next(); blobs.length > 0; blobs = next()) {
    const packed = costs.sync('pack', () => zstdCompressSync(joinBlobs(blobs)))
    packedBytes += packed.length
    await costs.async('carry', async () => await pipe.carry(packed))
    const frame = costs.sync('unpack', () => new Uint8Array(zstdDecompressSync(packed)))
    const batch = costs.sync('decodeAndHash', () => readFrame(frame))
    await costs.async('verify', async () => await verify(pool, batch))
    rows.begin()
    const values = costs.sync('prepareRows', () => rows.prepare(batch))
    costs.sync('logRows', () => rows.writeOperations(values))
    costs.sync('idRows', () => rows.writeIds(values))
    costs.sync('cellRows', () => rows.writeCells(values))
    costs.sync('historyRows', () => rows.writeHistory(values))
    costs.sync('commit', () => rows.commit())
    const whole = batch.map(assembled)
    const dense = costs.sync('denseEncode', () => encodeBatch(whole))
    denseBytes += zstdCompressSync(dense).length
    costs.sync('denseDecode', () => decodeBatch(dense, stored.spaceId))
    costs.sync('stateRoot', () => show(tree, batch))
  }
  costs.sync('stateRoot', () => tree.root())
  rows.close()
  stored.close()
  pool.stop()
  await pipe.close()
  const total = operations * changes
  const needed = NEEDED.reduce((sum, part) => sum + costs.cpuMicros(part), 0)
  return {
    ...costs.perEach(total),
    cpuMicrosPerChange: needed / total,
    changesPerSecondOfTwoCores: (2e6 * total) / needed,
    verifiedPerSecond: (1e6 * operations) / costs.wallMicros('verify'),
    packedBytesPerOperation: packedBytes / operations,
    denseBytesPerOperation: denseBytes / operations,
  }
}

async function verify(pool: SignaturePool, batch: readonly FloorOperation[]): Promise<void> {
  const pieces: Promise<readonly boolean[]>[] = []
  for (let at = 0; at < batch.length; at += SIGNATURES_PER_CHECK_MAX)
    pieces.push(pool.accept(batch.slice(at, at + SIGNATURES_PER_CHECK_MAX).map(claimOf)))
  if ((await Promise.all(pieces)).flat().some((isGood) => !isGood))
    throw new Error('a good signature was refused')
}

function assembled({ header, signature, body }: FloorOperation): Operation {
  const operation = assembleOperation(header, signature, unpackBody(body))
  if (!operation.ok) throw new Error(operation.fault.detail)
  return operation.value
}

function show(tree: StateTree, batch: readonly FloorOperation[]): void {
  for (const { changes } of batch)
    for (const { path, value } of changes) tree.set({ path, type: 'register', field: '' }, value)
}

/** Two nodes of this process with a stream between them. */
async function openPipe() {
  const [from, to] = [await createFloorNode(false), await createFloorNode(true)]
  const arrived = new EventTarget()
  let [sent, taken] = [0, 0]
  await to.handle(FLOOR_PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      taken += data.byteLength
      if (taken === sent) arrived.dispatchEvent(new Event('all'))
    })
  })
  const stream: Stream = await openFloorStream(from, addressOf(to))
  return {
    /** Sends bytes and waits until all have come. */
    carry: async (bytes: Uint8Array): Promise<void> => {
      sent += bytes.length
      const all = once(arrived, 'all')
      stream.send(bytes)
      await all
    },
    close: async (): Promise<void> => {
      await from.stop()
      await to.stop()
    },
  }
}
