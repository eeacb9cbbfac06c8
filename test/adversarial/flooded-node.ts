import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { identify } from '@libp2p/identify'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'

import { decodeDelegation, issueDelegation, type VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { orThrow } from '../../src/node/fault-error.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { alice, mallory, signerNamed } from '../cast.ts'
import { type RawLink, type RawPeer, startRawPeer } from '../sync/raw-peer.ts'

const CHILD = fileURLToPath(import.meta.resolve('./flood-main.ts'))

/** What the flooded node says of itself ten times a second. */
export interface Usage {
  readonly rss: number
  readonly heapUsed: number
  readonly refused: Readonly<Record<string, number>>
}

interface Ready {
  readonly addresses: readonly string[]
  readonly peer: string
  readonly space: string
  readonly topic: string
  readonly ownerToken: string
  readonly invite: string
}

/** A node in a process of its own, with a bounded heap, that is there to be flooded. */
export interface FloodedNode extends Ready {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** Everything it has said of itself so far. */
  readonly usage: readonly Usage[]
  /** What it wrote to its standard error; empty while all is well. */
  readonly complaints: () => string
  /** Writes to a path. */
  put(path: string): void
  /** Ends it in order; its exit code. */
  stop(): Promise<number | null>
}

/** Starts the node under `heapMib` of old space. */
export async function startFloodedNode(heapMib: number): Promise<FloodedNode> {
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMib}`, CHILD], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  const usage: Usage[] = []
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const ready = Promise.withResolvers<Ready>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { readonly kind: string }
    if (said.kind === 'ready') ready.resolve(said as unknown as Ready)
    else usage.push(said as unknown as Usage)
  })
  child.on('exit', () => ready.reject(new Error(`the node did not start: ${complaints}`)))
  return {
    ...(await ready.promise),
    child,
    usage,
    complaints: () => complaints,
    put: (path) => child.stdin.write(`${path}\n`),
    async stop() {
      child.stdin.write('stop\n')
      const [code] = (await exit) as [number | null]
      return code
    },
  }
}

/** As much of a node and a space as a raw peer needs to know of them. */
function asSeenFromOutside(flooded: FloodedNode): { readonly node: HanseNode; readonly space: Space } {
  const network = { peerId: peerIdFromString(flooded.peer) }
  const hosted = { id: bytesOf(flooded.space), topic: bytesOf(flooded.topic) }
  return {
    node: { addresses: flooded.addresses, network } as unknown as HanseNode,
    space: { hosted } as unknown as Space,
  }
}

/** A liar over TCP, who may read the flooded space. */
export interface Liar {
  readonly peer: RawPeer
  readonly chain: readonly VerifiedDelegation[]
  /** A link that has said nothing yet. */
  open(): Promise<RawLink>
  /** A link past the handshake. */
  openProven(): Promise<RawLink>
}

/** Another name is another peer id of the same member: peer ids are free. */
export async function startLiar(flooded: FloodedNode, name: string, parts: object = {}): Promise<Liar> {
  const { node, space } = asSeenFromOutside(flooded)
  const peer = await startRawPeer(name, {
    transports: [tcp()],
    services: { identify: identify() },
    ...parts,
  })
  const owner = orThrow(decodeDelegation(bytesOf(flooded.ownerToken)))
  const token = issueDelegation({
    signer: alice,
    audience: mallory.publicKey,
    subject: signerNamed('the flooded space').publicKey,
    command: '/op',
    policy: [],
    nonce: new Uint8Array(12),
    expiresSeconds: null,
  })
  const chain = [owner as VerifiedDelegation, orThrow(token)]
  return {
    peer,
    chain,
    open: async () => await peer.open(node),
    openProven: async () => await peer.openProven(node, space, mallory, chain),
  }
}

const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
