import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { steadyNoise } from '../../../src/node/network/steady-noise.ts'
import { steadyYamux } from '../../../src/node/network/steady-yamux.ts'

export const FLOOR_PROTOCOL = '/hanse-bench/floor/1.0.0'

/** TCP, Noise and yamux with Hanse's settings, and no protocol of anybody's. `isListening`: on a port of loopback. */
export async function createFloorNode(isListening: boolean): Promise<Libp2p> {
  return await createLibp2p({
    addresses: { listen: isListening ? ['/ip4/127.0.0.1/tcp/0'] : [] },
    transports: [tcp()],
    connectionEncrypters: [steadyNoise()],
    streamMuxers: [
      steadyYamux({ streamOptions: { maxStreamWindowSize: 1 << 20, maxReadBufferLength: 2 << 20 } }),
    ],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000 },
    connectionMonitor: { enabled: false },
  })
}

/** Opens a stream of the floor's protocol to a node at an address. */
export async function openFloorStream(node: Libp2p, address: string): Promise<Stream> {
  return await node.dialProtocol(multiaddr(address), FLOOR_PROTOCOL)
}

/** Where a node that listens can be dialled. */
export function addressOf(node: Libp2p): string {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('bug: a node that listens nowhere')
  return address.toString()
}
