import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { gossipOptions } from '../../../src/node/network/gossip-options.ts'
import { steadyNoise } from '../../../src/node/network/steady-noise.ts'
import { steadyYamux } from '../../../src/node/network/steady-yamux.ts'

/** libp2p as Hanse composes it, without its protocols and without what is switched off in the benchmarks, which a node does not load either. */
export async function startComposed() {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [steadyNoise()],
    streamMuxers: [
      steadyYamux({ streamOptions: { maxStreamWindowSize: 1 << 20, maxReadBufferLength: 2 << 20 } }),
    ],
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      ping: ping(),
      pubsub: gossipsub(gossipOptions({ isProven: () => false })),
    },
  })
  node.services.pubsub.subscribe('floor')
  return node
}
