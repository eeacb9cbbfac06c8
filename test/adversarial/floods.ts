import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { SYNC_PROTOCOL } from '../../protocols/sync/index.ts'
import { concatBytes, utf8 } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { BATCH_OPERATIONS_MAX, FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { signOperation } from '../../src/core/operation/operation.ts'
import { mallory, seedNamed } from '../cast.ts'
import { frameOf, lengthOf, type RawLink } from '../sync/raw-peer.ts'
import { type FloodedNode, type Liar, startLiar } from './flooded-node.ts'

/** One way to drown a node. Runs until the signal says that it is enough, and tells how much it sent. */
export type Flood = (flooded: FloodedNode, signal: AbortSignal) => Promise<number>

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const compare = {
  kind: 'compare',
  round: 0,
  admitted: 0,
  answers: false,
  standing: {
    clockRoot: new Uint8Array(32),
    stateRoot: new Uint8Array(32),
    authors: 1,
    operations: 1,
    absentBodies: 0,
  },
} as const

/** Lets other floods and the honest peer have their turn. */
const breathe = async (): Promise<void> => await setImmediate()

/** Does it again and again, each time as a new peer id, whatever becomes of it. */
async function again(
  name: string,
  flooded: FloodedNode,
  signal: AbortSignal,
  once: (liar: Liar, round: number) => Promise<number>,
): Promise<number> {
  let sent = 0
  for (let round = 0; !signal.aborted; round++) {
    const liar = await startLiar(flooded, `${name} ${round}`)
    try {
      sent += await once(liar, round)
    } catch {
      // She was thrown out. That is what it is about.
    } finally {
      await liar.peer.stop()
    }
    await breathe()
  }
  return sent
}

/** Batches as large as they may be, in which every signature is forged. */
export const badSignatures: Flood = async (flooded, signal) => {
  const header = {
    space: bytesOf(flooded.space),
    author: mallory.publicKey,
    seq: 0,
    prev: null,
    deps: [bytesOf(flooded.space)],
    lamport: 2,
    time: Date.now(),
    epoch: 0,
    caps: [],
    command: '/op/write',
  }
  return await again('forger', flooded, signal, async (liar, round) => {
    const operations = Array.from({ length: BATCH_OPERATIONS_MAX }, (_, i) => {
      const made = signOperation(
        { ...header, path: `${round}/${i}` },
        [setRegister('x', 1)],
        () => new Uint8Array(64),
      )
      return { ...made, body: null }
    })
    const link = await liar.openProven()
    link.say(compare)
    // Nothing differs of the handful of authors that are listed.
    link.say({ kind: 'nodes', differing: Uint8Array.of(0), listing: new Uint8Array() })
    link.say({ kind: 'entries', entries: [], bodies: [], last: true })
    link.say({ kind: 'operations', operations, faults: [] })
    await link.rest()
    return operations.length
  })
}

/** Zstandard in Zstandard, 64 deep, and a little that becomes a lot, and nesting without end. */
export const bombs: Flood = async (flooded, signal) => {
  let matryoshka: Uint8Array = new Uint8Array(FRAME_BYTES_MAX)
  for (let depth = 0; depth < 64; depth++) matryoshka = new Uint8Array(zstdCompressSync(matryoshka))
  const ratio = frameOf(new Uint8Array(256 * 1024 * 1024), 'zstd')
  const nesting = frameOf(new Uint8Array(FRAME_BYTES_MAX).fill(0x81), 'zstd')
  const bombs = [frameOf(matryoshka, 'zstd'), ratio, nesting]
  return await again('bomber', flooded, signal, async (liar) => {
    for (const bomb of bombs) {
      const link = await liar.openProven()
      link.sayBytes(bomb)
      await link.rest()
    }
    return bombs.length
  })
}

/** Asks and asks over a link past the handshake, and reads no answer. */
export const slowReaders: Flood = async (flooded, signal) => {
  const ids = Array.from({ length: 16 }, () => new Uint8Array(32))
  return await again('slow reader', flooded, signal, async (liar) => {
    const link = await liar.openProven()
    await link.next()
    link.stream.pause()
    let probe = 0
    for (; link.stream.status === 'open' && !signal.aborted; probe++) {
      link.say({ kind: 'probe', probe: probe % 1_000, ids })
      if (probe % 64 === 0) await breathe()
    }
    return probe
  })
}

/** As many streams as there is room for, each in the middle of a frame that never ends; over several connections. */
export const openStreams: Flood = async (flooded, signal) => {
  return await again('opener', flooded, signal, async (liar, round) => {
    const [address = ''] = flooded.addresses
    const connections: Connection[] = []
    for (let i = 0; i < 4; i++)
      connections.push(await liar.peer.libp2p.dial(multiaddr(address), { force: true, signal }))
    const streams: Stream[] = []
    for (const connection of connections) {
      for (let i = 0; i < 200 && !signal.aborted && connection.status === 'open'; i++) {
        try {
          const stream = await connection.newStream(SYNC_PROTOCOL, { signal: AbortSignal.timeout(1_000) })
          stream.send(
            concatBytes(lengthOf(round % 2 === 0 ? 20_000 : FRAME_BYTES_MAX), new Uint8Array(10_000)),
          )
          streams.push(stream)
        } catch {
          // One too many.
          break
        }
      }
    }
    return streams.length
  })
}

/** Sockets that are opened and say nothing, or the first word of a handshake and no second. */
export const halfOpen: Flood = async (flooded, signal) => {
  const [address = ''] = flooded.addresses
  const port = Number(/tcp\/(\d+)/.exec(address)?.[1])
  const sockets: Socket[] = []
  let opened = 0
  while (!signal.aborted) {
    // From addresses of their own, as a crowd would come.
    const host = `127.0.0.${2 + (opened % 16)}`
    const socket = connect({ host: '127.0.0.1', port, localAddress: host })
    socket.on('error', () => {})
    socket.on('connect', () => {
      if (sockets.length % 2 === 0) socket.write('\u0013/multistream/1.0.0\n')
    })
    sockets.push(socket)
    opened++
    if (opened % 8 === 0) await setTimeout(10)
    if (sockets.length > 4_000) for (const old of sockets.splice(0, 1_000)) old.destroy()
  }
  for (const socket of sockets) socket.destroy()
  return opened
}

const GOSSIP_PROTOCOL = '/meshsub/1.1.0'
/** Protocol buffers, as much as a gossip frame needs: a field of bytes. */
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(number * 8 + 2), lengthOf(bytes.length), bytes)
const subscription = (topic: string): Uint8Array =>
  field(1, concatBytes(Uint8Array.of(8, 1), field(2, utf8(topic))))
const message = (topic: string, data: Uint8Array): Uint8Array =>
  field(2, concatBytes(field(2, data), field(4, utf8(topic))))
const rpc = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = concatBytes(...parts)
  return concatBytes(lengthOf(bytes.length), bytes)
}

/** Gossip frames one after the other, as fast as they are taken. */
async function gossip(
  liar: Liar,
  link: RawLink,
  signal: AbortSignal,
  next: (frame: number) => Uint8Array,
): Promise<number> {
  const connection = liar.peer.libp2p.getConnections().find(({ status }) => status === 'open')
  if (connection === undefined) return 0
  const stream = await connection.newStream(GOSSIP_PROTOCOL, { signal: AbortSignal.timeout(2_000) })
  let frame = 0
  try {
    for (; stream.status === 'open' && link.stream.status !== 'aborted' && !signal.aborted; frame++) {
      if (!stream.send(next(frame))) await once(stream, 'drain', { signal: AbortSignal.timeout(2_000) })
      await breathe()
    }
  } catch {
    // Her stream was reset, or is not read any more.
  }
  return frame
}

/** Subscriptions to topics nobody has heard of, from a peer past no handshake. */
export const subscriptions: Flood = async (flooded, signal) => {
  return await again('subscriber', flooded, signal, async (liar, round) => {
    const link = await liar.open()
    return await gossip(liar, link, signal, (frame) =>
      rpc(
        Array.from({ length: 1_000 }, (_, i) => subscription(`/${round}/${frame}/${i}/${'x'.repeat(200)}`)),
      ),
    )
  })
}

/** Messages that are no operations, on the space's topic and on others, by strangers and by members in turn. */
export const messages: Flood = async (flooded, signal) => {
  const topic = `/hanse/operations/1/${flooded.topic}`
  return await again('gossiper', flooded, signal, async (liar, round) => {
    const link = round % 2 === 0 ? await liar.open() : await liar.openProven()
    return await gossip(liar, link, signal, (frame) =>
      rpc(
        Array.from({ length: 1_000 }, (_, i) => {
          const data = concatBytes(seedNamed(`${round} ${frame} ${i}`), new Uint8Array(200))
          return message(i % 2 === 0 ? topic : `${topic}${i}`, data)
        }),
      ),
    )
  })
}
