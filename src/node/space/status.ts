import { toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import type { PeerBook, PeerState } from '../peer-book.ts'
import type { HostedSpace } from './hosted-space.ts'

/** One peer's place in the status of a space. */
export interface PeerStatus {
  readonly peer: string
  /** Connected and past the handshake. */
  readonly connected: boolean
  /**
   * True while the last proof of equality (DESIGN §7) is of the state this node has now. False says nothing is proved, not that
   * something is missing.
   */
  readonly inSync: boolean
  /** When that proof, or the last one there was, was made: ms since 1970; null without one. */
  readonly provedAtMs: number | null
  /** Operations either side lacked when the last run ended. */
  readonly weLack: number
  readonly theyLack: number
  readonly refused: Readonly<Record<string, number>>
  readonly lastFault: string | null
}

/** Where a space stands on this node. */
export interface SpaceStatus {
  readonly id: string
  readonly name: string
  readonly did: string
  readonly operations: number
  readonly authors: number
  readonly clockRoot: string
  readonly stateRoot: string
  /** Admitted operations whose body has not arrived. */
  readonly absentBodies: number
  /** Operations that wait, by code. */
  readonly held: Readonly<Record<string, number>>
  /** Refusals so far, by code. */
  readonly refused: Readonly<Record<string, number>>
  /** Authors whose fork is proved, as `did:key`. */
  readonly forkedAuthors: readonly string[]
  readonly peers: readonly PeerStatus[]
}

/** Describes a space with nothing left out: what is missing, held or refused is counted. */
export function describeStatus(space: HostedSpace, peers: PeerBook): SpaceStatus {
  const { replica, store } = space
  const clockRoot = toHex(replica.clockRoot())
  const absentBodies = store.absentBodyCount()
  return {
    id: toHex(space.id),
    name: space.description()?.name ?? '',
    did: formatDid(space.spaceKey),
    operations: store.count(),
    authors: replica.clock.digest().count,
    clockRoot,
    stateRoot: toHex(replica.stateRoot()),
    absentBodies,
    held: countBy(replica.held.all().map(({ code }) => code)),
    refused: Object.fromEntries(store.refusalCounts()),
    forkedAuthors: store.forks().map(({ author }) => formatDid(author)),
    peers: peers.all().map((peer) => describePeer(peer, clockRoot, absentBodies)),
  }
}

function describePeer(peer: PeerState, clockRoot: string, absentBodies: number): PeerStatus {
  return {
    peer: peer.peer,
    connected: peer.isProven,
    inSync: absentBodies === 0 && peer.lastProof?.clockRoot === clockRoot,
    provedAtMs: peer.lastProof?.atMs ?? null,
    weLack: peer.weLack,
    theyLack: peer.theyLack,
    refused: Object.fromEntries(peer.refused),
    lastFault: peer.lastFault,
  }
}

function countBy(codes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
