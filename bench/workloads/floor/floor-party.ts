import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Libp2p } from 'libp2p'
import { createFrameStream, type FrameStream } from '../../../protocols/sync/frame-stream.ts'
import { BATCH_WINDOW, SIGNATURES_PER_CHECK_MAX } from '../../../src/core/limits.ts'
import { keepHeapLean } from '../../../src/node/lean-heap.ts'
import { SignaturePool } from '../../../src/node/verification/signature-pool.ts'
import { type Address, entryPath, type SyncSizes } from '../sync/entries.ts'
import { claimOf, type FloorOperation, readFrame } from './read-frame.ts'
import type { RowWriter as Rows } from './row-writer.ts'
import { joinBlobs, StoredFile } from './stored-file.ts'

/**
 * Source and receiver of the floor: what signs, is stored durably, is found by its id and comes over libp2p cannot do without these parts.
 * The source reads the blobs, joins and packs them; the receiver unpacks, hashes, has the signatures checked on threads while it stores the batch
 * before, and writes Hanse's rows. Nobody asks whether an operation may be there.
 */
interface Place {
  readonly folder: string
}

keepHeapLean()
const { addressOf, createFloorNode, FLOOR_PROTOCOL, openFloorStream } = await import('./link.ts')
const { RowWriter } = await import('./row-writer.ts')
// All cores: what it decides beside them is little.
const pool = new SignaturePool(availableParallelism())
let node: Libp2p | undefined
let rows: Rows | undefined
let file = ''

const ACK = Uint8Array.of(1)
const { signal } = new AbortController()

/** Sends every batch, with at most BATCH_WINDOW of them not acknowledged, as Hanse does. */
async function sendAll(stored: StoredFile, stream: FrameStream): Promise<void> {
  let open = 0
  const acks = stream.frames()[Symbol.asyncIterator]()
  for (let batch = stored.nextBatch(); batch.length > 0; batch = stored.nextBatch()) {
    if (++open > BATCH_WINDOW) await acks.next()
    await stream.write([{ payload: joinBlobs(batch), plainBytes: 0 }], signal)
  }
}

async function verify(batch: readonly FloorOperation[]): Promise<void> {
  const pieces: Promise<readonly boolean[]>[] = []
  for (let at = 0; at < batch.length; at += SIGNATURES_PER_CHECK_MAX)
    pieces.push(pool.accept(batch.slice(at, at + SIGNATURES_PER_CHECK_MAX).map(claimOf)))
  const accepted = (await Promise.all(pieces)).flat()
  if (accepted.some((isGood) => !isGood)) throw new Error('a good signature was refused')
}

/** Every frame that comes; each is acknowledged when it has been dealt with. */
async function receive(address: Address, take: (frame: Uint8Array) => Promise<void>): Promise<void> {
  const stream = createFrameStream(await openFloorStream(node as Libp2p, String(address['multiaddr'])))
  const open: Promise<unknown>[] = []
  for await (const frame of stream.frames()) {
    if (!frame.ok) throw new Error(frame.fault.detail)
    open.push(
      take(frame.value).then(async () => await stream.write([{ payload: ACK, plainBytes: 0 }], signal)),
    )
    if (open.length > BATCH_WINDOW) await open.shift()
  }
  await Promise.all(open)
}

export const commands = {
  serve: async (place: Place): Promise<Address> => {
    node = await createFloorNode(true)
    await node.handle(FLOOR_PROTOCOL, async (stream) => {
      const stored = new StoredFile(place.folder)
      await sendAll(stored, createFrameStream(stream))
      stored.close()
      await stream.close()
    })
    return { multiaddr: addressOf(node) }
  },

  openEmpty: async (place: Place): Promise<void> => {
    // A name of its own, where one before has failed.
    file = join(place.folder, `floor-${process.pid}.sqlite`)
    rows = new RowWriter(file)
    node = await createFloorNode(false)
  },

  openReceiving: async (): Promise<void> => {
    node = await createFloorNode(false)
  },

  /** Everything, checked, hashed and stored. */
  receiveAll: async ({ address, sizes }: { readonly address: Address; readonly sizes: SyncSizes }) => {
    const startedMs = performance.now()
    let stored = Promise.resolve()
    await receive(address, async (frame) => {
      const batch = readFrame(frame)
      const verified = verify(batch)
      const before = stored
      stored = (async () => {
        await before
        await verified
        rows?.write(batch)
      })()
      await stored
    })
    const last = entryPath(sizes.operations * sizes.changes - 1)
    if (rows?.valueAt(last) === undefined) throw new Error('the last entry is not there')
    return { seconds: (performance.now() - startedMs) / 1000 }
  },

  /** Everything, unpacked and thrown away. */
  receiveOnly: async ({ address }: { readonly address: Address }) => {
    const startedMs = performance.now()
    let bytes = 0
    await receive(address, async (frame) => {
      bytes += frame.length
      await Promise.resolve()
    })
    return { seconds: (performance.now() - startedMs) / 1000, bytes }
  },

  close: async (): Promise<void> => {
    rows?.close()
    await node?.stop()
    for (const ending of ['', '-wal', '-shm']) rmSync(file + ending, { force: true })
  },
}
