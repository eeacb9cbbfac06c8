import type { BlobStatus } from '../blobs/space-blobs.ts'
import { toHex } from '../../core/bytes.ts'
import { formatDid } from '../../core/principal.ts'
import type { PeerBook, PeerReceipt, PeerState } from '../peer-book.ts'
import type { Held } from '../replica/hold-lane.ts'
import { OUTDATED_NOTE, type OutdatedKind, readOutdated } from '../replica/outdated.ts'
import type { HostedSpace } from './hosted-space.ts'
import { ownSeqOf } from './sync-view.ts'

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
  /** The last receipt: that the peer holds a clock root, by its own signature. Null where it has sent none. */
  readonly receipt: ReceiptStatus | null
  /** When that proof, or the last one there was, was made: ms since 1970; null without one. */
  readonly provedAtMs: number | null
  /** Operations either side lacked when the last run ended. */
  readonly weLack: number
  readonly theyLack: number
  readonly refused: Readonly<Record<string, number>>
  readonly lastFault: string | null
}

/** What a peer has signed. */
export interface ReceiptStatus {
  readonly clockRoot: string
  /** The peer's clock, ms since 1970. */
  readonly timeMs: number
  /** `did:key` of who signed. */
  readonly reader: string
  /** True where the local head was in that clock: the peer holds it. */
  readonly coversLocalHead: boolean
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
  /**
   * What this node may read, as prefixes: `['']` is everything, none is headers alone. Null where its tokens say it in another way.
   */
  readonly selection: readonly string[] | null
  /** Operations whose body has not arrived, although this node may read it. */
  readonly absentBodies: number
  /** Attachments, and how many of them are not here. */
  readonly blobs: BlobStatus
  /** Texts of which edits wait until a body has come that may have edited them too: what shows of them is not final. */
  readonly waitingTexts: readonly string[]
  /** Operations whose body is not here, and is not for this node to read: headers alone. */
  readonly unreadable: number
  /** Code of what keeps this node from writing here: `RESTORED`, `OWN_HEAD_BEHIND`, `OWN_FORK`; null where nothing does. */
  readonly writing: string | null
  /** The last operation of this node's own author; null where it has written nothing, or its key has forked. */
  readonly localHead: string | null
  /** How many peers have signed that they hold the local head. */
  readonly acknowledged: number
  /** Admitted operations that a revocation took the effect of. */
  readonly masked: number
  /**
   * How far this node's clock seems to be behind, in ms: operations of at least two authors wait for it, and two of them are ahead by
   * this much or more. Null where nothing says so.
   */
  readonly clockBehindMs: number | null
  /** Operations that wait, by code. */
  readonly held: Readonly<Record<string, number>>
  /** Refusals so far, by code. */
  readonly refused: Readonly<Record<string, number>>
  /** Changes of types and versions that this node does not know: admitted, without effect here. */
  readonly outdated: readonly OutdatedKind[]
  /** Authors whose fork is proved, as `did:key`. */
  readonly forkedAuthors: readonly string[]
  readonly peers: readonly PeerStatus[]
}

/**
 * Describes a space with nothing left out: what is missing, held, refused or not for this node is counted. `author`: public key of the
 * node's author, which is its reader too; `nowMs`: its clock.
 */
export function describeStatus(
  space: HostedSpace,
  peers: PeerBook,
  author: Uint8Array,
  nowMs: number,
): Omit<SpaceStatus, 'blobs'> {
  const { replica, store } = space
  const scope = space.reading.scopeOf(author, nowMs)
  const clockRoot = toHex(replica.clockRoot())
  const absentBodies = space.absent.missingCount(scope, nowMs)
  const localSeq = ownSeqOf(replica.clock, author)
  const described = peers.all().map((peer) => describePeer(peer, clockRoot, absentBodies, localSeq))
  const [localHead] = localSeq === null ? [] : replica.clock.heads(author)
  return {
    id: toHex(space.id),
    name: space.description()?.name ?? '',
    did: formatDid(space.spaceKey),
    operations: store.count(),
    authors: replica.clock.digest().count,
    clockRoot,
    stateRoot: toHex(replica.stateRoot()),
    selection: scope.prefixes(nowMs),
    absentBodies,
    waitingTexts: store.waitingTexts(),
    unreadable: space.absent.unreadableCount(scope, nowMs),
    writing: space.refusal(author)?.code ?? null,
    localHead: localHead === undefined ? null : toHex(localHead.id),
    acknowledged: described.filter(({ receipt }) => receipt?.coversLocalHead === true).length,
    masked: [...store.masked()].length,
    clockBehindMs: clockBehind(replica.held.all(), nowMs),
    held: countBy(replica.held.all().map(({ code }) => code)),
    refused: Object.fromEntries(store.refusalCounts()),
    outdated: readOutdated(store.note(OUTDATED_NOTE)),
    forkedAuthors: store.forks().map(({ author: forked }) => formatDid(forked)),
    peers: described,
  }
}

function clockBehind(held: readonly Held[], nowMs: number): number | null {
  const aheadByAuthor = new Map<string, number>()
  for (const { code, operation } of held) {
    if (code !== 'FUTURE') continue
    const author = toHex(operation.header.author)
    const ahead = operation.header.time - nowMs
    aheadByAuthor.set(author, Math.min(ahead, aheadByAuthor.get(author) ?? ahead))
  }
  // One clock that is ahead of everybody's is its own fault; two agree on something.
  const [, second] = [...aheadByAuthor.values()].sort((a, b) => b - a)
  return second === undefined || second <= 0 ? null : second
}

function describePeer(
  peer: PeerState,
  clockRoot: string,
  absentBodies: number,
  localSeq: number | null,
): PeerStatus {
  return {
    peer: peer.peer,
    connected: peer.isProven,
    inSync: absentBodies === 0 && peer.lastProof?.clockRoot === clockRoot,
    receipt: peer.receipt === null ? null : describeReceipt(peer.receipt, localSeq),
    provedAtMs: peer.lastProof?.atMs ?? null,
    weLack: peer.weLack,
    theyLack: peer.theyLack,
    refused: Object.fromEntries(peer.refused),
    lastFault: peer.lastFault,
  }
}

function describeReceipt(
  { clockRoot, timeMs, reader, ownSeq }: PeerReceipt,
  localSeq: number | null,
): ReceiptStatus {
  const coversLocalHead = localSeq !== null && ownSeq !== null && ownSeq >= localSeq
  return { clockRoot, timeMs, reader: formatDid(reader), coversLocalHead }
}

function countBy(codes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1
  return counts
}
