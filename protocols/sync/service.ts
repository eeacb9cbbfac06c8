import type { Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import { TypedEventEmitter } from 'main-event'
import { equalBytes } from '../../src/core/bytes.ts'
import {
  LINK_OPEN_TIMEOUT_MS,
  LINKS_OPENED_BURST_MAX,
  LINKS_OPENED_PER_SECOND_MAX,
  MEMBER_LINKS_OPENED_BURST_MAX,
  MEMBER_LINKS_OPENED_PER_SECOND_MAX,
  RATED_PEERS_MAX,
  SYNC_STREAMS_PER_CONNECTION_MAX,
} from '../../src/core/limits.ts'
import type { Fault } from '../../src/core/result.ts'
import type { SyncProgress, SyncReport } from '../../src/core/sync/session.ts'
import { TokenBuckets } from '../../src/core/token-bucket.ts'
import type { SyncHost, SyncSpace } from './host.ts'
import type { AcceptedReceipt } from './link-reading.ts'
import { SyncLink, type LinkObserver } from './link.ts'
import { LinkBudget } from './link-budget.ts'
import { keyOf, LinkTable } from './link-table.ts'

/** Protocol id of reconciliation. */
export const SYNC_PROTOCOL = '/hanse/sync/1.0.0'

export interface SyncServiceEvents {
  /** A peer has proved that it may read a space. */
  open: CustomEvent<{ readonly peer: PeerId; readonly space: SyncSpace }>
  /** A run has ended, started by either side. */
  finished: CustomEvent<{
    readonly peer: PeerId
    readonly space: SyncSpace
    readonly report: SyncReport
    readonly link: SyncLink
  }>
  progress: CustomEvent<{ readonly peer: PeerId; readonly space: SyncSpace; readonly progress: SyncProgress }>
  /** A peer has signed that it holds the clock root of the run before. */
  receipt: CustomEvent<{
    readonly peer: PeerId
    readonly space: SyncSpace
    readonly receipt: AcceptedReceipt
  }>
  /** A link has ended; `fault` is null where this side closed it. */
  close: CustomEvent<{
    readonly peer: PeerId
    readonly space: SyncSpace | null
    readonly fault: Fault | null
  }>
  /** A peer that speaks the protocol has connected, whether or not it shares a space. */
  peer: CustomEvent<PeerId>
}

interface SyncComponents {
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
}

/** A run that did not come to an end. */
class SyncError extends Error {
  override readonly name = 'SyncError'
  /** The fault's code, e.g. `UNKNOWN_SPACE`, `CAP_MISSING`, `TIMEOUT`, `LINK_CLOSED`. */
  readonly code: string

  constructor(fault: Fault) {
    super(`${fault.code}: ${fault.detail}`)
    this.code = fault.code
  }
}

/**
 * Reconciliation as a libp2p service. It keeps at most one link for each peer and space; {@link SyncService.sync} opens it when
 * there is none. The service never starts a run by itself: when to compare is the node's decision.
 */
export class SyncService extends TypedEventEmitter<SyncServiceEvents> implements Startable, LinkObserver {
  readonly [Symbol.toStringTag] = '@hanse/sync'
  readonly #components: SyncComponents
  readonly #host: SyncHost
  readonly #links = new LinkTable()
  /** By peer and space, so that who waits is served by whichever of two crossing links is kept. */
  readonly #waiting = new Map<string, Set<Waiting>>()
  readonly #opened = new TokenBuckets(
    { burst: LINKS_OPENED_BURST_MAX, perSecond: LINKS_OPENED_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  readonly #openedByMembers = new TokenBuckets(
    { burst: MEMBER_LINKS_OPENED_BURST_MAX, perSecond: MEMBER_LINKS_OPENED_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  /** Connected peers, as text, that have proved that they may read a space of ours, though its link may have been let go since. */
  readonly #members = new Set<string>()
  readonly #budget = new LinkBudget()
  #topology: string | undefined

  constructor(components: SyncComponents, host: SyncHost) {
    super()
    this.#components = components
    this.#host = host
  }

  async start(): Promise<void> {
    const { registrar } = this.#components
    await registrar.handle(SYNC_PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
      maxInboundStreams: SYNC_STREAMS_PER_CONNECTION_MAX,
      maxOutboundStreams: SYNC_STREAMS_PER_CONNECTION_MAX,
      runOnLimitedConnection: true,
    })
    this.#topology = await registrar.register(SYNC_PROTOCOL, {
      notifyOnLimitedConnection: true,
      onConnect: (peer) => {
        this.safeDispatchEvent('peer', { detail: peer })
      },
      onDisconnect: (peer) => {
        this.#members.delete(peer.toString())
      },
    })
  }

  async stop(): Promise<void> {
    const { registrar } = this.#components
    await registrar.unhandle(SYNC_PROTOCOL)
    if (this.#topology !== undefined) registrar.unregister(this.#topology)
    for (const link of [...this.#links.all()]) link.close()
  }

  /** True while the peer has proved, on a connection that still lasts, that it may read the space. */
  isProven(peer: PeerId, spaceId: Uint8Array): boolean {
    return this.#links.get(peer, spaceId)?.isOpen ?? false
  }

  /** True while a link to the peer about the space is open or under way, so that a run opens no stream. */
  hasLink(peer: PeerId, spaceId: Uint8Array): boolean {
    return this.#links.get(peer, spaceId) !== undefined
  }

  /**
   * Lets go of the links about a space that this side opened and nothing goes on in, with one peer or with all. What they proved is to be
   * proved again on the next.
   */
  letGo(spaceId: Uint8Array, peer?: PeerId): void {
    for (const link of [...this.#links.all()]) {
      const isMeant = link.space !== null && equalBytes(link.space.spaceId, spaceId)
      if (isMeant && link.isOutbound && link.isOpen && link.isIdle && (peer?.equals(link.peer) ?? true))
        link.close()
    }
  }

  /** True while the peer has proved, on a connection that still lasts, that it may read what is at that path of the space. */
  mayRead(peer: PeerId, spaceId: Uint8Array, path: string): boolean {
    return this.#links.get(peer, spaceId)?.mayRead(path) ?? false
  }

  /** True while the peer has proved, on a connection that still lasts, that it may read any space. */
  isProvenAnywhere(peer: string): boolean {
    for (const link of this.#links.of(peer)) if (link.isOpen) return true
    return false
  }

  /** The peers that have proved that they may read the space. */
  provenPeers(spaceId: Uint8Array): readonly PeerId[] {
    const links = [...this.#links.all()].filter((link) => link.isOpen)
    return links
      .filter((link) => link.space !== null && equalBytes(link.space.spaceId, spaceId))
      .map((link) => link.peer)
  }

  /**
   * Compares with one peer until both are equal or a round gains nothing. Connects first if need be. Joins a run that is under
   * way. Throws a {@link SyncError} when the link ends first, and the signal's reason when that aborts: always bound it.
   */
  async sync(peer: PeerId, space: SyncSpace, signal: AbortSignal): Promise<SyncReport> {
    signal.throwIfAborted()
    await this.#linkTo(peer, space, signal)
    const { promise, resolve, reject } = Promise.withResolvers<SyncReport>()
    const waiting: Waiting = { resolve, reject }
    const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    signal.addEventListener('abort', onAbort)
    const key = keyOf(peer, space.spaceId)
    const others = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, others.add(waiting))
    let report: SyncReport
    try {
      // Looked up again: the link may have ended, or another have taken its place, while this side waited for it.
      const link = this.#links.get(peer, space.spaceId)
      if (link === undefined) throw new SyncError({ code: 'LINK_CLOSED', detail: 'the link ended at once' })
      if (link.isOpen) link.start()
      report = await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      others.delete(waiting)
      if (others.size === 0 && this.#waiting.get(key) === others) this.#waiting.delete(key)
    }
    // What the run brought may let this node read more: a new link shows it, and brings that too.
    return this.#links.get(peer, space.spaceId)?.isOutdated === true
      ? await this.sync(peer, space, signal)
      : report
  }

  onOpen(link: SyncLink): void {
    const space = link.space as SyncSpace
    const { spaceId } = space
    const earlier = this.#links.get(link.peer, spaceId)
    this.#members.add(link.peer.toString())
    this.#links.set(link.peer, spaceId, link)
    // Two links to one peer: both sides keep the newer one. If both opened one at once, both keep that of the smaller peer id.
    if (earlier !== undefined && earlier !== link) {
      const keepsEarlier =
        earlier.isOutbound !== link.isOutbound && earlier.isOpen && this.#openedBySmaller(earlier)
      if (keepsEarlier) this.#links.set(link.peer, spaceId, earlier)
      ;(keepsEarlier ? link : earlier).close()
    }
    this.safeDispatchEvent('open', { detail: { peer: link.peer, space } })
    if (this.#waiting.has(keyOf(link.peer, spaceId))) this.#links.get(link.peer, spaceId)?.start()
  }

  onFinished(link: SyncLink, report: SyncReport): void {
    const space = link.space as SyncSpace
    for (const { resolve } of this.#waiting.get(keyOf(link.peer, space.spaceId)) ?? []) resolve(report)
    this.safeDispatchEvent('finished', { detail: { peer: link.peer, space, report, link } })
  }

  onProgress(link: SyncLink, progress: SyncProgress): void {
    this.safeDispatchEvent('progress', {
      detail: { peer: link.peer, space: link.space as SyncSpace, progress },
    })
  }

  onReceipt(link: SyncLink, receipt: AcceptedReceipt): void {
    this.safeDispatchEvent('receipt', {
      detail: { peer: link.peer, space: link.space as SyncSpace, receipt },
    })
  }

  onClose(link: SyncLink, fault: Fault | null): void {
    const { space, peer } = link
    if (space !== null && this.#links.get(peer, space.spaceId) === link) {
      this.#links.delete(peer, space.spaceId)
      const error = new SyncError(fault ?? { code: 'LINK_CLOSED', detail: 'this node closed the link' })
      for (const { reject } of this.#waiting.get(keyOf(peer, space.spaceId)) ?? []) reject(error)
    }
    this.safeDispatchEvent('close', { detail: { peer, space, fault } })
  }

  async #accept(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer
    const opened = this.#members.has(peer.toString()) ? this.#openedByMembers : this.#opened
    if (!opened.take(peer.toString(), this.#host.now())) {
      const fault = { code: 'RATE', detail: 'the peer opens links faster than a node has reason to' }
      this.#host.onFault(peer, null, fault, new Uint8Array())
      stream.abort(new Error(fault.detail))
      return
    }
    if (!this.#budget.open(peer.toString())) {
      stream.abort(new Error('no place for another link'))
      return
    }
    try {
      await new SyncLink(stream, connection, null, this.#host, this, this.#budget).run()
    } finally {
      this.#budget.close(peer.toString())
    }
  }

  /** Sees to it that a link to the peer is there or under way. */
  async #linkTo(peer: PeerId, space: SyncSpace, signal: AbortSignal): Promise<void> {
    const { spaceId } = space
    const present = this.#links.get(peer, spaceId)
    // By now this node may read more than it has shown there, or by another chain.
    if (present !== undefined && present.isOpen && present.isIdle && present.isOutdated) present.close()
    else if (present !== undefined) return
    const stream = await this.#components.connectionManager.openStream(peer, SYNC_PROTOCOL, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(LINK_OPEN_TIMEOUT_MS)]),
      runOnLimitedConnection: true,
    })
    const connection = this.#components.connectionManager
      .getConnections(peer)
      .find((one) => one.streams.includes(stream))
    if (connection === undefined) {
      stream.abort(new Error('the connection closed at once'))
      throw new SyncError({ code: 'LINK_CLOSED', detail: 'the connection closed at once' })
    }
    if (this.#links.get(peer, spaceId) !== undefined) {
      // The peer opened one while we did.
      stream.abort(new Error('another link was opened meanwhile'))
      return
    }
    const link = new SyncLink(stream, connection, space, this.#host, this, this.#budget)
    this.#links.set(peer, spaceId, link)
    void link.run()
  }

  #openedBySmaller(link: SyncLink): boolean {
    const own = this.#host.peerId.toString()
    const other = link.peer.toString()
    return link.isOutbound ? own < other : other < own
  }
}

interface Waiting {
  readonly resolve: (report: SyncReport) => void
  readonly reject: (error: Error) => void
}

/** The sync protocol as a libp2p service: `services: { sync: sync(host) }`. */
export function sync(host: (components: { readonly peerId: PeerId }) => SyncHost) {
  return (components: SyncComponents & { readonly peerId: PeerId }): SyncService =>
    new SyncService(components, host(components))
}
