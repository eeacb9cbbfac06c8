import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createNode, type HanseNode } from '../../../src/node/node.ts'
import type { ItemEdit } from '../../../src/node/space/item-edit.ts'
import type { Space } from '../../../src/node/space/space.ts'

/** Longest wait for nodes to meet, and for what was written to arrive everywhere, in ms. */
const WAIT_MS = 60_000
/** How often it is looked what has not arrived everywhere, in ms. */
const SAMPLE_MS = 50
/** What counts as sustained: at most so much of the rate is written late, and so many seconds of it are on the way at the end. */
const LATE_MAX = 0.03
const BACKLOG_SECONDS_MAX = 0.5

/** How the nodes are connected. */
export interface LiveMesh {
  readonly nodes: readonly HanseNode[]
  readonly spaces: readonly Space[]
  stop(): Promise<void>
}

/** What is written. */
export interface LiveLoad {
  /** Operations a second, of all nodes together, each node in its turn. */
  readonly rate: number
  readonly seconds: number
  /** Changes in one operation, each a JSON value of about 150 bytes at a path of its own. */
  readonly changes: number
  /** Nodes that do not write and are not waited for: those that a hostile peer has to itself. */
  readonly apart?: readonly number[]
}

/** What became of it. */
export interface LiveFigures {
  /** From before the call that writes until the last of the other nodes reads it. */
  readonly medianMs: number
  readonly p99Ms: number
  readonly operations: number
  /** Operations that the writer was too busy to begin in time. */
  readonly late: number
  /** Operations written and not yet read everywhere: in the middle of the run, and at its end. */
  readonly backlogMiddle: number
  readonly backlogEnd: number
  /** CPU of the process for one operation, in microseconds. */
  readonly cpuUsPerOperation: number
  readonly isSustained: boolean
}

/**
 * Nodes in this process with one open space, each with a data directory of its own below `folder`, over TCP on loopback (Noise and
 * yamux); every two connected, or each with `degree` others at random.
 */
export async function startLiveMesh(folder: string, count: number, degree = count - 1): Promise<LiveMesh> {
  const nodes: HanseNode[] = []
  const spaces: Space[] = []
  const stop = async () => {
    await Promise.all(nodes.map(async (node) => await node.stop()))
  }
  try {
    for (let i = 0; i < count; i++) {
      const peers = neighboursOf(i, degree, count).map((j) => addressOf(nodes[j] as HanseNode))
      const options = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, relay: false, peers }
      const node = await createNode({ ...options, dataDirectory: join(folder, `node-${i}`) })
      nodes.push(node)
      const [first] = spaces
      spaces.push(
        first === undefined
          ? node.createSpace({ name: 'live' })
          : node.join(first.invite({ role: 'writer' })),
      )
    }
    const hasMet = (space: Space, i: number) => {
      const { authors, peers } = space.status()
      // The space's key and every guest have written: what a guest joined with is published before it may write.
      return (
        authors >= count &&
        peers.filter(({ connected }) => connected).length >= neighboursOf(i, degree, count).length
      )
    }
    const roots = () => new Set(spaces.map((space) => space.status().clockRoot))
    await until(() => spaces.every(hasMet) && roots().size === 1, 'the nodes have met')
    return { nodes, spaces, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Writes at an even rate and waits until everything is read everywhere, or WAIT_MS are over. */
export async function runLive({ spaces }: LiveMesh, load: LiveLoad): Promise<LiveFigures> {
  const { rate, seconds, changes, apart = [] } = load
  const active = spaces.filter((_, i) => !apart.includes(i))
  const watch = watchArrivals(active)
  const total = Math.round(rate * seconds)
  const run = randomBytes(6).toString('hex')
  const backlogs: number[] = []
  const sampling = setInterval(() => backlogs.push(watch.pending()), SAMPLE_MS)
  const cpu = process.cpuUsage()
  const start = performance.now()
  let written = 0
  while (performance.now() - start < seconds * 1000) {
    const due = Math.min(total, Math.floor(((performance.now() - start) / 1000) * rate))
    // All that is due, as nodes in processes of their own would; then those that read, in this process too, have their turn.
    for (; written < due; written++) {
      const paths = pathsOf(run, written, changes)
      const writer = active[written % active.length] as Space
      watch.expect(paths.at(-1) as string, writer)
      writer.write(paths.map(editOf))
    }
    await pause(1)
  }
  const backlogEnd = watch.pending()
  const waitedUntil = performance.now() + WAIT_MS
  while (watch.pending() > 0 && performance.now() < waitedUntil) await pause(5)
  clearInterval(sampling)
  const { user, system } = process.cpuUsage(cpu)
  const latencies = watch.stop().toSorted((a, b) => a - b)
  const isOnTime = written >= total * (1 - LATE_MAX) - 1
  const isSustained =
    isOnTime && latencies.length === written && backlogEnd <= Math.max(2, rate * BACKLOG_SECONDS_MAX)
  return {
    medianMs: latencies[Math.floor(latencies.length / 2)] ?? Number.NaN,
    p99Ms: latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Number.NaN,
    operations: written,
    late: total - written,
    backlogMiddle: backlogs[Math.floor(((seconds * 1000) / SAMPLE_MS) * 0.5)] ?? 0,
    backlogEnd,
    cpuUsPerOperation: (user + system) / Math.max(1, written),
    isSustained,
  }
}

/** The highest rate sustained, in operations a second: doubled from `from` until it is not, then halved in between twice. */
export async function sustainedRate(mesh: LiveMesh, load: LiveLoad): Promise<LiveFigures & { rate: number }> {
  let best: (LiveFigures & { rate: number }) | null = null
  let step = load.rate
  let rate = load.rate
  for (let refined = 0; refined < 3; ) {
    const figures = await runLive(mesh, { ...load, rate })
    if (figures.isSustained) best = { ...figures, rate }
    else if (best === null) return { ...figures, rate: 0 }
    if (figures.isSustained && refined === 0) step = rate
    else {
      step /= 2
      refined++
    }
    rate = (best?.rate ?? 0) + step
  }
  if (best === null) throw new Error('bug: a rate was searched and none tried')
  return best
}

/** Notes for each path when the last of the other nodes can read it. */
function watchArrivals(spaces: readonly Space[]) {
  const pending = new Map<string, { readonly sinceMs: number; readonly missing: Set<Space> }>()
  const latencies: number[] = []
  const stops = spaces.map((space) => {
    const look = ({
      detail,
    }: {
      readonly detail: { readonly touched: readonly { readonly path: string }[] }
    }) => {
      for (const { path } of detail.touched) {
        const awaited = pending.get(path)
        if (awaited === undefined || !awaited.missing.has(space) || space.get(path) === undefined) continue
        awaited.missing.delete(space)
        if (awaited.missing.size > 0) continue
        latencies.push(performance.now() - awaited.sinceMs)
        pending.delete(path)
      }
    }
    space.addEventListener('change', look)
    return () => space.removeEventListener('change', look)
  })
  return {
    pending: () => pending.size,
    expect: (path: string, writer: Space) => {
      const missing = new Set(spaces.filter((space) => space !== writer))
      pending.set(path, { sinceMs: performance.now(), missing })
    },
    stop: (): readonly number[] => {
      for (const stop of stops) stop()
      return latencies
    },
  }
}

const pathsOf = (run: string, operation: number, changes: number): readonly string[] =>
  Array.from({ length: changes }, (_, i) => `live/${run}/${operation}/${i}`)

/** A change of about 150 bytes as JSON. */
function editOf(path: string): ItemEdit {
  const value = { kind: 'note', title: path, text: 'x'.repeat(90), done: false }
  return { kind: 'put', path, value }
}

/** Earlier nodes that a node dials: the one before it, so that the graph hangs together, and others at random but always the same. */
function neighboursOf(i: number, degree: number, count: number): readonly number[] {
  if (i === 0) return []
  if (degree >= count - 1) return Array.from({ length: i }, (_, j) => j)
  const chosen = new Set([i - 1])
  for (let k = 1; chosen.size < Math.min(i, Math.ceil(degree / 2)); k++)
    chosen.add((i * 7_919 + k * 104_729) % i)
  return [...chosen]
}

function addressOf(node: HanseNode): string {
  const [address] = node.addresses
  if (address === undefined) throw new Error('bug: a node that listens nowhere')
  return address.includes('/p2p/') ? address : `${address}/p2p/${node.peerId}`
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const limit = performance.now() + WAIT_MS
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`not within ${WAIT_MS} ms: ${what}`)
    await pause(20)
  }
}
