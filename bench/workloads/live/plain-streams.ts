import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { concatBytes } from '../../../src/core/bytes.ts'
import { OPERATION_ID_TAG } from '../../../src/core/domain-tags.ts'
import { sha256 } from '../../../src/core/hash.ts'
import { bodyCommitment, signedBytes } from '../../../src/core/operation/operation.ts'
import { encodeHeader } from '../../../src/core/operation/header.ts'
import { setRegister } from '../../../src/core/types/register/change.ts'
import { createOwnSigner } from '../../../src/node/own-signer.ts'
import { processVerifier } from '../../../src/node/verification/process-verifier.ts'
import { packBody } from '../../../src/storage/sqlite/packing.ts'
import { addressOf, createFloorNode, FLOOR_PROTOCOL, openFloorStream } from '../floor/link.ts'
import { claimOf, type FloorOperation, readFrame, readOperation } from '../floor/read-frame.ts'
import { RowWriter } from '../floor/row-writer.ts'
import { joinBlobs } from '../floor/stored-file.ts'
import { entryPath, entryValue } from '../sync/entries.ts'
import { type LiveCluster, type LiveInit, liveEdges } from './cluster.ts'

const MEET_TIMEOUT_MS = 60_000
const SPACE = sha256(Buffer.from('the space of the floor'))

/**
 * The floor of live operations: signed as Hanse's are, synced to the writer's disk, sent to every peer over a plain stream, hashed, their signatures
 * checked by Hanse's verifier (which looks once in a process at each), and Hanse's rows written by each receiver before they show. What comes while a node is
 * busy is written in one transaction. Nobody asks whether an operation may be there, nothing is passed on, and nothing repaired.
 */
export async function startPlainStreams(init: LiveInit): Promise<LiveCluster> {
  const nodes: PlainNode[] = []
  for (let i = 0; i < init.nodes; i++) nodes.push(await PlainNode.start(init, i))
  if (liveEdges(init).length < (init.nodes * (init.nodes - 1)) / 2)
    throw new Error('plain streams pass nothing on: every two nodes have to be connected')
  for (const node of nodes) await node.connect(nodes)
  const giveUpMs = performance.now() + MEET_TIMEOUT_MS
  while (nodes.some((node) => node.sources < init.nodes - 1)) {
    if (performance.now() > giveUpMs) throw new Error('the nodes have not met')
    await pause(20)
  }
  return {
    write: (node, numbers) => nodes[node]?.write(numbers),
    stop: async () => {
      await Promise.all(nodes.map(async (node) => await node.stop()))
    },
  }
}

class PlainNode {
  /** Streams that others have opened to this node. */
  sources = 0
  readonly #libp2p: Libp2p
  readonly #rows: RowWriter
  readonly #signer
  readonly #onVisible: (n: number) => void
  readonly #streams: Stream[] = []
  readonly #arrived: FloorOperation[] = []
  #isTaking = false
  #seq = 0
  #prev: Uint8Array | null = null

  private constructor(libp2p: Libp2p, { folder, onVisible }: LiveInit, place: number) {
    this.#libp2p = libp2p
    this.#rows = new RowWriter(join(folder, `node-${place}`))
    this.#signer = createOwnSigner(new Uint8Array(createHash('sha256').update(`node ${place}`).digest()))
    this.#onVisible = (n) => onVisible(place, n)
  }

  static async start(init: LiveInit, place: number): Promise<PlainNode> {
    const libp2p = await createFloorNode(true)
    const node = new PlainNode(libp2p, init, place)
    await libp2p.handle(FLOOR_PROTOCOL, (stream) => node.#read(stream), { maxInboundStreams: init.nodes })
    return node
  }

  /** Opens a stream to every other node. */
  async connect(nodes: readonly PlainNode[]): Promise<void> {
    for (const other of nodes)
      if (other !== this) this.#streams.push(await openFloorStream(this.#libp2p, addressOf(other.#libp2p)))
    for (const stream of this.#streams) stream.send(lengthBytes(0))
  }

  write(numbers: readonly number[]): void {
    const body = numbers.map((n) => setRegister(entryPath(n), entryValue(n)))
    const header = encodeHeader({
      ...{ space: SPACE, author: this.#signer.publicKey, seq: this.#seq, prev: this.#prev, deps: [] },
      ...{
        lamport: this.#seq + 1,
        time: Date.now(),
        epoch: 0,
        caps: [],
        command: '/op/write',
        path: 'entries',
      },
      ...bodyCommitment(body),
    })
    const id = sha256(OPERATION_ID_TAG, header)
    const signature = this.#signer.sign(signedBytes(id))
    const packed = packBody(body)
    this.#rows.write([readOperation(header, signature, packed)], 'power')
    this.#seq++
    this.#prev = id
    const frame = joinBlobs([[header, signature, packed]])
    const message = concatBytes(lengthBytes(frame.length), frame)
    for (const stream of this.#streams) stream.send(message)
  }

  async stop(): Promise<void> {
    await this.#libp2p.stop()
    this.#rows.close()
  }

  #read(stream: Stream): void {
    let rest: Uint8Array = new Uint8Array()
    stream.addEventListener('message', ({ data }) => {
      const chunk = data.subarray()
      let bytes = rest.length === 0 ? chunk : concatBytes(rest, chunk)
      for (;;) {
        const length =
          bytes.length < 4
            ? Number.POSITIVE_INFINITY
            : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
        if (bytes.length < 4 + length) break
        if (length === 0) this.sources++
        else for (const operation of readFrame(bytes.slice(4, 4 + length))) this.#arrived.push(operation)
        bytes = bytes.subarray(4 + length)
      }
      rest = bytes.slice()
      if (!this.#isTaking && this.#arrived.length > 0) void this.#take()
    })
  }

  /** Checks and stores what has come, and what comes meanwhile. */
  async #take(): Promise<void> {
    this.#isTaking = true
    while (this.#arrived.length > 0) {
      const batch = this.#arrived.splice(0)
      const accepted = await processVerifier().acceptAll(batch.map(claimOf))
      if (accepted.some((isGood) => !isGood)) throw new Error('a good signature was refused')
      this.#rows.write(batch)
      for (const { changes } of batch)
        for (const { path } of changes)
          if (this.#rows.valueAt(path) !== undefined)
            this.#onVisible(Number(path.slice(path.lastIndexOf('/') + 1)))
    }
    this.#isTaking = false
  }
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}
