import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import type { SyncHost, SyncSpace } from '../protocols/sync/index.ts'
import { SyncService } from '../protocols/sync/service.ts'
import { equalBytes } from '../src/core/bytes.ts'
import type { SignatureVerifier } from '../src/core/native-signature.ts'
import type { Operation, VerifiedOperation } from '../src/core/operation/operation.ts'
import type { Fault } from '../src/core/result.ts'
import type { Signer } from '../src/core/signature.ts'
import type { SyncReport } from '../src/core/sync/session.ts'
import { GossipGuard } from '../src/node/network/gossip-guard.ts'
import { gossipTopic, SpaceGossip } from '../src/node/network/gossip.ts'
import { OwnGossip } from '../src/node/network/own-gossip.ts'
import { tellOfAdmitted } from '../src/node/network/tell-of-admitted.ts'
import { SyncScheduler } from '../src/node/network/sync-scheduler.ts'
import { createSyncSpace, onOwnScope } from '../src/node/network/sync-space.ts'
import { FaultError } from '../src/node/fault-error.ts'
import type { Admission } from '../src/node/replica/admission-step.ts'
import { Reputation } from '../src/node/reputation.ts'
import { HostedSpace } from '../src/node/space/hosted-space.ts'
import { CrashError, type SimulatedDisk } from './disk.ts'
import { SimulatedGossip } from './gossip.ts'
import type { Host, Network } from './network.ts'
import type { SimulatedStream } from './stream.ts'
import type { Owner, Timeline } from './timeline.ts'

/** How often every space is compared with every peer: the node's default. */
const ANTI_ENTROPY_MS = 15_000
/** How often held operations are looked at: as in the node. */
const PROMOTION_MS = 1_000

/** What is told of a node while it runs. */
export interface NodeObserver {
  onAdmitted(node: SimulatedNode, admission: Admission): void
  onRefused(node: SimulatedNode, id: Uint8Array, code: string, peer: string): void
  onBlamed(node: SimulatedNode, peer: PeerId, code: string, isBan: boolean): void
  onFinished(node: SimulatedNode, peer: PeerId, report: SyncReport): void
  /** An own operation was made and acknowledged. */
  onWritten(node: SimulatedNode, operation: VerifiedOperation): void
  /** Production code threw what it should not have. */
  onBug(node: SimulatedNode, error: unknown): void
}

/** Where a node's play differs from the production code's: for actors. */
export interface NodeHooks {
  /** What goes out on a stream in place of one frame. */
  readonly onFrame?: (to: PeerId, frame: Uint8Array) => readonly Uint8Array[]
  /** Whether a received operation is taken in. */
  readonly takes?: (operation: Operation) => boolean
  /** Puts something else in the place of what peers are compared with. */
  readonly space?: (space: SyncSpace) => SyncSpace
  /** True once it reads no stream any more. */
  readonly isDeaf?: () => boolean
}

export interface NodeInit {
  readonly name: string
  readonly peerId: PeerId
  readonly author: Signer
  readonly disk: SimulatedDisk
  readonly timeline: Timeline
  readonly network: Network
  readonly verifier: SignatureVerifier
  readonly observer: NodeObserver
  readonly hooks: NodeHooks
  /** How far this node's clock is ahead, in ms; asked at every look. */
  readonly skewMs: () => number
  /** True for an honest node that may read a part only. */
  readonly isPartial: boolean
  /** What this node joined with, root first; none for who made the space. */
  readonly tokens: readonly Uint8Array[]
}

/**
 * One life of a node, from start to stop or crash: the production parts (HostedSpace, SyncService, SyncScheduler, SpaceGossip,
 * Reputation) put together as src/node/network/node-network.ts does, over simulated streams and simulated gossipsub.
 */
export class SimulatedNode implements Owner, Host {
  readonly hosted: HostedSpace
  readonly sync: SyncService
  readonly #init: NodeInit
  readonly #pubsub: SimulatedGossip
  readonly #gossip: SpaceGossip
  readonly #guard: GossipGuard
  readonly #scheduler: SyncScheduler<HostedSpace>
  readonly #reputation: Reputation
  readonly #member: SyncSpace
  #accept: ((stream: SimulatedStream, connection: Connection) => void) | null = null
  #onConnect: ((peer: PeerId) => void) | null = null
  isAlive = true

  constructor(init: NodeInit) {
    this.#init = init
    const { network, timeline, peerId } = init
    this.hosted = new HostedSpace(init.disk.open(), init.verifier, () => this.now())
    this.#takeOnly(init.hooks.takes)
    this.#reputation = new Reputation(() => this.now())
    this.#pubsub = new SimulatedGossip({
      self: peerId,
      owner: this,
      network,
      isProven: (peer) => this.sync.isProven(peer, this.hosted.id),
    })
    this.#guard = new GossipGuard(this.#pubsub.asPubsub, {
      now: () => this.now(),
      isProven: (peer) => this.sync.isProvenAnywhere(peer),
      onExcess: () => {},
      onFlood: (peer) => this.#blame(peer, 'RATE'),
    })
    const ownGossip = new OwnGossip(() => this.now())
    this.#gossip = new SpaceGossip(this.#pubsub.asPubsub, this.hosted, {
      self: peerId,
      isWelcome: (hosted, peer) => this.sync.isProven(peer, hosted.id) && !this.isBanned(peer),
      isWithinRate: (peer, operations) => this.#guard.takeOperations(peer, operations),
      mayPublish: () => ownGossip.take(),
      onRefused: (peer, code) => this.#blame(peer, code),
      reader: () => this.author.publicKey,
      onMissing: (hosted, peer) => this.#scheduler.soon(hosted, peer),
      onUnheard: () => this.#offer(),
      elapsedMs: () => timeline.nowMs,
      // Some have time, some have none.
      load: () => init.name.charCodeAt(init.name.length - 1) % 2,
    })
    const member = this.#createMember()
    this.#member = init.hooks.space?.(member) ?? member
    this.sync = new SyncService(this.#components(), this.#host())
    this.#scheduler = new SyncScheduler({
      intervalMs: ANTI_ENTROPY_MS,
      onFailure: () => {},
      now: () => timeline.nowMs,
    })
  }

  get name(): string {
    return this.#init.name
  }

  get peerId(): PeerId {
    return this.#init.peerId
  }

  get author(): Signer {
    return this.#init.author
  }

  /** True for an honest node that may read a part only. */
  get isPartial(): boolean {
    return this.#init.isPartial
  }

  get owner(): Owner {
    return this
  }

  /** This node's clock. */
  now(): number {
    return this.#init.timeline.nowMs + this.#init.skewMs()
  }

  isBanned(peer: PeerId): boolean {
    return this.#reputation.isBanned(peer.toString())
  }

  /** Begins to live. To be called as an event of this node. */
  start(): void {
    const { network, peerId, tokens } = this.#init
    if (tokens.length > 0 && this.hosted.pendingTokens().length === 0) this.hosted.keepPendingTokens(tokens)
    this.sync.addEventListener('peer', ({ detail: peer }) => this.#onPeer(peer))
    this.sync.addEventListener('finished', ({ detail: { peer, report } }) => {
      this.#init.observer.onFinished(this, peer, report)
      this.#publishPending()
    })
    this.sync.addEventListener('close', ({ detail: { peer, fault } }) => {
      if (fault?.code === 'TIMEOUT') this.#blame(peer, fault.code)
    })
    const { replica } = this.hosted
    replica.addEventListener('refused', ({ detail: { id, fault, peer } }) =>
      this.#init.observer.onRefused(this, id, fault.code, peer),
    )
    replica.addEventListener('admitted', ({ detail }) => {
      this.#init.observer.onAdmitted(this, detail)
    })
    tellOfAdmitted(this.hosted, this.#gossip, () => this.#offer())
    void this.sync.start()
    this.#scheduler.add({
      space: this.hosted,
      peers: () => this.#peersFor(),
      run: (peer, signal) => this.sync.sync(peer, this.#member, signal),
    })
    const now = () => this.now()
    onOwnScope(this.hosted, this.#member, now, () => this.#offer())
    this.#scheduler.start()
    this.#guard.allow(gossipTopic(this.hosted))
    this.#gossip.start()
    this.#init.timeline.repeat(PROMOTION_MS, this, 'promote', () =>
      this.attempt(() => this.hosted.replica.promoteDue()),
    )
    network.attach(this)
    for (const peer of network.peersOf(peerId)) this.#scheduler.soon(this.hosted, peer)
  }

  /** This life ends at once, with everything that was in memory. */
  end(): void {
    this.isAlive = false
    this.#scheduler.stop()
    this.#init.network.detach(this.peerId)
  }

  /** Breaks every connection of this node. */
  hangUpAll(): void {
    const { network, peerId } = this.#init
    for (const peer of network.peersOf(peerId)) network.hangUp(peerId, peer)
  }

  /** Does something that may crash the node, or that the node may decline; any other throw is a bug. */
  attempt<T>(action: () => T): T | null {
    try {
      return action()
    } catch (error) {
      const isForeseen = error instanceof CrashError || error instanceof FaultError
      if (!isForeseen) this.#init.observer.onBug(this, error)
      return null
    }
  }

  accepts(peer: PeerId): boolean {
    return !this.isBanned(peer)
  }

  onConnect(peer: PeerId): void {
    this.#onConnect?.(peer)
  }

  onDisconnect(): void {
    // Links end by their streams.
  }

  onStream(stream: SimulatedStream, connection: Connection): void {
    this.#play(stream, connection.remotePeer)
    this.#accept?.(stream, connection)
  }

  onGossip(from: PeerId, data: Uint8Array): void {
    this.#pubsub.receive(from, data).catch((error: unknown) => {
      if (!(error instanceof CrashError)) this.#init.observer.onBug(this, error)
    })
  }

  /** Lets this node's hooks have their way with a stream. */
  #play(stream: SimulatedStream, peer: PeerId): void {
    const { onFrame, isDeaf } = this.#init.hooks
    if (isDeaf?.() === true) stream.isDeaf = true
    if (onFrame === undefined) return
    const send = stream.send.bind(stream)
    stream.send = (data) => {
      const frame = data instanceof Uint8Array ? data : data.subarray()
      return onFrame(peer, frame)
        .map((bytes) => stream.status === 'open' && send(bytes))
        .every(Boolean)
    }
  }

  #components() {
    const { network, peerId } = this.#init
    const registrar = {
      handle: async (
        _protocol: string,
        accept: (stream: SimulatedStream, connection: Connection) => void,
      ) => {
        this.#accept = accept
      },
      unhandle: async () => {},
      register: async (_protocol: string, { onConnect }: { readonly onConnect: (peer: PeerId) => void }) => {
        this.#onConnect = onConnect
        return 'topology'
      },
      unregister: () => {},
    }
    const connectionManager = {
      openStream: async (peer: PeerId) => {
        const stream = await network.openStream(peerId, peer)
        this.#play(stream, peer)
        return stream
      },
      getConnections: (peer: PeerId) => [network.connection(peerId, peer)].filter((one) => one !== undefined),
    }
    return {
      registrar: registrar as unknown as Registrar,
      connectionManager: connectionManager as unknown as ConnectionManager,
    }
  }

  #host(): SyncHost {
    const { peerId, verifier } = this.#init
    return {
      peerId,
      verify: verifier.verifySync,
      now: () => this.now(),
      spaceByTopic: (topic) => (equalBytes(topic, this.hosted.topic) ? this.#member : undefined),
      onFault: (peer, space, fault, bytes) => this.#onFault(peer, space, fault, bytes),
    }
  }

  /** Leaves out what a hook does not let in, by whatever door it comes. */
  #takeOnly(takes: NodeHooks['takes']): void {
    if (takes === undefined) return
    const { replica } = this.hosted
    const receive = replica.receive.bind(replica)
    replica.receive = (operations, peer) => receive(operations.filter(takes), peer)
  }

  #createMember(): SyncSpace {
    const member: SyncSpace = createSyncSpace(this.hosted, {
      reader: () => this.author,
      now: () => this.now(),
      onFault: (peer, fault) => this.#onFault(peer, member, fault, new Uint8Array()),
      onRefused: (peer, { code }) => this.#blame(peer, code),
    })
    return member
  }

  #onPeer(peer: PeerId): void {
    if (this.isBanned(peer)) {
      this.#init.network.hangUp(this.peerId, peer)
      return
    }
    // As in the node: the smaller peer id opens, so that two links do not cross.
    if (this.peerId.toString() < peer.toString()) this.#scheduler.soon(this.hosted, peer)
  }

  #onFault(peer: PeerId, space: SyncSpace | null, fault: Fault, bytes: Uint8Array): void {
    if (space !== null) this.hosted.replica.noteRefusal(fault, peer.toString(), bytes)
    this.#blame(peer, fault.code)
  }

  #blame(peer: PeerId, code: string): void {
    const isBan = this.#reputation.blame(peer.toString(), code)
    this.#init.observer.onBlamed(this, peer, code, isBan)
    if (isBan) this.#init.network.hangUp(this.peerId, peer)
  }

  #peersFor(): readonly PeerId[] {
    return this.#init.network.peersOf(this.peerId).filter((peer) => !this.isBanned(peer))
  }

  #offer(): void {
    for (const peer of this.sync.provenPeers(this.hosted.id)) this.#scheduler.soon(this.hosted, peer)
  }

  #publishPending(): void {
    this.attempt(() => {
      const operation = this.hosted.publishPendingTokens({ author: this.author, timeMs: this.now() })
      if (operation !== null) this.#init.observer.onWritten(this, operation)
    })
  }
}
