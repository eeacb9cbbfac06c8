import { setTimeout as wait } from 'node:timers/promises'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { LinkTraffic } from '../../../protocols/sync/index.ts'
import type { SyncProgress, SyncReport } from '../../core/sync/session.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { HanseNode } from '../../node/node.ts'
import type { Space } from '../../node/space/space.ts'
import { faultOf } from '../../node/fault-of.ts'

/** What came of comparing with one peer. */
export type PeerOutcome =
  | {
      readonly peer: string
      readonly reached: true
      /** Proved equal (DESIGN §7). */
      readonly inSync: boolean
      readonly sent: number
      readonly received: number
      /** New to this node. */
      readonly gained: number
      readonly weLack: number
      readonly theyLack: number
      readonly bytesSent: number
      readonly bytesReceived: number
      readonly durationMs: number
    }
  | { readonly peer: string; readonly reached: false; readonly code: string; readonly detail: string }

/** What is told while it goes on. */
export interface SyncProgressEvent {
  /** Peers being compared with; 0 while none has been found. */
  readonly peers: number
  readonly done: number
  readonly total: number
}

export interface SyncOnceOptions {
  /** Peer id or multiaddr; without it, every peer that can be found. */
  readonly peer?: string | undefined
  /**
   * True where the node runs on and has its peers: then those of the moment are compared with. Else peers are looked for until
   * some have answered, at most until `signal` aborts.
   */
  readonly isRunning: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: SyncProgressEvent) => Promise<void>
}

/** Pause between two looks for new peers, in ms. */
const LOOK_EVERY_MS = 100
/** How long others are waited for after one has answered, in ms. */
const OTHERS_WITHIN_MS = 600
/** Runs with one peer: what is published after the first (a guest's tokens) goes out with the next. */
const RUNS_MAX = 3
/** Shortest pause between two reports of progress, in ms. */
const PROGRESS_EVERY_MS = 100

/** Compares a space with one peer, or with whoever can be found, once and both ways. Says of each peer what came of it. */
export async function syncOnce(
  node: HanseNode,
  space: Space,
  options: SyncOnceOptions,
): Promise<readonly PeerOutcome[]> {
  const progress = new ProgressOfPeers(options.onProgress)
  const onProgress = ({
    detail: { peer, progress: of },
  }: CustomEvent<{ readonly peer: string; readonly progress: SyncProgress }>) => progress.set(peer, of)
  const tally = new Tally()
  const onSync = ({ detail }: CustomEvent<FinishedRun>) => tally.add(detail)
  space.addEventListener('progress', onProgress)
  space.addEventListener('sync', onSync)
  try {
    const startedMs = Date.now()
    const compareOne = async (peer: string) => await compare(space, peer, tally, startedMs, options.signal)
    if (options.peer !== undefined) {
      const peer = await resolvePeer(node, options.peer, options.signal)
      return [typeof peer === 'string' ? await compareOne(peer) : peer]
    }
    return await compareWithAll(node, space, compareOne, options)
  } finally {
    space.removeEventListener('progress', onProgress)
    space.removeEventListener('sync', onSync)
    await progress.settled()
  }
}

async function compareWithAll(
  node: HanseNode,
  space: Space,
  compareOne: (peer: string) => Promise<PeerOutcome>,
  { isRunning, signal, onProgress }: SyncOnceOptions,
): Promise<readonly PeerOutcome[]> {
  const tried = new Map<string, Promise<PeerOutcome>>()
  let firstAnsweredMs: number | null = null
  const note = (outcome: PeerOutcome) => {
    if (outcome.reached || isRefusal(outcome.code)) firstAnsweredMs ??= Date.now()
  }
  if (!isRunning) await onProgress({ peers: 0, done: 0, total: 0 })
  for (;;) {
    for (const peer of node.network?.peersOf(space) ?? []) {
      if (tried.has(peer)) continue
      const outcome = compareOne(peer)
      tried.set(peer, outcome)
      void outcome.then(note)
    }
    if (isRunning || signal.aborted) break
    if (firstAnsweredMs !== null && Date.now() - firstAnsweredMs >= OTHERS_WITHIN_MS) break
    await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
  }
  return await Promise.all(tried.values())
}

/** True where a peer of the space has answered that this node may not read it: waiting longer does not change that. */
export function isRefusal(code: string): boolean {
  return code.startsWith('CAP_')
}

/** Two nodes that meet often open two connections at once, and one of them is cut: the other is there for a second try. */
async function syncAgainIfCut(space: Space, peer: string, signal: AbortSignal): ReturnType<Space['sync']> {
  try {
    return await space.sync(peer, signal)
  } catch (error) {
    if (faultOf(error).code !== 'LINK_CLOSED' || signal.aborted) throw error
    return await space.sync(peer, signal)
  }
}

async function compare(
  space: Space,
  peer: string,
  tally: Tally,
  startedMs: number,
  signal: AbortSignal,
): Promise<PeerOutcome> {
  try {
    for (let run = 1; ; run++) {
      const report = (await syncAgainIfCut(space, peer, signal)).get(peer)
      if (report === undefined) throw new Error('bug: a sync without a report')
      if (space.hosted.store.count() !== report.mine.operations && run < RUNS_MAX) continue
      const { inSync, weLack, theyLack } = report
      return {
        peer,
        reached: true,
        inSync,
        ...tally.of(peer),
        weLack,
        theyLack,
        durationMs: Date.now() - startedMs,
      }
    }
  } catch (error) {
    const { code, detail } = faultOf(error)
    // Named wrongly, a peer is the user's mistake rather than the peer's silence.
    if (code === 'BAD_PEER') throw error
    if (code !== 'BUG') return { peer, reached: false, code, detail }
    return {
      peer,
      reached: false,
      code: 'UNREACHABLE',
      detail: error instanceof Error ? error.message : String(error),
    }
  }
}

/** The id of a peer that was named by id or address; what came of dialling it where that failed. */
async function resolvePeer(
  node: HanseNode,
  text: string,
  signal: AbortSignal,
): Promise<string | PeerOutcome> {
  if (!text.startsWith('/')) return text
  let address: Multiaddr
  try {
    address = multiaddr(text)
  } catch {
    const detail = `${JSON.stringify(text)} is not an address: one looks like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...`
    throw new FaultError({ code: 'BAD_ADDRESS', detail })
  }
  try {
    if (node.network === null) throw new Error('bug: a sync while offline')
    return await node.network.reach(address, signal)
  } catch (error) {
    return {
      peer: text,
      reached: false,
      code: 'UNREACHABLE',
      detail: error instanceof Error ? error.message : String(error),
    }
  }
}

type FinishedRun = { readonly peer: string; readonly report: SyncReport; readonly runTraffic: LinkTraffic }
type Sums = Pick<SyncReport, 'sent' | 'received' | 'gained'> & LinkTraffic
const NOTHING: Sums = { sent: 0, received: 0, gained: 0, bytesSent: 0, bytesReceived: 0 }

/** What all runs with each peer moved, whichever side began them: the peer or the node's own schedule may be quicker than we. */
class Tally {
  readonly #byPeer = new Map<string, Sums>()

  add({ peer, report, runTraffic }: FinishedRun): void {
    const sums = this.of(peer)
    this.#byPeer.set(peer, {
      sent: sums.sent + report.sent,
      received: sums.received + report.received,
      gained: sums.gained + report.gained,
      bytesSent: sums.bytesSent + runTraffic.bytesSent,
      bytesReceived: sums.bytesReceived + runTraffic.bytesReceived,
    })
  }

  of(peer: string): Sums {
    return this.#byPeer.get(peer) ?? NOTHING
  }
}

/** Adds up the progress of all peers, and passes it on now and then. */
class ProgressOfPeers {
  readonly #emit: (progress: SyncProgressEvent) => Promise<void>
  readonly #byPeer = new Map<string, SyncProgress>()
  #lastMs = 0
  #sending: Promise<void> = Promise.resolve()

  constructor(emit: (progress: SyncProgressEvent) => Promise<void>) {
    this.#emit = emit
  }

  set(peer: string, progress: SyncProgress): void {
    this.#byPeer.set(peer, progress)
    const nowMs = Date.now()
    if (nowMs - this.#lastMs < PROGRESS_EVERY_MS) return
    this.#lastMs = nowMs
    let done = 0
    let total = 0
    for (const { sent, received, toSend, toReceive } of this.#byPeer.values()) {
      done += sent + received
      total += toSend + toReceive
    }
    const peers = this.#byPeer.size
    // A reader that is gone ends the action by its signal.
    this.#sending = this.#sending.then(() => this.#emit({ peers, done, total })).catch(() => {})
  }

  async settled(): Promise<void> {
    await this.#sending
  }
}
