import type { PeerId } from '@libp2p/interface'
import { toHex } from '../src/core/bytes.ts'
import {
  FUTURE_TOLERANCE_MS,
  HELD_BYTES_MAX,
  HELD_BYTES_PER_PEER_MAX,
  HELD_OPERATIONS_MAX,
  HELD_OPERATIONS_PER_PEER_MAX,
  SYNC_ROUNDS_MAX,
} from '../src/core/limits.ts'
import type { Entry } from '../src/core/graph.ts'
import type { VerifiedOperation } from '../src/core/operation/operation.ts'
import type { SyncReport } from '../src/core/sync/session.ts'
import type { Admission } from '../src/node/replica/admission-step.ts'
import type { NodeObserver, SimulatedNode } from './node.ts'

/** An invariant that did not hold. */
export interface Failure {
  readonly invariant: string
  readonly detail: string
  /** Virtual time since the beginning of the run. */
  readonly atMs: number
}

/** Refusals by header and past alone: every honest node must come to them, so no honest node may admit such an operation. */
const INTRINSIC_CODES: ReadonlySet<string> = new Set([
  'INVALID_ANCESTOR',
  'SEQ',
  'PREV_AUTHOR',
  'LAMPORT',
  'TIME_REGRESSION',
  'EPOCH',
  'SELF_FORK',
  'CAP_MISSING',
  'CAP_CHAIN',
  'CAP_SUBJECT',
  'CAP_COMMAND',
  'CAP_POLICY',
  'CAP_TIME',
  'CAP_REVOKED',
])

/** What a bad network makes honest peers do, and what is held against them a little; never enough for a ban. */
const NETWORKS_DOING: ReadonlySet<string> = new Set(['TIMEOUT', 'RATE'])

export interface CheckerInit {
  /** Keys of honest authors, hexadecimal. */
  readonly honestAuthors: ReadonlySet<string>
  /** Peer ids of honest nodes, as text. */
  readonly honestPeers: ReadonlySet<string>
  /** Virtual time since the beginning of the run. */
  readonly elapsedMs: () => number
  /** Notes what happened, for the hash of the run. */
  readonly trace: (line: string) => void
}

/** What of a set of operations must follow from it alone. */
interface Roots {
  readonly clockRoot: string
  stateRoot: string | null
}

/**
 * Watches honest nodes while they run, and holds them to what DESIGN promises at every step. What can only be said at the end
 * is in final-checks.ts.
 */
export class Checker implements NodeObserver {
  readonly failures: Failure[] = []
  /** Writes that a node has acknowledged: id, hexadecimal, and whose. */
  readonly acknowledged = new Map<string, string>()
  /** Operations moved over sync between honest nodes, and admitted by honest nodes. */
  readonly counts = { invariants: 0, admitted: 0, refused: 0, runs: 0, sent: 0, fruitless: 0 }
  readonly #init: CheckerInit
  readonly #admitted = new Set<string>()
  readonly #refused = new Map<string, string>()
  readonly #sets = new WeakMap<SimulatedNode, Uint8Array>()
  readonly #roots = new Map<string, Roots>()
  /** author and seq of honest operations → id. */
  readonly #places = new Map<string, string>()

  constructor(init: CheckerInit) {
    this.#init = init
  }

  /** Asserts one invariant, and counts it. */
  expect(holds: boolean, invariant: string, detail: () => string): void {
    this.counts.invariants++
    if (!holds) this.failures.push({ invariant, detail: detail(), atMs: this.#init.elapsedMs() })
  }

  onAdmitted(node: SimulatedNode, { entries }: Admission): void {
    if (!this.#isHonest(node)) return
    for (const entry of entries) {
      this.#onEntry(node, entry)
      const aheadMs = entry.time - node.now()
      this.expect(aheadMs <= FUTURE_TOLERANCE_MS, 'what is of the future is held until it is due', () => {
        return `${node.name} admits ${toHex(entry.id)}, ${aheadMs} ms ahead of its clock`
      })
    }
    this.counts.admitted += entries.length
    this.#checkRoots(node, entries)
  }

  onRefused(node: SimulatedNode, id: Uint8Array, code: string): void {
    if (!this.#isHonest(node)) return
    this.counts.refused++
    this.#init.trace(`${node.name} refuses ${toHex(id)} ${code}`)
    if (!INTRINSIC_CODES.has(code)) return
    const key = toHex(id)
    this.#refused.set(key, code)
    this.expect(!this.#admitted.has(key), 'a verdict never changes', () => `${key} was admitted, now ${code}`)
  }

  onBlamed(node: SimulatedNode, peer: PeerId, code: string, isBan: boolean): void {
    if (!this.#isHonest(node)) return
    this.#init.trace(`${node.name} blames ${peer.toString()} ${code}`)
    const isHonestPeer = this.#init.honestPeers.has(peer.toString())
    const isOffence = isBan || !NETWORKS_DOING.has(code)
    this.expect(!isHonestPeer || !isOffence, 'no honest peer is blamed by an honest peer', () => {
      return `${node.name} blames ${peer.toString()} for ${code}${isBan ? ', and bans it' : ''}`
    })
  }

  onFinished(node: SimulatedNode, peer: PeerId, report: SyncReport): void {
    if (!this.#isHonest(node)) return
    const isBetweenHonest = this.#init.honestPeers.has(peer.toString())
    this.counts.runs++
    if (isBetweenHonest) this.counts.sent += report.sent
    this.expect(report.rounds <= SYNC_ROUNDS_MAX + 1, 'a run has a bounded number of rounds', () => {
      return `${node.name} ran ${report.rounds} rounds`
    })
    const { mine, theirs } = report
    const areEqual = toHex(mine.clockRoot) === toHex(theirs.clockRoot) && mine.absentBodies === 0
    this.expect(!report.inSync || areEqual, '"in sync" is said of equal roots only', () => node.name)
  }

  onWritten(node: SimulatedNode, { id }: VerifiedOperation): void {
    if (this.#isHonest(node)) this.acknowledged.set(toHex(id), node.name)
  }

  onBug(node: SimulatedNode, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.expect(false, 'production code throws nothing unforeseen', () => `${node.name}: ${text}`)
  }

  /** After an event of an honest node: what it keeps of what is not admitted stays within bounds. */
  checkHeld(node: SimulatedNode): void {
    if (!this.#isHonest(node)) return
    const { held } = node.hosted.replica
    if (held.size === 0) return
    const perPeer = new Map<string, { operations: number; bytes: number }>()
    let bytes = 0
    for (const { operation, peer } of held.all()) {
      const size = operation.headerBytes.length + (operation.body === null ? 0 : operation.header.bodySize)
      const share = perPeer.get(peer) ?? { operations: 0, bytes: 0 }
      perPeer.set(peer, { operations: share.operations + 1, bytes: share.bytes + size })
      bytes += size
    }
    const isBounded = [...perPeer.values()].every(
      (share) => share.operations <= HELD_OPERATIONS_PER_PEER_MAX && share.bytes <= HELD_BYTES_PER_PEER_MAX,
    )
    this.expect(
      isBounded && held.size <= HELD_OPERATIONS_MAX && bytes <= HELD_BYTES_MAX,
      'what is held is bounded, per peer and in all',
      () => `${node.name} holds ${held.size} operations, ${bytes} bytes`,
    )
  }

  /** A node begins a life with what is on its disk: its set is counted anew. */
  onStart(node: SimulatedNode): void {
    if (!this.#isHonest(node)) return
    const { store } = node.hosted
    this.#sets.set(node, new Uint8Array(32))
    const entries = store.entriesFrom(0, store.count())
    for (const entry of entries) this.#onEntry(node, entry)
    this.#checkRoots(node, entries)
  }

  #onEntry(node: SimulatedNode, entry: Entry): void {
    const id = toHex(entry.id)
    this.#init.trace(`${node.name} has ${id}`)
    this.#admitted.add(id)
    this.expect(!this.#refused.has(id), 'a verdict never changes', () => {
      return `${id} was refused for ever (${this.#refused.get(id)}), and ${node.name} admits it`
    })
    const isAfterParents = entry.parents.every((parent) => parent < entry.ordinal)
    this.expect(isAfterParents, 'nothing is admitted before its parents', () => `${node.name}: ${id}`)
    const author = toHex(entry.author)
    if (!this.#init.honestAuthors.has(author)) return
    const place = `${author} ${entry.seq}`
    const known = this.#places.get(place) ?? id
    this.#places.set(place, known)
    this.expect(known === id, 'a correct node never forks itself', () => `${place}: ${known} and ${id}`)
  }

  /** Equal sets of operations have equal clock roots; with all bodies there, equal state roots. */
  #checkRoots(node: SimulatedNode, entries: readonly Entry[]): void {
    const set = this.#sets.get(node) ?? new Uint8Array(32)
    this.#sets.set(node, set)
    for (const { id } of entries) for (let i = 0; i < 32; i++) set[i] = (set[i] as number) ^ (id[i] as number)
    const { replica, store } = node.hosted
    const key = toHex(set)
    const clockRoot = toHex(replica.clockRoot())
    const stateRoot = store.absentBodyCount() === 0 ? toHex(replica.stateRoot()) : null
    const known = this.#roots.get(key)
    if (known === undefined) {
      this.#roots.set(key, { clockRoot, stateRoot })
      return
    }
    this.expect(known.clockRoot === clockRoot, 'equal sets have equal clock roots', () => node.name)
    if (stateRoot === null) return
    known.stateRoot ??= stateRoot
    this.expect(known.stateRoot === stateRoot, 'equal sets have equal state roots', () => node.name)
  }

  #isHonest(node: SimulatedNode): boolean {
    return this.#init.honestPeers.has(node.peerId.toString())
  }
}
