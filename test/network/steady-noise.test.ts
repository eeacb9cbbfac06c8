import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it, onTestFinished } from 'vitest'
import { steadyNoise } from '../../src/node/network/steady-noise.ts'
import { steadyYamux } from '../../src/node/network/steady-yamux.ts'

type Encrypter = NonNullable<Libp2pOptions['connectionEncrypters']>[number]

/** A peer on TCP. */
async function start(encrypter: Encrypter, listen: readonly string[] = []) {
  const libp2p = await createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [encrypter],
    streamMuxers: [steadyYamux({})],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => await libp2p.stop())
  await libp2p.handle('/echo', (stream) => {
    stream.addEventListener('message', ({ data }) => {
      if (!stream.send(data)) stream.pause()
    })
    stream.addEventListener('drain', () => stream.resume())
  })
  return libp2p
}

/** Resolves with as many bytes as were asked for. */
async function read(stream: Stream, bytes: number): Promise<Uint8Array> {
  const all = new Uint8ArrayList()
  for await (const data of stream) {
    all.append(data)
    if (all.byteLength >= bytes) break
  }
  return all.subarray()
}

/** One byte, two, the longest message that one message of Noise carries with yamux's header, one more, and many of them. */
const SIZES = [1, 2, 65_507, 65_508, 400_001]

it.each([
  ['with its own kind', steadyNoise()],
  ['with Noise as it comes', noise()],
])('carries messages of every length %s', async (_, other) => {
  const alice = await start(steadyNoise(), ['/ip4/127.0.0.1/tcp/0'])
  const bob = await start(other)
  const [address] = alice.getMultiaddrs()
  if (address === undefined) throw new Error('listens nowhere')
  for (const size of SIZES) {
    const stream = await bob.dialProtocol(address, '/echo', { signal: AbortSignal.timeout(10_000) })
    const sent = Uint8Array.from({ length: size }, (_byte, i) => (i * 31 + (i >> 8)) & 255)
    const echoed = read(stream, size)
    stream.send(sent)
    expect(Buffer.compare(await echoed, sent)).toBe(0)
    stream.abort(new Error('done'))
  }
})

it('puts together what arrives byte by byte, and asks without an error for what is not there', async () => {
  const [outbound, inbound] = multiaddrConnectionPair()
  const [client, server] = await Promise.all([encrypter(outbound), encrypter(inbound)])
  const [sent, secured] = await Promise.all([
    client.secureOutbound(outbound, {}),
    server.secureInbound(inbound, {}),
  ])
  const { decoder } = secured.connection as unknown as {
    readonly decoder: { lengthDecoder(bytes: Uint8ArrayList): number }
  }
  for (const there of [[], [1]]) {
    expect(() => decoder.lengthDecoder(new Uint8ArrayList(Uint8Array.from(there)))).not.toThrow()
  }
  const wire = inbound as unknown as { onData(bytes: Uint8Array | Uint8ArrayList): void }
  const onData = wire.onData.bind(inbound)
  wire.onData = (bytes) => {
    for (const byte of bytes.subarray()) onData(Uint8Array.of(byte))
  }
  const arrived = firstMessages(secured.connection, 2)
  sent.connection.send(Uint8Array.of(1, 2, 3))
  sent.connection.send(Uint8Array.of(4))
  expect(await arrived).toEqual([[1, 2, 3], [4]])
})

it('hands a message to the connection in one piece, with its length', async () => {
  const [outbound, inbound] = multiaddrConnectionPair()
  const [client, server] = await Promise.all([encrypter(outbound), encrypter(inbound)])
  const [sent, secured] = await Promise.all([
    client.secureOutbound(outbound, {}),
    server.secureInbound(inbound, {}),
  ])
  const pieces: number[] = []
  const send = outbound.send.bind(outbound)
  outbound.send = (data) => {
    pieces.push(data instanceof Uint8Array ? 1 : [...data].length)
    return send(data)
  }
  const arrived = firstMessages(secured.connection, 1)
  sent.connection.send(Uint8Array.of(1, 2, 3))
  expect([await arrived, pieces]).toEqual([[[1, 2, 3]], [1]])
})

/** One side's Noise, with a key of its own. */
async function encrypter({ log }: MessageStream) {
  const upgrader = { getStreamMuxers: () => new Map() }
  const logger = { forComponent: () => log }
  const components = { privateKey: await generateKeyPair('Ed25519'), upgrader, logger }
  type Components = Parameters<ReturnType<typeof steadyNoise>>[0]
  return steadyNoise()(components as unknown as Components)
}

async function firstMessages(stream: MessageStream, count: number): Promise<readonly (readonly number[])[]> {
  const messages: (readonly number[])[] = []
  return await new Promise((resolve) => {
    stream.addEventListener('message', ({ data }) => {
      messages.push([...data.subarray()])
      if (messages.length === count) resolve(messages)
    })
  })
}
