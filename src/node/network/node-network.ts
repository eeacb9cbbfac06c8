import { setTimeout } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { toHex } from '../../core/bytes.ts'
import type { Fault } from '../../core/result.ts'
import type { SyncReport } from '../../core/sync/session.ts'
import type { SyncSpace } from '../../../protocols/sync/index.ts'
import { FaultError } from '../fault-error.ts'
import type { Standing } from '../reputation.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { Space } from '../space/space.ts'
import { Attendance, type Member } from './attendance.ts'
import { createConnectionGater } from './connection-gater.ts'
import { Discovery } from './discovery.ts'
import { SpaceGossip, type GossipHost } from './gossip.ts'
import { GOSSIP_EXCESS, GOSSIP_FLOOD, GossipGuard } from './gossip-guard.ts'
import { createNetwork, type Network } from './libp2p.ts'
import type { NodeNetworkHost, NodeNetworkInit } from './node-network-init.ts'
import { keepGossipAlive } from './keep-gossip-alive.ts'
import { OwnGossip } from './own-gossip.ts'
import { OwnLinkPace } from './own-link-pace.ts'
import { parsePeer } from './parse-peer.ts'
import { PeerStandings } from './peer-standings.ts'
import { PinnedDialer } from './pinned-dialer.ts'
import { runAndLetGo } from './run-and-let-go.ts'
import { RunTraffic } from './run-traffic.ts'
import { SpacePeers } from './space-peers.ts'
import { createSyncSpace, onOwnScope } from './sync-space.ts'
import { SyncScheduler } from './sync-scheduler.ts'
import { tellOfAdmitted } from './tell-of-admitted.ts'
import { thoseThatReport } from './those-that-report.ts'
import { tellTrouble } from './tell-trouble.ts'

/** Bound of stopping, in ms: what has not closed by then is cut. */
const STOP_TIMEOUT_MS = 5_000

/**
 * A node's part in the network: libp2p, gossip, sync and discovery put together. Decides nothing about operations; each that comes
 * in goes through its space's replica.
 */
export class NodeNetwork {
  readonly #libp2p: Network
  readonly #init: NodeNetworkInit
  readonly #host: NodeNetworkHost
  readonly #members: Map<string, Member>
  readonly #standings: PeerStandings
  readonly #gossip: GossipGuard
  readonly #ownGossip: OwnGossip
  readonly #scheduler: SyncScheduler<Space>
  readonly #discovery: Discovery
  readonly #bootstrap: Multiaddr[]
  readonly #dialer: PinnedDialer
  readonly #runTraffic = new RunTraffic()
  readonly #peers = new SpacePeers({
    network: () => this.#libp2p,
    isBanned: (peer) => this.#standings.isBanned(peer),
  })
  readonly #attendance: Attendance
  #isStopping = false

  /** Composes the network; nothing runs before `start`. */
  static async create(init: NodeNetworkInit, host: NodeNetworkHost): Promise<NodeNetwork> {
    const members = new Map<string, Member>()
    const standings = new PeerStandings(() => host.now())
    const onFault = (peer: PeerId, space: SyncSpace | null, fault: Fault, bytes: Uint8Array) =>
      network.#onFault(peer, space, fault, bytes)
    const isProven = (peer: string) => network.#libp2p.services.sync.isProvenAnywhere(peer)
    const connectionGater = createConnectionGater(
      {
        now: () => Date.now(),
        connections: () => network.#libp2p.getConnections(),
        isPinned: (peer) => standings.isPinned(peer),
        isProven,
        isBanned: (peer) => standings.isBanned(peer),
        isNetworkBanned: (name) => standings.isNetworkBanned(name),
        log: (message) => host.log(message),
      },
      init.connectionGater,
    )
    const libp2p = await createNetwork(
      { ...init, connectionGater, pinned: [...init.peers, ...init.bootstrap] },
      {
        verify: host.verify,
        now: () => host.now(),
        spaceByTopic: (topic) => members.get(toHex(topic))?.sync,
        onFault,
      },
      { isProven },
    )
    const network = new NodeNetwork(libp2p, init, host, members, standings)
    return network
  }

  private constructor(
    libp2p: Network,
    init: NodeNetworkInit,
    host: NodeNetworkHost,
    members: Map<string, Member>,
    standings: PeerStandings,
  ) {
    this.#libp2p = libp2p
    this.#init = init
    this.#host = host
    this.#members = members
    this.#standings = standings
    this.#bootstrap = [...init.bootstrap]
    for (const address of [...init.peers, ...init.bootstrap]) standings.pin(address)
    this.#ownGossip = new OwnGossip(() => host.now())
    this.#gossip = new GossipGuard(libp2p.services.pubsub, {
      now: () => host.now(),
      isProven: (peer) => libp2p.services.sync.isProvenAnywhere(peer),
      onExcess: (peer) => standings.note(peer.toString(), GOSSIP_EXCESS),
      onFlood: (peer) => this.blame(peer, GOSSIP_FLOOD),
    })
    const pace = new OwnLinkPace()
    this.#scheduler = new SyncScheduler({
      intervalMs: init.antiEntropyIntervalMs,
      delayMs: (peer) => pace.delayMs(peer.toString(), this.#peers.isSharerOfAny(peer), performance.now()),
      onFailure: (peer, error) => tellTrouble(host, error, `sync with ${peer.toString()}: ${error.message}`),
    })
    this.#attendance = new Attendance({
      network: libp2p,
      guard: this.#gossip,
      peers: this.#peers,
      scheduler: this.#scheduler,
      now: () => host.now(),
    })
    this.#dialer = new PinnedDialer({
      network: libp2p,
      pinned: () => [...init.peers, ...this.#bootstrap],
      invited: () => this.#invited(),
      log: (message) => host.log(message),
    })
    this.#discovery = new Discovery({
      network: libp2p,
      bootstrap: this.#bootstrap,
      intervalMs: init.discoveryIntervalMs,
      spaces: () => this.#attendance.all().map(({ space }) => space.hosted),
      sharerCount: (space) => this.#peers.sharers(space).length,
      log: (message) => host.log(message),
    })
  }

  get peerId(): PeerId {
    return this.#libp2p.peerId
  }

  /** The libp2p node underneath, for programs that add protocols of their own. */
  get libp2p(): Network {
    return this.#libp2p
  }

  /** Multiaddrs, as text, at which others can dial this node. */
  get addresses(): readonly string[] {
    return this.#libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** Multiaddrs of introduction nodes, as text. */
  get bootstrap(): readonly string[] {
    return this.#bootstrap.map((address) => address.toString())
  }

  /** Peers connected now, as text, whether or not they share a space. */
  connectedPeers(): readonly { readonly peer: string; readonly addresses: readonly string[] }[] {
    return this.#libp2p.getPeers().map((peer) => ({
      peer: peer.toString(),
      addresses: this.#libp2p.getConnections(peer).map(({ remoteAddr }) => remoteAddr.toString()),
    }))
  }

  /** What is held against a peer, and how long it is banned. */
  standingOf(peer: string): Standing {
    return this.#standings.standingOf(peer)
  }

  async start(): Promise<void> {
    const { sync } = this.#libp2p.services
    sync.addEventListener('peer', ({ detail: peer }) => this.#onPeer(peer))
    sync.addEventListener('open', ({ detail: { peer, space } }) => this.#onOpen(peer, space))
    sync.addEventListener('close', ({ detail: { peer, space, fault } }) => this.#onClose(peer, space, fault))
    sync.addEventListener('finished', ({ detail: { peer, space, report, link } }) => {
      const member = this.#members.get(toHex(space.topic))
      member?.space.onReport(peer.toString(), report, link.traffic, this.#runTraffic.take(link))
      if (member === undefined) return
      this.#publishPending(member)
      this.#attendance.onCompared(member, peer, report.gained)
    })
    sync.addEventListener('receipt', ({ detail: { peer, space, receipt } }) => {
      this.#members.get(toHex(space.topic))?.space.onReceipt(peer.toString(), receipt)
    })
    sync.addEventListener('progress', ({ detail: { peer, space, progress } }) => {
      this.#members.get(toHex(space.topic))?.space.onProgress(peer.toString(), progress)
    })
    this.#libp2p.addEventListener('peer:disconnect', ({ detail: peer }) => this.#onGone(peer))
    keepGossipAlive(this.#libp2p, (message) => this.#host.log(message))
    await this.#libp2p.start()
    if (this.#init.listen.length > 0 && this.#listening().length === 0) {
      throw new FaultError({
        code: 'CANNOT_LISTEN',
        detail: `none of ${this.#init.listen.join(', ')} can be listened on: is the port in use, or the address another machine's?`,
      })
    }
    this.#scheduler.start()
    this.#discovery.start()
    this.#dialer.start()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#dialer.stop()
    this.#attendance.stop()
    this.#scheduler.stop()
    this.#discovery.stop()
    const stopped = Promise.resolve(this.#libp2p.stop())
    await Promise.race([stopped, setTimeout(STOP_TIMEOUT_MS, undefined, { ref: false })])
  }

  /** Takes a space into the network: its topic, its peers, its comparisons. */
  add(space: Space): void {
    const { hosted } = space
    const topic = toHex(hosted.topic)
    if (this.#members.has(topic)) return
    for (const address of hosted.meetingPoints().bootstrap) this.#addBootstrap(multiaddr(address))
    const gossip = new SpaceGossip(this.#libp2p.services.pubsub, hosted, this.#gossipHost())
    const member: Member = { space, gossip, sync: this.#syncSpace(hosted) }
    const { sync } = this.#libp2p.services
    this.#members.set(topic, member)
    this.#scheduler.add({
      space,
      peers: () => this.#peers.of(hosted),
      run: (peer, signal) =>
        runAndLetGo(sync, peer, member.sync, () => !this.#attendance.isLive(member), signal),
      isResting: () => !this.#attendance.isLive(member),
      isBusy: () => this.#attendance.isBusy(member),
      isLinked: (peer) => sync.hasLink(peer, hosted.id),
    })
    const now = () => this.#host.now()
    onOwnScope(hosted, member.sync, now, () => this.#offer(member))
    tellOfAdmitted(hosted, gossip, () => this.#offer(member))
    hosted.replica.addEventListener('admitted', ({ detail }) => this.#attendance.onAdmitted(member, detail))
    const begin = () => {
      this.#attendance.add(member)
      for (const peer of this.#libp2p.getPeers()) this.#scheduler.soon(space, peer)
      this.#discovery.hurry()
    }
    if (this.#libp2p.status === 'started') begin()
    else this.#libp2p.addEventListener('start', begin, { once: true })
  }

  /** Dials peers that an invite named, and adds its introduction nodes. */
  meet(addresses: readonly Multiaddr[], bootstrap: readonly Multiaddr[]): void {
    for (const address of bootstrap) this.#addBootstrap(address)
    for (const address of addresses) void this.#dialer.dial(address)
  }

  /** Dials one address; rejects where it cannot be reached. Gives the peer's id. */
  async reach(address: Multiaddr, signal: AbortSignal): Promise<string> {
    return await this.#dialer.reach(address, signal)
  }

  /** Peers, as text, with whom a space can be compared now. */
  peersOf(space: Space): readonly string[] {
    return this.#peers.of(space.hosted).map(String)
  }

  /**
   * Compares with one peer, or with every peer of the space, and waits for the reports. Of every peer, those whose link ends meanwhile are
   * left out, where there is one at least that reports; else it rejects with why the first could not.
   */
  async sync(
    space: Space,
    peer: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly (readonly [string, SyncReport])[]> {
    const member = this.#members.get(toHex(space.hosted.topic))
    if (member === undefined) throw new Error('bug: a space that is not in the network')
    const peers = peer === undefined ? this.#peers.of(space.hosted) : [parsePeer(peer)]
    const { sync } = this.#libp2p.services
    const runs = peers.map(
      async (one) => [one.toString(), await sync.sync(one, member.sync, signal)] as const,
    )
    return await thoseThatReport(runs, signal)
  }

  #addBootstrap(address: Multiaddr): void {
    if (this.#bootstrap.some((known) => known.equals(address))) return
    this.#bootstrap.push(address)
    this.#standings.pin(address)
  }

  /** Addresses that invites named, of spaces in which nobody is connected. */
  #invited(): readonly Multiaddr[] {
    const lonely = this.#attendance.all().filter(({ sync }) => this.#peers.sharers(sync).length === 0)
    const addresses = new Set(lonely.flatMap(({ space }) => space.hosted.meetingPoints().peers))
    return [...addresses].map((address) => multiaddr(address))
  }

  #onPeer(peer: PeerId): void {
    this.#peers.onSpeaker(peer)
    if (this.#standings.isBanned(peer.toString())) {
      void this.#libp2p.hangUp(peer).catch(() => {})
      return
    }
    // Both sides see the connection; the smaller peer id opens, so that two links do not cross. The interval is the safety net.
    if (this.#libp2p.peerId.toString() > peer.toString()) return
    for (const { space } of this.#attendance.all()) this.#scheduler.soon(space, peer)
  }

  #onGone(peer: PeerId): void {
    this.#scheduler.forget(peer.toString())
    for (const topic of this.#peers.onGone(peer))
      this.#members.get(topic)?.space.onProven(peer.toString(), false)
  }

  #onOpen(peer: PeerId, sync: SyncSpace): void {
    const member = this.#members.get(toHex(sync.topic))
    if (member === undefined) return
    this.#peers.onProven(sync, peer)
    member.space.onProven(peer.toString(), true)
    void this.#discovery
      .remember(peer, this.#libp2p.getConnections(peer))
      .catch((error: unknown) => this.#host.log(`peer store: ${String(error)}`))
    this.#host.onConnect(peer, member.space.hosted)
  }

  #onClose(peer: PeerId, sync: SyncSpace | null, fault: Fault | null): void {
    const member = sync === null ? undefined : this.#members.get(toHex(sync.topic))
    if (sync !== null) this.#peers.onClose(sync, peer, fault?.code ?? null)
    member?.space.onProven(peer.toString(), sync !== null && this.#peers.isSharer(sync, peer))
    if (fault !== null && fault.code !== 'LINK_CLOSED') {
      member?.space.onFault(peer.toString(), fault.code)
      tellTrouble(this.#host, fault, `link with ${peer.toString()} ended: ${fault.code}, ${fault.detail}`)
      if (fault.code === 'TIMEOUT') this.blame(peer, fault)
    }
    if (!this.#isStopping) this.#discovery.hurry()
  }

  #onFault(peer: PeerId, space: SyncSpace | null, fault: Fault, bytes: Uint8Array): void {
    const member = space === null ? undefined : this.#members.get(toHex(space.topic))
    member?.space.hosted.replica.noteRefusal(fault, peer.toString(), bytes)
    this.blame(peer, fault)
  }

  /** Holds an offence against a peer. */
  blame(peer: PeerId, offence: Fault): void {
    const addresses = this.#libp2p.getConnections(peer).map(({ remoteAddr }) => remoteAddr)
    if (!this.#standings.blame(peer.toString(), offence, addresses)) return
    this.#host.log(`${peer.toString()} is banned for a while: ${offence.code}, ${offence.detail}`)
    // Not in order: a peer that does not read would keep its connection until the closing times out.
    for (const connection of this.#libp2p.getConnections(peer)) connection.abort(new Error('banned'))
  }

  /** A guest publishes its tokens after the first run, whichever side began it. */
  #publishPending({ space }: Member): void {
    try {
      space.publishPendingTokens()
    } catch (error) {
      this.#host.log(`could not publish what this node joined with: ${String(error)}`)
    }
  }

  #syncSpace(hosted: HostedSpace): SyncSpace {
    const sync: SyncSpace = createSyncSpace(hosted, {
      reader: this.#host.reader,
      now: () => this.#host.now(),
      onFault: (peer, fault) => this.#onFault(peer, sync, fault, new Uint8Array()),
      onRefused: (peer, fault) => this.blame(peer, fault),
    })
    return sync
  }

  #gossipHost(): GossipHost {
    return {
      isWelcome: (hosted, peer) =>
        this.#libp2p.services.sync.isProven(peer, hosted.id) && !this.#standings.isBanned(peer.toString()),
      self: this.#libp2p.peerId,
      reader: () => this.#host.reader().publicKey,
      isWithinRate: (peer, operations) => this.#gossip.takeOperations(peer, operations),
      mayPublish: () => this.#ownGossip.take(),
      onRefused: (peer, code, detail) => this.blame(peer, { code, detail }),
      onMissing: (hosted, peer) => {
        const member = this.#members.get(toHex(hosted.topic))
        if (member !== undefined) this.#scheduler.soon(member.space, peer)
      },
      onUnheard: (hosted) => {
        const member = this.#members.get(toHex(hosted.topic))
        if (member !== undefined) this.#offer(member)
      },
    }
  }

  /** Compares with every peer of the space soon, because gossip did not reach them. */
  #offer({ space, sync }: Member): void {
    for (const peer of this.#peers.sharers(sync)) this.#scheduler.soon(space, peer)
  }

  #listening(): readonly Multiaddr[] {
    return this.#libp2p.getMultiaddrs().filter((address) => !address.toString().includes('/p2p-circuit'))
  }
}
