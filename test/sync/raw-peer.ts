import { zstdCompressSync } from 'node:zlib'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { SYNC_PROTOCOL } from '../../protocols/sync/index.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../../protocols/sync/message-codec.ts'
import { createFrameStream } from '../../protocols/sync/frame-stream.ts'
import { concatBytes } from '../../src/core/bytes.ts'
import { publicKeyOf, type Signer } from '../../src/core/signature.ts'
import { handshakeBytes, knowledgeOfSpace } from '../../src/core/sync/handshake.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { seedNamed } from '../cast.ts'
import { memoryTransport, WAIT_MS } from '../node/federation.ts'

/** One stream of the sync protocol in the hands of someone who writes the bytes by hand. */
export interface RawLink {
  readonly stream: Stream
  /** What the node has sent so far, in order. */
  readonly received: readonly WireMessage[]
  /** The same as they came, unpacked: every byte there was to read. */
  readonly frames: readonly Uint8Array[]
  /** Bytes the node has sent so far. */
  readonly bytesReceived: number
  /** Sends a message as it should be. */
  say(message: WireMessage): void
  /** Sends any bytes. */
  sayBytes(bytes: Uint8Array): void
  /** The next message of the node, or null when it has ended the stream. */
  next(): Promise<WireMessage | null>
  /** Everything up to the end of the stream. */
  rest(): Promise<readonly WireMessage[]>
}

/** A libp2p peer without any of our node. */
export interface RawPeer {
  readonly libp2p: Libp2p
  readonly id: string
  open(node: HanseNode): Promise<RawLink>
  /** hello and hello back; then as far as a true proof by `reader` gets. */
  openProven(
    node: HanseNode,
    space: Space,
    reader: Signer,
    tokens: readonly VerifiedDelegation[],
  ): Promise<RawLink>
  stop(): Promise<void>
}

/** Starts a raw peer with a fixed key. */
export async function startRawPeer(name: string, parts: Partial<Libp2pOptions> = {}): Promise<RawPeer> {
  const seed = seedNamed(`peer of ${name}`)
  const libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(concatBytes(seed, publicKeyOf(seed))),
    ...memoryTransport,
    connectionMonitor: { enabled: false },
    services: { identify: identify() },
    ...parts,
  })
  const id = libp2p.peerId.toString()
  const open = async (node: HanseNode, spaceId?: Uint8Array): Promise<RawLink> => {
    const connection = await dial(libp2p, node)
    const stream = await connection.newStream(SYNC_PROTOCOL, { signal: AbortSignal.timeout(WAIT_MS) })
    return createRawLink(stream, spaceId)
  }
  return {
    libp2p,
    id,
    open,
    async openProven(node, space, reader, tokens) {
      const link = await open(node, space.hosted.id)
      const ownNonce = new Uint8Array(32).fill(7)
      const peers = peersOf(libp2p, node)
      link.say(helloOf(space, peers, ownNonce))
      const hello = await link.next()
      if (hello?.kind !== 'hello') throw new Error(`no hello but ${hello?.kind}`)
      await link.next()
      const signature = reader.sign(
        handshakeBytes({
          spaceId: space.hosted.id,
          ...peers,
          signerNonce: ownNonce,
          otherNonce: hello.nonce,
        }),
      )
      link.say({ kind: 'proof', proof: { tokens: tokens.map(({ bytes }) => bytes), signature } })
      return link
    },
    async stop() {
      await libp2p.stop()
    },
  }
}

/** Both ends as the raw peer's signature names them. */
export function peersOf(
  libp2p: Libp2p,
  node: HanseNode,
): { readonly signerPeer: Uint8Array; readonly otherPeer: Uint8Array } {
  const other = node.network?.peerId
  if (other === undefined) throw new Error('the node is offline')
  return { signerPeer: libp2p.peerId.toMultihash().bytes, otherPeer: other.toMultihash().bytes }
}

/** A hello as one who knows the space's id says it. */
export function helloOf(
  space: Space,
  peers: { readonly signerPeer: Uint8Array; readonly otherPeer: Uint8Array },
  nonce: Uint8Array,
): Extract<WireMessage, { kind: 'hello' }> {
  const knowledge = knowledgeOfSpace({ spaceId: space.hosted.id, ...peers, signerNonce: nonce })
  return { kind: 'hello', topic: space.hosted.topic, nonce, knowledge }
}

async function dial(libp2p: Libp2p, node: HanseNode): Promise<Connection> {
  const [address] = node.addresses
  if (address === undefined) throw new Error('the node listens nowhere')
  return await libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(WAIT_MS) })
}

/** Frames of the sync protocol over any stream. */
export function createRawLink(stream: Stream, spaceId: Uint8Array = new Uint8Array(32)): RawLink {
  const frames = createFrameStream(stream)
  const incoming = frames.frames()[Symbol.asyncIterator]()
  const received: WireMessage[] = []
  const contents: Uint8Array[] = []
  const next = async (): Promise<WireMessage | null> => {
    try {
      const frame = await incoming.next()
      if (frame.done === true) return null
      if (!frame.value.ok) throw new Error(frame.value.fault.detail)
      contents.push(frame.value.value)
      const decoded = decodeMessage(frame.value.value, spaceId)
      if (!decoded.ok) throw new Error(decoded.fault.detail)
      received.push(decoded.value)
      return decoded.value
    } catch {
      return null
    }
  }
  return {
    stream,
    received,
    frames: contents,
    get bytesReceived() {
      return frames.bytesReceived
    },
    say: (message) => stream.send(frameOf(encodeMessage(message))),
    sayBytes: (bytes) => stream.send(bytes),
    next,
    async rest() {
      const rest: WireMessage[] = []
      for (let message = await next(); message !== null; message = await next()) rest.push(message)
      return rest
    },
  }
}

/** A frame: length, way of packing, content. */
export function frameOf(content: Uint8Array, packing: 'plain' | 'zstd' = 'plain'): Uint8Array {
  const packed =
    packing === 'plain'
      ? concatBytes(Uint8Array.of(0), content)
      : concatBytes(Uint8Array.of(1), zstdCompressSync(content))
  return concatBytes(lengthOf(packed.length), packed)
}

/** An unsigned varint. */
export function lengthOf(length: number): Uint8Array {
  const bytes: number[] = []
  let rest = length
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.from([...bytes, rest])
}
