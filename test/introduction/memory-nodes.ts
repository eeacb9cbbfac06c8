import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type ServiceFactoryMap } from 'libp2p'

/** A libp2p node on the memory transport, and its key. */
export interface MemoryNode<Services extends ServiceMap> {
  readonly libp2p: Libp2p<Services>
  readonly privateKey: PrivateKey
}

let addresses = 0

/** Starts nodes on the memory transport; `stopAll` stops what was started. */
export function createMemoryNodes(): {
  start<Services extends ServiceMap>(
    services: ServiceFactoryMap<Services>,
    options?: { readonly listen?: readonly string[] },
  ): Promise<MemoryNode<Services>>
  stopAll(): Promise<void>
} {
  const started: Libp2p[] = []
  return {
    async start(services, options = {}) {
      const privateKey = await generateKeyPair('Ed25519')
      const libp2p = await createLibp2p({
        privateKey,
        addresses: { listen: [...(options.listen ?? [`/memory/introduction-${addresses++}`])] },
        transports: [memory()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionManager: { inboundConnectionThreshold: 1_000 },
        connectionMonitor: { enabled: false },
        services,
      })
      started.push(libp2p)
      return { libp2p, privateKey }
    },
    async stopAll() {
      await Promise.all(started.splice(0).map(async (libp2p) => await libp2p.stop()))
    },
  }
}
