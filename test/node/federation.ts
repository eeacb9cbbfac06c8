import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import type { Space } from '../../src/node/space/space.ts'
import { seedNamed } from '../cast.ts'

/** Longest wait for anything in these tests, in ms: far more than it takes, far less than a stuck run. */
export const WAIT_MS = 15_000

/** Nodes on libp2p's memory transport, with fixed keys; `stopAll` stops them. */
export interface Federation {
  start(name: string, options?: NodeOptions): Promise<HanseNode>
  stopAll(): Promise<void>
}

let addresses = 0

/** libp2p's memory transport under the Noise and yamux of real nodes. */
export const memoryTransport = {
  transports: [memory()],
  connectionEncrypters: [noise()],
  streamMuxers: [
    yamux({
      maxInboundStreams: 256,
      streamOptions: { maxStreamWindowSize: 1 << 20, maxReadBufferLength: 2 << 20 },
    }),
  ],
}

export function createFederation(): Federation {
  const nodes: HanseNode[] = []
  return {
    async start(name, options = {}) {
      const node = await createNode({
        seeds: { peer: seedNamed(`peer of ${name}`), author: seedNamed(name) },
        listen: [`/memory/hanse-${addresses++}`],
        transport: memoryTransport,
        dht: false,
        relay: false,
        // Only what a test starts happens: gossip and wishes, not the interval.
        antiEntropyIntervalMs: 3_600_000,
        discoveryIntervalMs: 3_600_000,
        ...options,
      })
      nodes.push(node)
      return node
    },
    async stopAll() {
      await Promise.all(nodes.splice(0).map(async (node) => await node.stop()))
    },
  }
}

/** Resolves when the condition holds, asked again after every change, run and link of the space; rejects after WAIT_MS. */
export async function until(space: Space, condition: () => boolean, what: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    if (condition()) resolve()
  }
  const names = ['change', 'sync', 'eose', 'fork'] as const
  for (const name of names) space.addEventListener(name, look)
  // Links close and peers are blamed without an event of the space.
  const clock = setInterval(look, 20)
  const limit = setTimeout(() => reject(new Error(`not within ${WAIT_MS} ms: ${what}`)), WAIT_MS)
  try {
    look()
    await promise
  } finally {
    clearInterval(clock)
    clearTimeout(limit)
    for (const name of names) space.removeEventListener(name, look)
  }
}

/** Resolves when both hold one set and state. */
export async function untilEqual(a: Space, b: Space): Promise<void> {
  await until(
    b,
    () => a.status().clockRoot === b.status().clockRoot && a.status().stateRoot === b.status().stateRoot,
    'equal roots',
  )
}
