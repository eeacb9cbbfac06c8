import { setTimeout as wait } from 'node:timers/promises'
import type { HanseNode } from '../../node/node.ts'

/** Spaces and peers of one sample; what is more is counted. */
const SPACES_MAX = 64
const PEERS_MAX = 64

/** What a running node looks like at one moment. */
export interface TopSample {
  readonly atMs: number
  readonly version: string
  readonly pid: number
  readonly did: string
  readonly upMs: number
  /** Null where HTTP is not served. */
  readonly http: string | null
  /** Resident memory and heap in use, in bytes. */
  readonly residentBytes: number
  readonly heapBytes: number
  /** Processor time since the process began, in ms, of all threads. */
  readonly cpuMs: number
  readonly connectedPeers: number
  readonly spaceCount: number
  /** The first SPACES_MAX. */
  readonly spaces: readonly TopSpace[]
  readonly peerCount: number
  /** The first PEERS_MAX: connected ones before those that are only known. */
  readonly peers: readonly TopPeer[]
}

export interface TopSpace {
  readonly id: string
  readonly name: string
  readonly operations: number
  /** Waiting, and refused so far. */
  readonly held: number
  readonly refused: number
  /** Bodies that are not here although this node may read them. */
  readonly absentBodies: number
  /** Connected peers of the space, and those of them in sync by a proof of what is here now. */
  readonly connected: number
  readonly inSync: number
}

export interface TopPeer {
  readonly peer: string
  readonly space: string
  readonly connected: boolean
  readonly inSync: boolean
  /** When the last proof was made, ms since 1970; null without one. */
  readonly provedAtMs: number | null
  readonly weLack: number
  readonly theyLack: number
  readonly refused: number
  readonly lastFault: string | null
}

/** Looks at a node. Cost: its status. */
export function takeSample(
  node: HanseNode,
  { version, http }: { readonly version: string; readonly http: string | null },
): TopSample {
  const all = node.spaces()
  const statuses = all.slice(0, SPACES_MAX).map((space) => space.status())
  const peers = statuses.flatMap(({ name, peers: met }) =>
    met.map(({ peer, connected, inSync, provedAtMs, weLack, theyLack, refused, lastFault }) => ({
      peer,
      space: name,
      connected,
      inSync,
      provedAtMs,
      weLack,
      theyLack,
      refused: sum(refused),
      lastFault,
    })),
  )
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    atMs: node.now(),
    version,
    pid: process.pid,
    did: node.did,
    upMs: Math.round(process.uptime() * 1_000),
    http,
    residentBytes: rss,
    heapBytes: heapUsed,
    cpuMs: Math.round((user + system) / 1_000),
    connectedPeers: node.network?.connectedPeers().length ?? 0,
    spaceCount: all.length,
    spaces: statuses.map((status) => ({
      id: status.id,
      name: status.name,
      operations: status.operations,
      held: sum(status.held),
      refused: sum(status.refused),
      absentBodies: status.absentBodies,
      connected: status.peers.filter(({ connected }) => connected).length,
      inSync: status.peers.filter(({ connected, inSync }) => connected && inSync).length,
    })),
    peerCount: peers.length,
    peers: peers.toSorted((a, b) => Number(b.connected) - Number(a.connected)).slice(0, PEERS_MAX),
  }
}

/** One sample at once, then one every `everyMs`, until the signal aborts; at most `count`, 0 for no end. */
export async function emitSamples(
  take: () => TopSample,
  { everyMs, count }: { readonly everyMs: number; readonly count: number },
  { emit, signal }: { readonly emit: (sample: TopSample) => Promise<void>; readonly signal: AbortSignal },
): Promise<void> {
  for (let taken = 1; !signal.aborted; taken++) {
    await emit(take())
    if (taken === count) return
    await wait(everyMs, undefined, { signal }).catch(() => {})
  }
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)
