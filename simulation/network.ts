import type { Connection, PeerId } from '@libp2p/interface'
import type { Random } from './random.ts'
import { SimulatedStream, type Wire } from './stream.ts'
import type { Owner, Timeline } from './timeline.ts'

/** What the network is like where nothing is broken. */
export interface Weather {
  readonly latencyMs: number
  readonly jitterMs: number
  /** Of gossip messages; of stream segments, which are sent again and come late. */
  readonly loss: number
  readonly duplication: number
}

/** A host on the network: a node that runs, or one that plays a part. Gone when its owner is dead. */
export interface Host {
  readonly owner: Owner
  readonly peerId: PeerId
  /** Says whether a connection with that peer is wanted. */
  accepts(peer: PeerId): boolean
  onConnect(peer: PeerId): void
  onDisconnect(peer: PeerId): void
  /** Somebody opened a stream of the sync protocol. */
  onStream(stream: SimulatedStream, connection: Connection): void
  onGossip(from: PeerId, data: Uint8Array): void
}

/** What may be done to the network, and what is counted of it. */
export type NetworkFault = 'delay' | 'loss' | 'reorder' | 'duplicate' | 'reset' | 'oneWayLoss' | 'partition'

interface Link {
  readonly hosts: readonly [Host, Host]
  readonly streams: Set<SimulatedStream>
  readonly connections: readonly [Connection, Connection]
}

interface Pipe {
  readonly link: Link
  readonly from: Host
  readonly to: Host
  readonly segments: Uint8Array[]
  isMoving: boolean
  isClosing: boolean
}

/** How long a segment that was lost waits before it is sent again. */
const RESEND_MS = 400
/** How long a connection lasts over which nothing comes. */
const DEAD_AFTER_MS = 45_000
/** How often a missing connection is tried. */
const DIAL_MS = 4_000

/** Hosts, who is to be connected with whom, and what happens to what they send each other. */
export class Network implements Wire {
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #weather: Weather
  readonly #count: (fault: NetworkFault) => void
  readonly #outside: Owner
  readonly #hosts = new Map<string, Host>()
  readonly #edges = new Set<string>()
  readonly #links = new Map<string, Link>()
  readonly #pipes = new Map<SimulatedStream, Pipe>()
  /** The most bytes that a peer ever had sent on one stream without their being read. */
  readonly mostInFlight = new Map<string, number>()
  /** Bytes that arrived on streams, by `from to`. */
  readonly traffic = new Map<string, number>()
  /** `from to` of directions in which nothing gets through, with how many faults say so. */
  readonly #blocked = new Map<string, number>()

  /** When the last gossip message arrives, by `from to`. */
  readonly #lastGossipMs = new Map<string, number>()

  constructor(
    timeline: Timeline,
    random: Random,
    weather: Weather,
    outside: Owner,
    count: (fault: NetworkFault) => void,
  ) {
    this.#timeline = timeline
    this.#random = random
    this.#weather = weather
    this.#outside = outside
    this.#count = count
  }

  /** Puts a host on the network, in place of an earlier one of that name. */
  attach(host: Host): void {
    this.#hosts.set(host.peerId.toString(), host)
  }

  /** Takes a host off the network: its connections break. */
  detach(peer: PeerId): void {
    const host = this.#hosts.get(peer.toString())
    if (host === undefined) return
    this.#hosts.delete(peer.toString())
    for (const link of this.#links.values()) if (link.hosts.includes(host)) this.#cut(link)
  }

  /** From now on these two know of each other and try to be connected. */
  introduce(a: PeerId, b: PeerId): void {
    const key = edgeOf(a, b)
    if (this.#edges.has(key)) return
    this.#edges.add(key)
    const dial = () => {
      this.#dial(a, b)
      this.#timeline.plan(DIAL_MS + this.#random.below(DIAL_MS), this.#outside, 'dial', dial)
    }
    this.#timeline.plan(this.#random.below(500), this.#outside, 'dial', dial)
  }

  /** Peers connected now. */
  peersOf(peer: PeerId): readonly PeerId[] {
    const connected: PeerId[] = []
    for (const { hosts } of this.#links.values()) {
      const [a, b] = hosts
      if (a.peerId.equals(peer)) connected.push(b.peerId)
      else if (b.peerId.equals(peer)) connected.push(a.peerId)
    }
    return connected
  }

  /** The connection of one peer to another, as the first sees it. */
  connection(peer: PeerId, remote: PeerId): Connection | undefined {
    const link = this.#links.get(edgeOf(peer, remote))
    if (link === undefined) return undefined
    return link.hosts[0].peerId.equals(peer) ? link.connections[0] : link.connections[1]
  }

  /** Lets nothing through from one peer to another until unblocked as often. */
  block(from: PeerId, to: PeerId): void {
    const key = directionOf(from, to)
    this.#blocked.set(key, (this.#blocked.get(key) ?? 0) + 1)
    this.#timeline.plan(DEAD_AFTER_MS, this.#outside, 'keep-alive', () => {
      const link = this.#links.get(edgeOf(from, to))
      if (link !== undefined && this.#isBlocked(from, to)) this.#cut(link)
    })
  }

  unblock(from: PeerId, to: PeerId): void {
    const key = directionOf(from, to)
    const times = this.#blocked.get(key) ?? 0
    if (times <= 1) this.#blocked.delete(key)
    else this.#blocked.set(key, times - 1)
  }

  /** Breaks a connection now, perhaps in the middle of a frame. */
  hangUp(a: PeerId, b: PeerId): void {
    const link = this.#links.get(edgeOf(a, b))
    if (link === undefined) return
    this.#count('reset')
    for (const stream of link.streams) {
      const pipe = this.#pipes.get(stream)
      const segment = pipe?.segments.shift()
      if (pipe === undefined || segment === undefined) continue
      const part = segment.subarray(0, this.#random.below(segment.length))
      this.#timeline.plan(0, pipe.to.owner, 'part of a segment', () => stream.other.arrive(part))
    }
    this.#cut(link)
  }

  /** Opens a stream of the sync protocol; the other side hears of it a moment later. */
  async openStream(from: PeerId, to: PeerId): Promise<SimulatedStream> {
    const link = this.#links.get(edgeOf(from, to))
    const sender = this.#hosts.get(from.toString())
    if (link === undefined || sender === undefined) throw new Error('not connected')
    const [near, far] = SimulatedStream.pair(this)
    const receiver = link.hosts[0] === sender ? link.hosts[1] : link.hosts[0]
    this.#pipes.set(near, pipeOf(link, sender, receiver))
    this.#pipes.set(far, pipeOf(link, receiver, sender))
    const { promise, resolve, reject } = Promise.withResolvers<SimulatedStream>()
    const [mine, theirs] = link.hosts[0] === sender ? link.connections : link.connections.toReversed()
    const isThere = () => this.#links.get(edgeOf(from, to)) === link
    const latencyMs = this.#latencyMs()
    this.#timeline.plan(latencyMs, receiver.owner, 'open stream', () => {
      if (!isThere()) return
      for (const end of [near, far]) link.streams.add(end)
      mine?.streams.push(near.asStream)
      theirs?.streams.push(far.asStream)
      receiver.onStream(far, theirs)
    })
    this.#timeline.plan(latencyMs, sender.owner, 'stream is open', () => {
      if (isThere() && link.streams.has(near)) resolve(near)
      else reject(new Error('the connection closed'))
    })
    return await promise
  }

  /** Sends one gossip message: it may be lost, come twice, or overtake another. */
  gossip(from: PeerId, to: PeerId, data: Uint8Array): void {
    if (this.#isBlocked(from, to) || this.#random.chance(this.#weather.loss)) {
      this.#count('loss')
      return
    }
    const copies = this.#random.chance(this.#weather.duplication) ? 2 : 1
    if (copies > 1) this.#count('duplicate')
    const link = this.#links.get(edgeOf(from, to))
    const direction = directionOf(from, to)
    for (let i = 0; i < copies; i++) {
      const receiver = this.#hosts.get(to.toString())
      if (link === undefined || receiver === undefined) return
      const latencyMs = this.#latencyMs()
      const arrivesMs = this.#timeline.nowMs + latencyMs
      if (arrivesMs < (this.#lastGossipMs.get(direction) ?? 0)) this.#count('reorder')
      this.#lastGossipMs.set(direction, arrivesMs)
      this.#timeline.plan(latencyMs, receiver.owner, 'gossip', () => {
        if (this.#links.get(edgeOf(from, to)) === link) receiver.onGossip(from, data)
      })
    }
  }

  carry(from: SimulatedStream, bytes: Uint8Array): void {
    const pipe = this.#pipes.get(from)
    if (pipe === undefined) return
    const sender = pipe.from.peerId.toString()
    this.mostInFlight.set(sender, Math.max(from.inFlightBytes, this.mostInFlight.get(sender) ?? 0))
    const cut = this.#random.chance(0.2) ? this.#random.below(bytes.length) : 0
    if (cut > 0) pipe.segments.push(bytes.subarray(0, cut))
    pipe.segments.push(bytes.subarray(cut))
    this.#move(pipe, from)
  }

  closeWrite(from: SimulatedStream): void {
    const pipe = this.#pipes.get(from)
    if (pipe === undefined) return
    pipe.isClosing = true
    this.#move(pipe, from)
  }

  reset(from: SimulatedStream): void {
    const pipe = this.#pipes.get(from)
    if (pipe === undefined) return
    this.#forget(pipe.link, from)
    this.#timeline.plan(this.#latencyMs(), pipe.to.owner, 'reset', () => {
      this.#forget(pipe.link, from.other)
      from.other.end('reset', new Error('the stream was reset'))
    })
  }

  drained(from: SimulatedStream): void {
    const pipe = this.#pipes.get(from)
    if (pipe === undefined) return
    this.#timeline.plan(this.#latencyMs(), pipe.from.owner, 'drain', () => from.drain())
  }

  /** Moves the first segment of a pipe on, later, and then the next: a stream keeps its order. */
  #move(pipe: Pipe, from: SimulatedStream): void {
    if (pipe.isMoving || (pipe.segments.length === 0 && !pipe.isClosing)) return
    pipe.isMoving = true
    const isLost = this.#random.chance(this.#weather.loss)
    if (isLost) this.#count('delay')
    this.#timeline.plan(this.#latencyMs() + (isLost ? RESEND_MS : 0), pipe.to.owner, 'segment', () => {
      pipe.isMoving = false
      if (!this.#pipes.has(from.other)) return
      if (this.#isBlocked(pipe.from.peerId, pipe.to.peerId)) {
        this.#timeline.plan(RESEND_MS, this.#outside, 'resend', () => this.#move(pipe, from))
        return
      }
      // What was sent meanwhile comes along, as on a real wire.
      for (const segment of pipe.segments.splice(0)) {
        const direction = directionOf(pipe.from.peerId, pipe.to.peerId)
        this.traffic.set(direction, (this.traffic.get(direction) ?? 0) + segment.length)
        from.other.arrive(segment)
      }
      if (!pipe.isClosing) return
      pipe.isClosing = false
      from.other.endReading()
    })
  }

  #dial(a: PeerId, b: PeerId): void {
    const key = edgeOf(a, b)
    const first = this.#hosts.get(a.toString())
    const second = this.#hosts.get(b.toString())
    if (this.#links.has(key) || first === undefined || second === undefined) return
    if (this.#isBlocked(a, b) || this.#isBlocked(b, a)) return
    if (!first.accepts(b) || !second.accepts(a)) return
    const link: Link = {
      hosts: [first, second],
      streams: new Set(),
      connections: [connectionTo(b), connectionTo(a)],
    }
    this.#links.set(key, link)
    this.#timeline.plan(this.#latencyMs(), first.owner, 'connect', () => first.onConnect(b))
    this.#timeline.plan(this.#latencyMs(), second.owner, 'connect', () => second.onConnect(a))
  }

  #cut(link: Link): void {
    const [a, b] = link.hosts
    this.#links.delete(edgeOf(a.peerId, b.peerId))
    for (const stream of [...link.streams]) {
      const owner = this.#pipes.get(stream)?.from.owner ?? this.#outside
      this.#forget(link, stream)
      this.#timeline.plan(0, owner, 'connection broke', () =>
        stream.end('reset', new Error('the connection broke')),
      )
    }
    this.#timeline.plan(0, a.owner, 'disconnect', () => a.onDisconnect(b.peerId))
    this.#timeline.plan(0, b.owner, 'disconnect', () => b.onDisconnect(a.peerId))
  }

  #forget(link: Link, stream: SimulatedStream): void {
    link.streams.delete(stream)
    this.#pipes.delete(stream)
    for (const { streams } of link.connections) {
      const at = streams.indexOf(stream.asStream)
      if (at >= 0) streams.splice(at, 1)
    }
  }

  #latencyMs(): number {
    const { latencyMs, jitterMs } = this.#weather
    return latencyMs + this.#random.below(jitterMs + 1)
  }

  #isBlocked(from: PeerId, to: PeerId): boolean {
    return this.#blocked.has(directionOf(from, to))
  }
}

/** The name of a direction in {@link Network.traffic}. */
export const directionOf = (from: PeerId, to: PeerId): string => `${from.toString()} ${to.toString()}`

function edgeOf(a: PeerId, b: PeerId): string {
  const [first, second] = [a.toString(), b.toString()].toSorted()
  return `${first} ${second}`
}

const pipeOf = (link: Link, from: Host, to: Host): Pipe => ({
  link,
  from,
  to,
  segments: [],
  isMoving: false,
  isClosing: false,
})

const connectionTo = (remotePeer: PeerId): Connection =>
  ({ remotePeer, streams: [] }) as unknown as Connection
