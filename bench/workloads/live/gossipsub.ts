import { setTimeout as pause } from 'node:timers/promises'
import { type GossipSub, gossipsub, StrictNoSign, StrictSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createHash } from 'node:crypto'
import { utf8 } from '../../../src/core/bytes.ts'
import { entryValue } from '../sync/entries.ts'
import { liveEdges, type LiveInit, type LiveCluster } from './cluster.ts'

const TOPIC = 'live'
const MEET_TIMEOUT_MS = 60_000

/** What the implementation has and its interface does not say. */
interface MeshedGossipSub extends GossipSub {
  getMeshPeers(topic: string): readonly string[]
}

/** The floor: gossipsub alone, of the version that Hanse uses, each entry a message. `isSigned`: each message signed, and checked by everybody. */
export async function startGossipsub(init: LiveInit, isSigned: boolean): Promise<LiveCluster> {
  const start = async () =>
    await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000 },
      services: {
        identify: identify(),
        pubsub: gossipsub({
          globalSignaturePolicy: isSigned ? StrictSign : StrictNoSign,
          allowPublishToZeroTopicPeers: true,
          ...(isSigned
            ? {}
            : { msgIdFn: ({ data }) => new Uint8Array(createHash('sha256').update(data).digest()) }),
        }),
      },
    })
  const nodes = await Promise.all(Array.from({ length: init.nodes }, start))
  const pubsubs = nodes.map(({ services }) => services.pubsub as MeshedGossipSub)
  for (const [i, pubsub] of pubsubs.entries()) {
    pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => {
      for (const { n } of JSON.parse(Buffer.from(msg.data).toString()) as readonly { readonly n: number }[])
        init.onVisible(i, n)
    })
    pubsub.subscribe(TOPIC)
  }
  const edges = liveEdges(init)
  for (const [from, to] of edges) await nodes[from]?.dial(nodes[to]?.getMultiaddrs() ?? [])
  const giveUpMs = performance.now() + MEET_TIMEOUT_MS
  // Everybody's mesh has grown as far as its bound lets it.
  const hasMet = (i: number) =>
    (pubsubs[i]?.getMeshPeers(TOPIC).length ?? 0) >=
    Math.min(4, edges.filter((edge) => edge.includes(i)).length)
  while (!pubsubs.every((_, i) => hasMet(i))) {
    if (performance.now() > giveUpMs) throw new Error('the nodes have not met')
    await pause(20)
  }
  return {
    write: async (node, numbers) => {
      await pubsubs[node]?.publish(TOPIC, utf8(JSON.stringify(numbers.map(entryValue))))
    },
    stop: async () => {
      await Promise.all(nodes.map(async (node) => await node.stop()))
    },
  }
}
