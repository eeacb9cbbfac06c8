import type { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { bitswap } from '@helia/block-brokers'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createOrbitDB, IPFSAccessController } from '@orbitdb/core'
import { LevelBlockstore } from 'blockstore-level'
import { createHelia } from 'helia'
import { createLibp2p } from 'libp2p'
import { type LiveCluster, liveEdges, type LiveInit } from '../../workloads/live/cluster.ts'
import { entryPath, entryValue } from '../../workloads/sync/entries.ts'

interface KeyValue {
  readonly address: string
  readonly events: EventEmitter
  readonly peers: ReadonlySet<string>
  put(key: string, value: unknown): Promise<string>
}

interface Entry {
  readonly payload: { readonly value?: { readonly n: number } }
}

async function startNode(directory: string, i: number) {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 1_000 },
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  const blockstore = new LevelBlockstore(join(directory, 'blocks'))
  await blockstore.open()
  const helia = await createHelia({ libp2p, blockstore, blockBrokers: [bitswap()], routers: [] })
  const orbitdb = await createOrbitDB({ ipfs: helia, directory: join(directory, 'orbitdb'), id: `node-${i}` })
  return { libp2p, blockstore, helia, orbitdb }
}

/** A key-value database for each node, blocks and heads in LevelDB, over TCP, Noise and yamux, with gossipsub: as its documentation sets it up. */
export async function start(init: LiveInit): Promise<LiveCluster> {
  const { folder, onVisible } = init
  const nodes: Awaited<ReturnType<typeof startNode>>[] = []
  const databases: KeyValue[] = []
  for (let i = 0; i < init.nodes; i++) nodes.push(await startNode(join(folder, `node-${i}`), i))
  for (const [from, to] of liveEdges(init))
    await nodes[from]?.libp2p.dial(nodes[to]?.libp2p.getMultiaddrs() ?? [])
  for (const [i, { orbitdb }] of nodes.entries()) {
    const [first] = databases
    const database = (
      first === undefined
        ? await orbitdb.open('live', {
            type: 'keyvalue',
            AccessController: IPFSAccessController({ write: ['*'] }),
          })
        : await orbitdb.open(first.address)
    ) as KeyValue
    databases.push(database)
    database.events.on('update', ({ payload }: Entry) => {
      if (payload.value !== undefined) onVisible(i, payload.value.n)
    })
  }
  const edges = liveEdges(init)
  const degreeOf = (i: number) => edges.filter((edge) => edge.includes(i)).length
  while (!databases.every(({ peers }, i) => peers.size >= degreeOf(i)))
    await new Promise((resolve) => void setTimeout(resolve, 20))
  return {
    write: async (node, numbers) => {
      for (const n of numbers) await databases[node]?.put(entryPath(n), entryValue(n))
    },
    stop: async () => {
      for (const { orbitdb, helia, blockstore } of nodes) {
        await orbitdb.stop()
        await helia.stop()
        await blockstore.close()
      }
    },
  }
}
