import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { GossipSub } from '@libp2p/gossipsub'
import { multiaddr } from '@multiformats/multiaddr'
import { createNode, type HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import type { Costs } from './costs.ts'
import { countWireBytes, until } from './measuring.ts'
import { runModel } from './model.ts'
import type { Topology } from './topology.ts'

/** One small space, run by real nodes in this process over TCP, and by the model over the same connections and meshes. */
export interface ValidationInit {
  readonly nodes: number
  readonly degree: number
  readonly operations: number
  readonly perSecond: number
  /** Where the nodes' data goes while it lasts. */
  readonly inMemory: boolean
}

/** A figure as it was, and as the model has it. */
export interface Compared {
  readonly real: number
  readonly model: number
  /** How far the model is off, as a part of what was. */
  readonly error: number
}

export interface Validation {
  /** Gossip messages with operations that a node received, for each operation. */
  readonly messagesPerOperation: Compared
  /** On all sockets, without what goes over idle connections, for each operation and node. */
  readonly bytesPerOperation: Compared
  /** CPU of all nodes, without what idling takes, ms for each operation and node. */
  readonly cpuMsPerOperation: Compared
}

/** Over loopback, in ms. */
const LATENCY_MS = [0.2, 0.4] as const
const IDLE_MS = 3_000

/** Runs both. Takes the time of the writes and some ten seconds. */
export async function validate(init: ValidationInit, costs: Costs): Promise<Validation> {
  const folder = mkdtempSync(join(tmpdir(), 'hanse-scale-'))
  const wire = countWireBytes()
  const nodes: HanseNode[] = []
  try {
    for (let i = 0; i < init.nodes; i++) nodes.push(await start(init, folder, i))
    const [founder, ...others] = nodes
    if (founder === undefined) throw new Error('no nodes to validate with')
    const space = founder.createSpace({ name: 'validation' })
    const spaces = [
      space,
      ...others.map((node) => node.join(space.invite({ role: 'writer', addresses: false }))),
    ]
    await connect(nodes, init.degree)
    await until(() => spaces.every((one) => isReady(one, spaces)), 'all have joined')
    await until(() => nodes.every((node) => meshOf(node).size > 0), 'meshes are formed')
    await pause(IDLE_MS)
    const idle = await during(wire, async () => await pause(IDLE_MS))
    const topology = topologyOf(nodes)
    const counted = nodes.map(countMessages)
    const target = space.hosted.store.count() + init.operations
    const writing = await during(wire, async () => {
      for (let i = 0; i < init.operations; i++) {
        spaces[i % spaces.length]?.put(`notes/${i}`, {
          text: `a note of some fifty characters, number ${i}`,
          done: false,
        })
        await pause(1_000 / init.perSecond)
      }
      await until(() => spaces.every(({ hosted }) => hosted.store.count() === target), 'all have everything')
      // Offers go on for two rounds.
      await pause(2_500)
    })
    const each = init.operations * init.nodes
    const idled = writing.ms / IDLE_MS
    const modelled = model(init, costs, topology)
    return {
      messagesPerOperation: compare(
        counted.reduce((sum, count) => sum + count(), 0) / each,
        modelled.messagesPerOperation,
      ),
      bytesPerOperation: compare(
        (writing.bytes - idle.bytes * idled) / each,
        modelled.gossipBytesPerOperation,
      ),
      cpuMsPerOperation: compare((writing.cpuMs - idle.cpuMs * idled) / each, modelled.cpuMsPerOperation),
    }
  } finally {
    await Promise.all(nodes.map(async (node) => await node.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
}

function model({ nodes, degree, operations, perSecond }: ValidationInit, costs: Costs, topology: Topology) {
  const config = { seed: 1, nodes, degree, writers: nodes, perSecond, seconds: operations / perSecond }
  const quiet = {
    liars: 0,
    churnPerHour: 0,
    awaySeconds: 0,
    joiners: 0,
    history: 0,
    antiEntropySeconds: 3_600,
  }
  const result = runModel(
    { ...config, ...quiet, latencyMs: LATENCY_MS, uplinkBits: 1e9, cores: 1 },
    costs,
    topology,
  )
  const cpuSeconds = result.cpu * (config.seconds + 2 * quiet.antiEntropySeconds + 5)
  return { ...result, cpuMsPerOperation: (cpuSeconds * 1_000) / operations }
}

async function start({ inMemory }: ValidationInit, folder: string, index: number): Promise<HanseNode> {
  return await createNode({
    ...(inMemory ? {} : { dataDirectory: join(folder, String(index)) }),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    dht: false,
    relay: false,
    antiEntropyIntervalMs: 3_600_000,
    discoveryIntervalMs: 3_600_000,
  })
}

/** A ring with chords: each is connected to `degree` others, half of them ahead. */
async function connect(nodes: readonly HanseNode[], degree: number): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    for (let step = 1; step <= degree / 2; step++) {
      const other = nodes[(i + step * step) % nodes.length]
      if (other !== undefined && other !== node)
        await node.network?.reach(multiaddr(other.addresses[0] ?? ''), AbortSignal.timeout(10_000))
    }
  }
}

/** Everybody's token is there, with everybody. */
function isReady(space: Space, spaces: readonly Space[]): boolean {
  const [first] = spaces
  return (
    space.hosted.store.count() === spaces.length && space.status().clockRoot === first?.status().clockRoot
  )
}

function topologyOf(nodes: readonly HanseNode[]): Topology {
  const numbers = new Map(nodes.map((node, i) => [node.peerId, i]))
  const known = (names: Iterable<string>) =>
    new Set([...names].flatMap((name) => (numbers.has(name) ? [numbers.get(name) as number] : [])))
  return {
    peers: nodes.map((node) => known((node.network?.connectedPeers() ?? []).map(({ peer }) => peer))),
    mesh: nodes.map((node) => known(meshOf(node))),
  }
}

/** Parts of gossipsub that its type does not show (17.1). */
interface GossipInternals {
  getMeshPeers(topic: string): readonly string[]
  handleReceivedRpc(
    from: unknown,
    frame: { readonly messages: readonly { readonly data?: Uint8Array }[] },
  ): Promise<void>
}

function meshOf(node: HanseNode): ReadonlySet<string> {
  const pubsub = node.network?.libp2p.services.pubsub as (GossipSub & GossipInternals) | undefined
  const [topic] = pubsub?.getTopics() ?? []
  return new Set(topic === undefined ? [] : pubsub?.getMeshPeers(topic))
}

/** First byte of an offer: a CBOR list of one. */
const LIST_OF_ONE = 0x81

function countMessages(node: HanseNode): () => number {
  const pubsub = node.network?.libp2p.services.pubsub as unknown as GossipInternals
  const handle = pubsub.handleReceivedRpc.bind(pubsub)
  let count = 0
  pubsub.handleReceivedRpc = async (from, frame) => {
    count += frame.messages.filter(({ data }) => data?.[0] !== LIST_OF_ONE).length
    await handle(from, frame)
  }
  return () => count
}

async function during(wire: () => number, work: () => Promise<void>) {
  const before = { bytes: wire(), cpu: process.cpuUsage(), ms: performance.now() }
  await work()
  const { user, system } = process.cpuUsage(before.cpu)
  return { bytes: wire() - before.bytes, cpuMs: (user + system) / 1_000, ms: performance.now() - before.ms }
}

function compare(real: number, modelled: number): Compared {
  return { real, model: modelled, error: (modelled - real) / real }
}
