import { writeFileSync } from 'node:fs'
import { toHex } from '../core/bytes.ts'
import { isAtOrBelow } from '../core/path.ts'
import { keepHeapLean } from '../node/lean-heap.ts'
import type { HanseNode } from '../node/node.ts'
import type { GrantOptions } from '../node/space/authority.ts'
import type { Space } from '../node/space/space.ts'
import { readExpected, readHistory } from '../node/exchange/history-file.ts'
import { didOf, signerOf } from './people.ts'
import { Replay } from './replay.ts'
import { MALLORY_PATH, type NodeReport, type NodeSetup } from './report.ts'
import { emit, serve } from './rpc.ts'

/** One federation node of the demo, as a process of its own: started, watched and, once, killed by src/demo/main.ts. */

/** How often progress is told, in ms. */
const TICK_MS = 100

keepHeapLean()
const { createNode } = await import('../node/node.ts')
let setup: NodeSetup
let node: HanseNode
let space: Space
let replay: Replay | null = null
let ticking: NodeJS.Timeout | undefined
const log: string[] = []
/** Bytes of sync links, both directions, by peer. */
const traffic = new Map<string, number>()

serve({
  async start(
    given: NodeSetup,
  ): Promise<{ readonly addresses: readonly string[]; readonly peerId: string | null }> {
    setup = given
    node = await createNode({
      dataDirectory: setup.dataDirectory,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: setup.bootstrap,
      antiEntropyIntervalMs: 2_000,
      discoveryIntervalMs: 2_000,
      log: (line) => log.push(`${new Date().toISOString()} ${line}`),
    })
    const [present] = node.spaces()
    if (present !== undefined) watch(present)
    return { addresses: node.addresses, peerId: node.peerId }
  },

  /** The owner's node: makes the space and grants every person of the history the right to write. */
  found(history: string): string {
    const { commits, people } = readHistory(history)
    const timeMs = commits[0]?.timeMs ?? 0
    watch(node.createSpace({ name: 'demo', timeMs }))
    const grants = Array.from(
      { length: people },
      (_, person): GrantOptions => ({ to: didOf(person), role: 'writer' }),
    )
    space.grantAll(grants, timeMs)
    return space.id
  },

  /** A link without addresses: who joins with it finds the others through the introduction node. */
  invite({ role, path }: { readonly role: 'reader' | 'writer'; readonly path: string }): string {
    return space.invite({ role, path, addresses: false })
  },

  join(link: string): void {
    watch(node.join(link))
  },

  replay(): void {
    replay = new Replay(space, readHistory(setup.history), setup.index, setup.nodes)
    replay.start()
  },

  /** Which of these operations are not in the store. */
  missing(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => space.hosted.store.find(new Uint8Array(Buffer.from(id, 'hex'))) === undefined)
  },

  /** Revokes all that forked authors hold, and the effect of everything they did under it. */
  expel(): void {
    for (const target of space.status().forkedAuthors) space.revoke({ target, purge: true })
  },

  /** How many values show at or below a path. */
  effectsBelow(path: string): number {
    return [...space.list(path)].length
  },

  roots(): { readonly clockRoot: string; readonly stateRoot: string; readonly operations: number } {
    const { clockRoot, stateRoot, operations } = space.status()
    return { clockRoot, stateRoot, operations }
  },

  /** Where this node stands, in words: what the demo shows when something that must happen does not. */
  describe(): string {
    const { clockRoot, stateRoot, operations, held, refused, absentBodies, peers } = space.status()
    const links = peers.map(({ peer, connected, inSync, weLack, theyLack, lastFault }) =>
      [
        peer.slice(-6),
        connected ? 'connected' : 'gone',
        inSync ? 'in sync' : `lacks ${weLack}/${theyLack}`,
        lastFault ?? '',
      ].join(' '),
    )
    return [
      `${setup.name}: clock ${clockRoot.slice(0, 12)} state ${stateRoot.slice(0, 12)}, ${operations} operations, ${absentBodies} absent`,
      `held ${JSON.stringify(held)} refused ${JSON.stringify(refused)}`,
      ...links,
      ...log.slice(-5),
    ].join('\n    ')
  },

  report(): NodeReport {
    const status = space.status()
    const expected = readExpected(setup.expected)
    return {
      name: setup.name,
      clockRoot: status.clockRoot,
      stateRoot: status.stateRoot,
      operations: status.operations,
      refused: status.refused,
      held: status.held,
      forkedAuthors: status.forkedAuthors,
      matchesExpected: matches(expected),
      foreignEffects: foreignEffects(),
      absentBodies: status.absentBodies,
      linkBytes: [...traffic.values()].reduce((sum, bytes) => sum + bytes, 0),
      peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    }
  },

  async stop(): Promise<void> {
    clearInterval(ticking)
    if (setup.logFile !== null) writeFileSync(setup.logFile, `${log.join('\n')}\n`)
    await node.stop()
    setImmediate(() => process.exit(0))
  },
})

function watch(opened: Space): void {
  space = opened
  let admitted: string[] = []
  space.addEventListener('change', ({ detail }) => {
    // Told only here, after the transaction: what the demo has heard of is what this node has acknowledged.
    for (const entry of detail.entries) admitted.push(toHex(entry.id))
  })
  space.addEventListener('sync', ({ detail }) => {
    traffic.set(detail.peer, detail.traffic.bytesReceived + detail.traffic.bytesSent)
    if (detail.report.inSync) emit('inSync', { operations: detail.report.mine.operations })
  })
  const tick = () => {
    if (admitted.length > 0) emit('admitted', admitted)
    admitted = []
    const peers = space.peers.all().filter(({ isProven }) => isProven).length
    emit('tick', {
      arrived: replay?.arrived ?? 0,
      operations: space.hosted.store.count(),
      peers,
      refused: Object.fromEntries(space.hosted.store.refusalCounts()),
      forks: space.hosted.store.forks().length,
    })
  }
  ticking = setInterval(tick, TICK_MS)
}

/** Whether the registers outside mallory's path are exactly the recorded end state. */
function matches(expected: ReadonlyMap<string, string>): boolean {
  let found = 0
  for (const { path, value } of space.list()) {
    if (isAtOrBelow(path, MALLORY_PATH)) continue
    if (expected.get(path) !== value) return false
    found++
  }
  return found === expected.size
}

/** Values outside mallory's path that were written by nobody of the history. */
function foreignEffects(): number {
  const { people } = readHistory(setup.history)
  const known = new Set(Array.from({ length: people }, (_, person) => toHex(signerOf(person).publicKey)))
  const { store } = space.hosted
  let foreign = 0
  for (const row of store.cells({ prefix: '', limit: Number.MAX_SAFE_INTEGER })) {
    const writer = store.find(row.cell.id)
    if (writer !== undefined && known.has(toHex(writer.author))) continue
    if (!isAtOrBelow(row.key.path, MALLORY_PATH)) foreign++
  }
  return foreign
}
