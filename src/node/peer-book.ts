import { equalBytes, toHex } from '../core/bytes.ts'
import type { SyncReport } from '../core/sync/session.ts'
import type { AcceptedReceipt } from '../../protocols/sync/index.ts'

/** A proof of equality with a peer (DESIGN §7), and when it was made. */
export interface SyncProof {
  /** Clock root that both sides had, hexadecimal. */
  readonly clockRoot: string
  /** This node's clock, ms since 1970. */
  readonly atMs: number
}

/** The last thing a peer has signed of what it holds (docs/protocol.md §4.7). */
export interface PeerReceipt {
  /** Clock root that the peer holds, hexadecimal. */
  readonly clockRoot: string
  /** The peer's clock, ms since 1970. */
  readonly timeMs: number
  /** Public key that signed it, and the signature: whoever is shown them can check. */
  readonly reader: Uint8Array
  readonly signature: Uint8Array
  /** Seq of this node's own last operation in that clock; null where there was none. */
  readonly ownSeq: number | null
}

/** What this node knows of one peer in one space. */
export interface PeerState {
  /** Peer id, as text. */
  readonly peer: string
  /** Past the handshake on a connection that lasts. */
  readonly isProven: boolean
  /** The last proof of equality; null where there never was one. */
  readonly lastProof: SyncProof | null
  /** The clock at which the peer has shown another state of the same operations last; null where it has not since a proof of equality. */
  readonly disagreement: SyncProof | null
  /** The last receipt; null where there never was one. */
  readonly receipt: PeerReceipt | null
  /** How far the peer's clock was ahead of this node's when its last receipt came, in ms; null where none has come since the start. */
  readonly clockAheadMs: number | null
  /** Operations that each side lacked when the last run ended. */
  readonly weLack: number
  readonly theyLack: number
  /** Operations of the peer that were refused, by code. */
  readonly refused: ReadonlyMap<string, number>
  /** Code with which the last link ended, where it was a fault. */
  readonly lastFault: string | null
}

/** A receipt as it is kept: clock root, time, reader, signature, own seq. */
type RememberedReceipt = readonly [string, number, Uint8Array, Uint8Array, number | null]

/** Peer id, clock root and time of its last proof, what either side lacked then, and its last receipt; older notes have none. */
export type RememberedPeer = readonly [string, string, number, number, number, (RememberedReceipt | null)?]

/** Peers that are remembered across a restart. */
const PEERS_REMEMBERED_MAX = 64
/** Peers a book keeps; beyond it those not connected are forgotten, the longest unseen first. */
const PEERS_KEPT_MAX = 1_024

/**
 * What peers of one space did: who is in sync by which proof, and who was refused what. Never decides what an operation means;
 * only who is still listened to (isBanned).
 */
export class PeerBook {
  readonly #peers = new Map<string, MutablePeer>()

  /** Everything known, in no particular order. */
  all(): readonly PeerState[] {
    return [...this.#peers.values()]
  }

  get(peer: string): PeerState | undefined {
    return this.#peers.get(peer)
  }

  setProven(peer: string, isProven: boolean): void {
    if (isProven || this.#peers.has(peer)) this.#of(peer).isProven = isProven
  }

  /** A run has ended. */
  onReport(peer: string, report: SyncReport, atMs: number): void {
    const state = this.#of(peer)
    state.weLack = report.weLack
    state.theyLack = report.theyLack
    const point = { clockRoot: toHex(report.mine.clockRoot), atMs }
    if (report.inSync) {
      state.lastProof = point
      state.disagreement = null
    } else if (showsAnotherState(report)) state.disagreement = point
  }

  /** A peer has signed what it holds, at `timeMs` by its clock and `atMs` by ours. */
  onReceipt(
    peer: string,
    { clockRoot, timeMs, reader, signature, standing }: AcceptedReceipt,
    atMs: number,
  ): void {
    const { ownSeq } = standing
    const state = this.#of(peer)
    state.receipt = { clockRoot: toHex(clockRoot), timeMs, reader, signature, ownSeq }
    state.clockAheadMs = timeMs - atMs
  }

  onRefused(peer: string, code: string): void {
    const { refused } = this.#of(peer)
    refused.set(code, (refused.get(code) ?? 0) + 1)
  }

  /** A link has ended by a fault. A peer that does not know the space, and of which nothing else is known, is none of this space. */
  onFault(peer: string, code: string): void {
    const state = this.#of(peer)
    state.lastFault = code
    const { isProven, lastProof, receipt, refused } = state
    if (code !== 'UNKNOWN_SPACE' || isProven || lastProof !== null || receipt !== null) return
    if (refused.size === 0) this.#peers.delete(peer)
  }

  /** What is worth remembering across a restart: who was met, and the last proof of each; as plain data. */
  remembered(): readonly RememberedPeer[] {
    const met = this.all().filter(({ lastProof }) => lastProof !== null)
    const latest = met
      .toSorted((a, b) => (b.lastProof?.atMs ?? 0) - (a.lastProof?.atMs ?? 0))
      .slice(0, PEERS_REMEMBERED_MAX)
    return latest.map(({ peer, lastProof, weLack, theyLack, receipt }) => {
      const { clockRoot, atMs } = lastProof as SyncProof
      return [
        peer,
        clockRoot,
        atMs,
        weLack,
        theyLack,
        receipt === null ? null : toRemembered(receipt),
      ] as const
    })
  }

  /** Takes back what was remembered. A proof stays what it was: of the state that both had then. */
  restore(remembered: readonly RememberedPeer[]): void {
    for (const [peer, clockRoot, atMs, weLack, theyLack, receipt] of remembered) {
      const known = receipt == null ? null : fromRemembered(receipt)
      Object.assign(this.#of(peer), { lastProof: { clockRoot, atMs }, weLack, theyLack, receipt: known })
    }
  }

  #of(peer: string): MutablePeer {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const state: MutablePeer = {
      peer,
      isProven: false,
      lastProof: null,
      disagreement: null,
      receipt: null,
      clockAheadMs: null,
      weLack: 0,
      theyLack: 0,
      refused: new Map(),
      lastFault: null,
    }
    this.#peers.set(peer, state)
    if (this.#peers.size > PEERS_KEPT_MAX) {
      for (const [key, one] of this.#peers) {
        if (one.isProven || key === peer) continue
        this.#peers.delete(key)
        break
      }
    }
    return state
  }
}

interface MutablePeer extends PeerState {
  isProven: boolean
  lastProof: SyncProof | null
  disagreement: SyncProof | null
  receipt: PeerReceipt | null
  clockAheadMs: number | null
  weLack: number
  theyLack: number
  readonly refused: Map<string, number>
  lastFault: string | null
}

/** True where both have the same operations with all bodies, and say different things of what shows: one of the two is wrong, or lies. */
function showsAnotherState({ mine, theirs }: SyncReport): boolean {
  if (mine.absentBodies > 0 || theirs.absentBodies > 0) return false
  if (!equalBytes(mine.clockRoot, theirs.clockRoot)) return false
  return mine.stateRoot !== null && theirs.stateRoot !== null && !equalBytes(mine.stateRoot, theirs.stateRoot)
}

const toRemembered = ({ clockRoot, timeMs, reader, signature, ownSeq }: PeerReceipt): RememberedReceipt => [
  clockRoot,
  timeMs,
  reader,
  signature,
  ownSeq,
]

const fromRemembered = ([clockRoot, timeMs, reader, signature, ownSeq]: RememberedReceipt): PeerReceipt => ({
  clockRoot,
  timeMs,
  reader,
  signature,
  ownSeq,
})
