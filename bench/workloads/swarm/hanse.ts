import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createBootstrapNode } from '../../../bootstrap/node.ts'
import { Remote } from '../../../src/demo/rpc.ts'
import { orThrow } from '../../../src/node/fault-error.ts'
import { createNode } from '../../../src/node/node.ts'
import { type Figures, sizeOf, type Sizes } from '../../measure.ts'
import { inFolder } from '../in-folder.ts'
import type { PartInit, PartStatus } from './part-main.ts'

/** Processes the nodes are spread over: two to a core of a small machine. */
const PARTS = 4
/** Bound of the convergence, in ms: a swarm that is not done by then has failed. */
const CONVERGENCE_TIMEOUT_MS = 480_000
/** Left alone before idling is measured, in ms: gossip's own chatter about the last operations lasts for five heartbeats. */
const SETTLE_MS = 10_000

/**
 * A swarm of so many nodes, spread over {@link PARTS} processes, all on this machine. This process has the introduction node and the space's
 * founder. Every other node joins by an invite that names the introduction node only, and is a writer: it publishes its token and writes
 * one item. Done when every node shows the item of every writer.
 */
export async function swarm(sizes: Sizes): Promise<Figures> {
  const nodes = sizeOf(sizes, 'nodes')
  return await inFolder(async (folder) => {
    const introducer = orThrow(
      await createBootstrapNode({
        privateKey: await generateKeyPair('Ed25519'),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        announce: [],
        maxConnections: 512,
        registrationTtlSeconds: 7_200,
        relayReservations: 256,
        relayDurationSeconds: 3_600,
        relayDataBytes: 256 * 1024 * 1024,
      }),
    )
    const bootstrap = introducer.addresses()
    const founder = await createNode({
      dataDirectory: join(folder, 'founder'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap,
    })
    const space = founder.createSpace({ name: 'swarm' })
    const link = space.invite({ role: 'writer', addresses: false })
    const converged = new Convergence(nodes)
    const starts = Array.from({ length: PARTS }, (_, part) => Math.floor((part * nodes) / PARTS))
    const parts = await Promise.all(starts.map(async (_, part) => await startPart(part, converged)))
    try {
      const beganMs = performance.now()
      const began = starts.map(async (first, part) => {
        const count = (starts[part + 1] ?? nodes) - first
        const init: PartInit = { folder, first, count, link, bootstrap, writers: nodes }
        await parts[part]?.call('start', init, CONVERGENCE_TIMEOUT_MS)
      })
      await Promise.all(began)
      const startedSeconds = (performance.now() - beganMs) / 1000
      await converged.within(CONVERGENCE_TIMEOUT_MS, async () => JSON.stringify(await statusOf(parts)))
      const convergedSeconds = (performance.now() - beganMs) / 1000
      await pause(SETTLE_MS)
      const idleSeconds = sizeOf(sizes, 'idleSeconds')
      const before = await statusOf(parts)
      await pause(idleSeconds * 1000)
      const after = await statusOf(parts)
      const cpu = (statuses: readonly PartStatus[]) => sum(statuses.map(({ cpuSeconds }) => cpuSeconds))
      const connections = after.flatMap((status) => status.connections)
      return {
        convergedSeconds,
        startedSeconds,
        swarmCpuSeconds: cpu(before),
        idlePercentOfACore: (100 * (cpu(after) - cpu(before))) / idleSeconds,
        mbPerNode: sum(after.map(({ rssMb }) => rssMb)) / nodes,
        connectionsPerNode: sum(connections) / nodes,
        connectionsMost: Math.max(...connections),
      }
    } finally {
      await Promise.all(parts.map(async (part) => await end(part)))
      await founder.stop()
      await introducer.stop()
    }
  })
}

/** Resolves when so many nodes have said that they have converged. */
class Convergence {
  readonly #done = Promise.withResolvers<void>()
  #missing: number

  constructor(nodes: number) {
    this.#missing = nodes
  }

  note(): void {
    this.#missing--
    if (this.#missing === 0) this.#done.resolve()
  }

  async within(timeoutMs: number, describe: () => Promise<string>): Promise<void> {
    const isDone = await Promise.race([
      this.#done.promise.then(() => true),
      pause(timeoutMs, false, { ref: false }),
    ])
    if (!isDone) throw new Error(`${this.#missing} nodes have not converged: ${await describe()}`)
  }
}

async function startPart(part: number, converged: Convergence): Promise<Remote> {
  const child = fork(fileURLToPath(new URL('part-main.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const remote = new Remote(child, `part ${part}`, (name) => {
    if (name === 'converged') converged.note()
  })
  await remote.ready
  return remote
}

async function statusOf(parts: readonly Remote[]): Promise<readonly PartStatus[]> {
  return await Promise.all(parts.map(async (part) => await part.call<PartStatus>('status')))
}

async function end(part: Remote): Promise<void> {
  await part.call('stop', null, 20_000).catch(() => part.kill())
  await part.ended
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
