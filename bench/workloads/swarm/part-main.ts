import { join } from 'node:path'
import { emit, serve } from '../../../src/demo/rpc.ts'
import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { Space } from '../../../src/node/space/space.ts'

/**
 * Some of the swarm's nodes, in a process of their own. Each has a data directory, keys, a listener and connections as if it were alone,
 * with the options a user would have: they know nothing of each other but what the introduction node says.
 */

export interface PartInit {
  readonly folder: string
  /** Numbers of the nodes of this part in the swarm: from, and how many. */
  readonly first: number
  readonly count: number
  /** An invite by which every node joins as a writer, without addresses of peers. */
  readonly link: string
  readonly bootstrap: readonly string[]
  /** How many writers there are in the swarm: a node has converged when it shows a write of each. */
  readonly writers: number
}

/** What a part says of itself at some moment. */
export interface PartStatus {
  /** Since the process began. */
  readonly cpuSeconds: number
  readonly rssMb: number
  /** By node. */
  readonly connections: readonly number[]
  /** By node: how many of the writers it shows. */
  readonly shown: readonly number[]
}

const PREFIX = 'writers/'
const nodes: HanseNode[] = []
const shown: ReadonlySet<string>[] = []

serve({
  /** Starts the nodes, one after the other; each writes as soon as it may. Emits `converged` once for each node. */
  async start({ folder, first, count, link, bootstrap, writers }: PartInit): Promise<void> {
    for (let i = first; i < first + count; i++) {
      const isLogged = process.env['HANSE_BENCH_LOG'] !== undefined
      const node = await createNode({
        dataDirectory: join(folder, String(i)),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        bootstrap,
        ...(isLogged ? { log: (message: string) => process.stderr.write(`${i}: ${message}\n`) } : {}),
      })
      nodes.push(node)
      shown.push(follow(node.join(link), i, writers))
    }
  },

  status(): PartStatus {
    const { user, system } = process.cpuUsage()
    return {
      cpuSeconds: (user + system) / 1_000_000,
      rssMb: process.memoryUsage.rss() / 1024 / 1024,
      connections: nodes.map(({ network }) => network?.libp2p.getConnections().length ?? 0),
      shown: shown.map(({ size }) => size),
    }
  },

  async stop(): Promise<void> {
    await Promise.all(nodes.map(async (node) => await node.stop()))
    setImmediate(() => process.exit(0))
  },
})

/** Writes once, when the node's own right is published. Gives the writers that the space shows. */
function follow(space: Space, writer: number, writers: number): ReadonlySet<string> {
  const seen = new Set<string>()
  let hasWritten = false
  space.addEventListener('change', ({ detail: { touched } }) => {
    const before = seen.size
    for (const { path } of touched) if (path.startsWith(PREFIX)) seen.add(path)
    if (before < writers && seen.size === writers) emit('converged', writer)
    if (hasWritten || !isAllowed(space)) return
    hasWritten = true
    // Not while the listeners are still being told of another operation.
    setImmediate(() => space.put(`${PREFIX}${writer}`, { writer, text: 'x'.repeat(80) }))
  })
  return seen
}

/** True once the token that this node joined with is published, so that its writes are admitted everywhere. */
function isAllowed({ hosted }: Space): boolean {
  const pending = hosted.pendingTokens()
  return pending.length > 0 && pending.every(({ digest }) => hosted.store.token(digest) !== undefined)
}
