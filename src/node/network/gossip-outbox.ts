import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../core/bytes.ts'
import { encodeGossip, PEER_TAG_BYTES } from '../../core/gossip-message.ts'
import {
  GOSSIP_AT_ONCE_MAX,
  GOSSIP_FANOUT_MAX,
  GOSSIP_GATHER_BUSY_MS,
  GOSSIP_GATHER_IDLE_MS,
  GOSSIP_GATHER_QUIET_MS,
  GOSSIP_MESSAGE_BYTES,
  GOSSIP_MESSAGE_OPERATIONS_MAX,
  GOSSIP_REACHED_MAX,
} from '../../core/limits.ts'
import type { GossipWire } from './gossip-wire.ts'

/** Part of the time from which on the event loop has none to spare. */
const BUSY_LOAD = 0.7

/** How operations came here: they are not sent back there, nor to whoever is said to have them. */
export interface Arrival {
  readonly source: PeerId
  /** Tags of peers, hexadecimal: few, so they are looked through. */
  readonly reached: readonly string[]
}

/** What the outbox needs of the gossip around it. */
export interface OutboxHost {
  readonly self: PeerId
  readonly topic: string
  /** True for a peer that may be told: past this space's handshake, and not banned. */
  isWelcome(peer: PeerId): boolean
  /** True where this node may say one thing more of its own. */
  mayPublish(): boolean
  /** What we wrote went out to nobody. */
  onUnheard(): void
  /** A peer was left out, because too much waits for it. */
  onSlow(peer: PeerId): void
  /** A clock that never goes back, in ms. */
  now(): number
  /** Part of the time since it was asked last that this process's event loop was at work, 0 to 1. */
  load(): number
}

interface Waiting {
  readonly envelope: Uint8Array
  /** Null for what is written here. */
  readonly arrival: Arrival | null
}

/**
 * What goes out on the topic of one space. Invariants:
 * 1. the first after a rest, GOSSIP_AT_ONCE_MAX times, goes out at once, and together only with what was written together; what follows goes out together after a pause,
 *    in order. While the event loop has time the pause is short, since others may be waiting for just this operation. While it has none, the pause
 *    doubles as long as several operations gather in it, up to GOSSIP_GATHER_BUSY_MS, and halves down to GOSSIP_GATHER_QUIET_MS as long as
 *    they do not: so a message costs little beside what is in it. None waits longer, also not where one write follows the other and timers get no turn;
 * 2. what is written here goes to everybody who listens, up to GOSSIP_FANOUT_MAX, the mesh first; what is passed on goes to the mesh
 *    without its sender and those that are said to have it;
 * 3. nothing waits for a peer that reads slowly.
 */
export class GossipOutbox {
  readonly #wire: GossipWire
  readonly #host: OutboxHost
  #waiting: Waiting[] = []
  #pause: NodeJS.Timeout | null = null
  #pauseMs = GOSSIP_GATHER_IDLE_MS
  #pauseEndMs = 0
  /** Messages since the last rest. */
  #sinceRest = 0
  /** Of those who listened when it was last looked, by peer as text. */
  #tags: ReadonlyMap<string, string> = new Map()
  #asked: { readonly arrival: Arrival; readonly isWanted: boolean } | null = null

  constructor(wire: GossipWire, host: OutboxHost) {
    this.#wire = wire
    this.#host = host
  }

  /** Sends envelopes, at once or within GOSSIP_GATHER_BUSY_MS. */
  add(envelopes: readonly Uint8Array[], arrival: Arrival | null): void {
    // Where all that are near have it already, nothing is said, and nothing of our own waits for it.
    if (arrival !== null && !this.#isWanted(arrival)) return
    for (const envelope of envelopes) this.#waiting.push({ envelope, arrival })
    if (this.#pause === null || this.#sinceRest < GOSSIP_AT_ONCE_MAX || this.#host.now() >= this.#pauseEndMs)
      this.#flush()
  }

  /** What waits is not sent any more. */
  stop(): void {
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#pause = null
    this.#waiting = []
  }

  /** True where a message is to be passed on to anybody, as asked for its first operation. */
  #isWanted(arrival: Arrival): boolean {
    if (this.#asked?.arrival !== arrival) {
      const { topic } = this.#host
      const mesh = this.#wire.mesh(topic)
      const isWanted =
        this.#mayWant(mesh, arrival) && forOthers(this.#wire.listeners(topic), mesh, arrival).length > 0
      this.#asked = { arrival, isWanted }
    }
    return this.#asked.isWanted
  }

  /** False where all of the mesh have it: found without looking at everybody who listens. */
  #mayWant(mesh: readonly string[], { source, reached }: Arrival): boolean {
    const from = source.toString()
    for (const peer of mesh) {
      if (peer === from) continue
      if (!this.#tags.has(peer)) this.#tags = tagsOf(this.#wire.listeners(this.#host.topic))
      const tag = this.#tags.get(peer)
      if (tag !== undefined && !reached.includes(tag)) return true
    }
    return false
  }

  #flush(): void {
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#sinceRest++
    const waiting = this.#waiting
    this.#waiting = []
    const listeners = this.#wire.listeners(this.#host.topic).filter((peer) => this.#host.isWelcome(peer))
    const mesh = this.#wire.mesh(this.#host.topic)
    for (const { arrival, envelopes } of byArrival(waiting)) this.#send(envelopes, arrival, listeners, mesh)
    this.#pauseMs = this.#nextPauseMs(waiting.length)
    this.#pauseEndMs = this.#host.now() + this.#pauseMs
    this.#pause = setTimeout(() => {
      this.#pause = null
      if (this.#waiting.length > 0) return this.#flush()
      this.#pauseMs = GOSSIP_GATHER_IDLE_MS
      this.#sinceRest = 0
    }, this.#pauseMs)
    this.#pause.unref()
  }

  /** After a pause in which so many operations have gathered. */
  #nextPauseMs(gathered: number): number {
    if (this.#host.load() < BUSY_LOAD) return GOSSIP_GATHER_IDLE_MS
    const pauseMs = gathered > 1 ? 2 * this.#pauseMs : this.#pauseMs / 2
    return Math.min(Math.max(pauseMs, GOSSIP_GATHER_QUIET_MS), GOSSIP_GATHER_BUSY_MS)
  }

  #send(
    envelopes: readonly Uint8Array[],
    arrival: Arrival | null,
    listeners: readonly PeerId[],
    mesh: readonly string[],
  ): void {
    const wanted = arrival === null ? forOwn(listeners, mesh) : forOthers(listeners, mesh, arrival)
    const peers = wanted.filter((peer) => !this.#wire.isSlow(peer))
    for (const peer of wanted) if (!peers.includes(peer)) this.#host.onSlow(peer)
    const isOwn = arrival === null
    let heard = 0
    if (peers.length > 0) {
      const reached = this.#reached(peers, arrival)
      for (const chunk of chunksOf(envelopes)) {
        if (isOwn && !this.#host.mayPublish()) break
        if (this.#wire.send(this.#host.topic, encodeGossip(reached, chunk), peers).size > 0)
          heard += chunk.length
      }
    }
    if (isOwn && heard < envelopes.length) this.#host.onUnheard()
  }

  /** Who will have it, as far as is known here: nobody is told where it goes to one peer only and came from none. */
  #reached(peers: readonly PeerId[], arrival: Arrival | null): readonly string[] {
    if (arrival === null && peers.length === 1) return []
    const sources = arrival === null ? [] : [arrival.source]
    const near = [...peers, this.#host.self, ...sources].map(tagOf)
    const reached = [...new Set([...near, ...(arrival?.reached ?? [])])]
    return reached.slice(0, GOSSIP_REACHED_MAX)
  }
}

const tags = new WeakMap<PeerId, string>()

/** The tag of a peer, hexadecimal. */
export function tagOf(peer: PeerId): string {
  const tag = tags.get(peer) ?? toHex(peer.toMultihash().bytes.slice(-PEER_TAG_BYTES))
  tags.set(peer, tag)
  return tag
}

function tagsOf(peers: readonly PeerId[]): ReadonlyMap<string, string> {
  return new Map(peers.map((peer) => [peer.toString(), tagOf(peer)]))
}

/** Everybody, or the mesh and as many others as there is room for. */
function forOwn(listeners: readonly PeerId[], mesh: readonly string[]): readonly PeerId[] {
  if (listeners.length <= GOSSIP_FANOUT_MAX) return listeners
  const isNear = (peer: PeerId) => Number(mesh.includes(peer.toString()))
  return listeners.toSorted((a, b) => isNear(b) - isNear(a)).slice(0, GOSSIP_FANOUT_MAX)
}

function forOthers(
  listeners: readonly PeerId[],
  mesh: readonly string[],
  { source, reached }: Arrival,
): readonly PeerId[] {
  return listeners.filter(
    (peer) => mesh.includes(peer.toString()) && !peer.equals(source) && !reached.includes(tagOf(peer)),
  )
}

/** What came the same way together, in order. */
function byArrival(waiting: readonly Waiting[]) {
  const groups = new Map<Arrival | null, Uint8Array[]>()
  for (const { envelope, arrival } of waiting) {
    const group = groups.get(arrival)
    if (group === undefined) groups.set(arrival, [envelope])
    else group.push(envelope)
  }
  return [...groups].map(([arrival, envelopes]) => ({ arrival, envelopes }))
}

/** Envelopes in messages of at most GOSSIP_MESSAGE_OPERATIONS_MAX and, but for a single one, GOSSIP_MESSAGE_BYTES. */
function chunksOf(envelopes: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const chunks: Uint8Array[][] = []
  let last: Uint8Array[] = []
  let bytes = 0
  for (const envelope of envelopes) {
    const isFull =
      last.length >= GOSSIP_MESSAGE_OPERATIONS_MAX || bytes + envelope.length > GOSSIP_MESSAGE_BYTES
    if (last.length === 0 || isFull) {
      last = []
      chunks.push(last)
      bytes = 0
    }
    last.push(envelope)
    bytes += envelope.length
  }
  return chunks
}
