import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify, identifyPush } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { type IntroductionClient, introductionClient } from '../../protocols/introduction/index.ts'
import { DHT_PROTOCOL } from '../../src/core/dht-protocol.ts'

/** A libp2p node as a stranger would build it: TCP on loopback, DHT client, introductions. */
export type PlainNode = Libp2p<{ dht: KadDHT; introductions: IntroductionClient } & Record<string, unknown>>

export function createPlainNode(listen: readonly string[] = ['/ip4/127.0.0.1/tcp/0']): Promise<PlainNode> {
  return createLibp2p({
    addresses: { listen: [...listen] },
    transports: [tcp(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      dht: kadDHT({
        protocol: DHT_PROTOCOL,
        clientMode: true,
        peerInfoMapper: passthroughMapper,
        initialQuerySelfInterval: 50,
      }),
      introductions: introductionClient(),
    },
  })
}
