import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { Space } from '../../../src/node/space/space.ts'
import { entryPath, entryValue } from '../sync/entries.ts'
import { type LiveCluster, type LiveInit, liveEdges } from './cluster.ts'

const MEET_TIMEOUT_MS = 60_000

/** A cluster of Hanse's nodes, and what a benchmark may want to do to them besides. */
export interface HanseCluster extends LiveCluster {
  readonly nodes: readonly HanseNode[]
  readonly spaces: readonly Space[]
}

/**
 * Hanse as a user has it: each node with a data directory, keys and a right of its own, in one open space, over TCP, Noise and yamux. Every
 * operation is signed, synced to disk, checked by each receiver and stored there before it shows.
 */
export async function startHanse(init: LiveInit): Promise<HanseCluster> {
  const { folder, onVisible } = init
  const nodes: HanseNode[] = []
  const spaces: Space[] = []
  const stop = async () => {
    await Promise.all(nodes.map(async (node) => await node.stop()))
  }
  const edges = liveEdges(init)
  for (let i = 0; i < init.nodes; i++) {
    const peers = edges.filter(([from]) => from === i).map(([, to]) => addressOf(nodes[to] as HanseNode))
    const options = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, relay: false, peers }
    const node = await createNode({ ...options, dataDirectory: join(folder, `node-${i}`) })
    nodes.push(node)
    const [first] = spaces
    const space =
      first === undefined
        ? node.createSpace({ name: 'live' })
        : node.join(first.invite({ role: 'writer', addresses: false }))
    spaces.push(space)
    space.addEventListener('change', ({ detail: { touched } }) => {
      for (const { path } of touched) {
        const n = numberAt(path)
        if (n !== null && space.get(path) !== undefined) onVisible(i, n)
      }
    })
  }
  const hasMet = (space: Space, i: number) =>
    space.peers.all().filter(({ isProven }) => isProven).length >=
    edges.filter(([from, to]) => from === i || to === i).length
  const giveUpMs = performance.now() + MEET_TIMEOUT_MS
  while (!spaces.every(hasMet) || new Set(spaces.map((space) => space.status().clockRoot)).size > 1) {
    if (performance.now() > giveUpMs) throw new Error('the nodes have not met')
    await pause(20)
  }
  return {
    nodes,
    spaces,
    stop,
    write: (node, numbers) => {
      spaces[node]?.write(numbers.map((n) => ({ kind: 'put', path: entryPath(n), value: entryValue(n) })))
    },
  }
}

const PREFIX = entryPath(0).replace(/\d+$/, '')

function numberAt(path: string): number | null {
  return path.startsWith(PREFIX) ? Number(path.slice(PREFIX.length)) : null
}

function addressOf(node: HanseNode): string {
  const [address] = node.addresses
  if (address === undefined) throw new Error('bug: a node that listens nowhere')
  return address.includes('/p2p/') ? address : `${address}/p2p/${node.peerId}`
}
