import { DASHBOARD_CONFLICTS_COUNTED_MAX, DASHBOARD_SPACES_MAX } from '../../core/limits.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Space } from '../../node/space/space.ts'
import type { SpaceStatus } from '../../node/space/status.ts'

/** The node at a glance: all that the page shows without being asked for more. */
export interface Overview {
  readonly nowMs: number
  readonly startedMs: number
  readonly version: string
  readonly did: string
  readonly peerId: string
  readonly online: boolean
  readonly addresses: readonly string[]
  /** The spaces in which something has happened last, at most DASHBOARD_SPACES_MAX; then how many more there are. */
  readonly spaces: readonly SpaceSummary[]
  readonly spacesMore: number
  /** Spaces whose files cannot be read, and why. */
  readonly unreadable: readonly { readonly code: string; readonly detail: string }[]
  readonly peers: readonly ConnectedPeer[]
  /** Names of keys that this node can put a name to, by `did:key`. */
  readonly names: Readonly<Record<string, string>>
}

/** A space at a glance. */
export interface SpaceSummary extends SpaceStatus {
  /** Changes whenever something of the space may have. */
  readonly revision: number
  /** Open conflicts, at most DASHBOARD_CONFLICTS_COUNTED_MAX. */
  readonly conflicts: number
  readonly hasMoreConflicts: boolean
}

/** A peer connected now, whether or not it shares a space. */
export interface ConnectedPeer {
  readonly peer: string
  readonly addresses: readonly string[]
  /** True where every connection with it goes through somebody else. */
  readonly relayed: boolean
  /** `outbound` where this node has dialled it. */
  readonly direction: 'inbound' | 'outbound'
  /** Milliseconds; null where it has not been measured. */
  readonly roundTripMs: number | null
}

/** How long the description of a space stands in which nothing happens, in ms. */
const QUIET_SUMMARY_MS = 4_000

/** Makes overviews; remembers per space what is dear to find out. */
export class OverviewReader {
  readonly #node: HanseNode
  readonly #version: string
  readonly #startedMs: number
  readonly #summaries = new WeakMap<Space, { readonly atMs: number; readonly summary: SpaceSummary }>()

  constructor(node: HanseNode, version: string) {
    this.#node = node
    this.#version = version
    this.#startedMs = node.now()
  }

  /** `revisionOf`: of a space by its id. */
  read(revisionOf: (space: string) => number): Overview {
    const node = this.#node
    const latest = node.spaces().toSorted((a, b) => lastMs(b) - lastMs(a))
    const shown = latest.slice(0, DASHBOARD_SPACES_MAX)
    const names = Object.fromEntries([
      ...shown.map(({ did, name }) => [did, `space ${name}`] as const),
      ...node.agents.list().map(({ did, name }) => [did, name] as const),
      [node.did, 'this node'] as const,
    ])
    return {
      nowMs: node.now(),
      startedMs: this.#startedMs,
      version: this.#version,
      did: node.did,
      peerId: node.peerId,
      online: node.network !== null,
      addresses: node.addresses,
      spaces: shown.map((space) => this.#summary(space, revisionOf(space.id))),
      spacesMore: latest.length - shown.length,
      unreadable: node.unreadableSpaces.map(({ code, detail }) => ({ code, detail })),
      peers: connectedPeers(node),
      names,
    }
  }

  /** A space in which nothing has happened is described again now and then: peers go without a word. */
  #summary(space: Space, revision: number): SpaceSummary {
    const known = this.#summaries.get(space)
    const nowMs = performance.now()
    if (known?.summary.revision === revision && nowMs - known.atMs < QUIET_SUMMARY_MS) return known.summary
    const conflicts =
      known?.summary.revision === revision ? conflictsOf(known.summary) : countConflicts(space)
    const summary = { ...space.status(), revision, ...conflicts }
    this.#summaries.set(space, { atMs: nowMs, summary })
    return summary
  }
}

const conflictsOf = ({ conflicts, hasMoreConflicts }: SpaceSummary) => ({ conflicts, hasMoreConflicts })

/** Round trips to the connected peers, where they have been measured, in ms. */
export function roundTripsMs(node: HanseNode): readonly number[] {
  return connectedPeers(node).flatMap(({ roundTripMs }) => roundTripMs ?? [])
}

function countConflicts(space: Space) {
  const { conflicts, next } = space.conflicts.list('', { limit: DASHBOARD_CONFLICTS_COUNTED_MAX })
  return { conflicts: conflicts.length, hasMoreConflicts: next !== null }
}

function connectedPeers(node: HanseNode): readonly ConnectedPeer[] {
  const { network } = node
  if (network === null) return []
  return network.libp2p.getPeers().flatMap((peer) => {
    const connections = network.libp2p.getConnections(peer)
    const [first] = connections
    if (first === undefined) return []
    const addresses = connections.map(({ remoteAddr }) => remoteAddr.toString())
    const trips = connections.flatMap(({ rtt }) => rtt ?? [])
    return {
      peer: peer.toString(),
      addresses,
      relayed: addresses.every((address) => address.includes('/p2p-circuit')),
      direction: first.direction,
      roundTripMs: trips.length === 0 ? null : Math.min(...trips),
    }
  })
}

function lastMs({ hosted: { store } }: Space): number {
  return store.count() === 0 ? 0 : store.at(store.count() - 1).time
}
