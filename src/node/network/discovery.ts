import { randomInt } from 'node:crypto'
import type { Connection, Peer, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { mixIntroductions, type IntroducedPeer } from '../../../protocols/introduction/index.ts'
import { WIDE_NETWORK } from '../../core/address-network.ts'
import {
  ANCHORS_MAX,
  CONNECTION_GRACE_MS,
  INTRODUCTION_PEER_TOPICS_MAX,
  MEMBERS_DIALLED_MAX,
  PEERS_STORED_MAX,
  SPACES_PER_ROUND_MAX,
} from '../../core/limits.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { networkOf } from './connection-gater.ts'
import { type DialCandidate, DialQueue } from './dial-queue.ts'
import type { Network } from './libp2p.ts'

/** Peers of a space that are dialled from one round of introductions. */
const INTRODUCED_PEERS_MAX = 16
/** Peers of a space a node wants to be connected to before it stops asking for more. */
const DEGREE_TARGET = 8
/** Bound of one dial, in ms. */
const DIAL_TIMEOUT_MS = 10_000
/** First and longest pause between two rounds, in ms: soon after the start, rarely when all is well. */
const ROUND_FIRST_MS = 500
/** The least that a pause is shortened to, of its length: by chance. */
const PAUSE_LEAST = 0.6
/** Tag of peers that have been past a handshake: kept in the peer store across restarts, tried again in every round. */
const MEMBER_TAG = 'hanse-member'
/**
 * Tag of members that this node itself has dialled and found, a few of them: dialled before all others, so that whoever fills a
 * restarted node's table with colluders still has these to get past.
 */
const ANCHOR_TAG = 'hanse-anchor'
/** Tag by which libp2p itself reconnects, at once and with back-off: for anchors only, or it would dial every member at the start. */
const KEEP_ALIVE_TAG = 'keep-alive-hanse'
/** How long a member that is never seen again is remembered, in ms. */
const MEMBER_TTL_MS = 30 * 24 * 60 * 60 * 1000
/** Bound of one DHT query, in ms; and how often a provider record is renewed. */
const DHT_QUERY_TIMEOUT_MS = 10_000
const DHT_PROVIDE_EVERY_MS = 60 * 60 * 1000
/** Code of raw bytes in a CID, and of SHA-256 in a multihash. */
const RAW_CODE = 0x55
const SHA256_CODE = 0x12

export interface DiscoveryInit {
  readonly network: Network
  /** Multiaddrs of introduction nodes, with their peer ids. */
  readonly bootstrap: readonly Multiaddr[]
  /** Longest pause between two rounds of introductions, in ms. */
  readonly intervalMs: number
  /** The spaces of this node, the most important first. */
  readonly spaces: () => readonly HostedSpace[]
  /** Number of connected peers that have proved to share the space. */
  readonly sharerCount: (space: HostedSpace) => number
  readonly log: (message: string) => void
}

/**
 * How peers are found, in the order of trust of DESIGN §8: peers the user named (dialled by the node itself), cached peers, the
 * local network, peers that introduction nodes name, the DHT. A found peer is a hint: whether it shares a space is settled by the
 * handshake. Introduction nodes are asked several at once, and none decides alone (mixIntroductions).
 */
export class Discovery {
  readonly #init: DiscoveryInit
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #pauseMs = ROUND_FIRST_MS
  #round: Promise<void> | null = null
  readonly #providedAtMs = new WeakMap<HostedSpace, number>()
  /** In how many rounds in a row nobody was there to share a space with. */
  readonly #lonelyRounds = new WeakMap<HostedSpace, number>()
  /** When it was last a space's turn in a round, by a count of rounds. */
  readonly #turns = new WeakMap<HostedSpace, number>()
  #rounds = 0
  readonly #dials: DialQueue

  constructor(init: DiscoveryInit) {
    this.#init = init
    const { network } = init
    this.#dials = new DialQueue({
      now: () => performance.now(),
      missing: () => this.#missing(),
      isNeedless: (peer) => network.peerId.equals(peer) || network.getConnections(peer).length > 0,
      dial: async (candidate) => await this.#dial(candidate),
    })
  }

  /** Begins: dials what is cached, and asks the introduction nodes at intervals. */
  start(): void {
    this.#init.network.addEventListener('peer:discovery', ({ detail }) =>
      this.#dials.offer([{ peer: detail.id, addresses: detail.multiaddrs }]),
    )
    void this.round()
  }

  /** Remembers a peer past a handshake, so that it is found again without anybody's help. */
  async remember(peer: PeerId, connections: readonly Connection[]): Promise<void> {
    const { peerStore } = this.#init.network
    await peerStore.merge(peer, { tags: { [MEMBER_TAG]: { value: 50, ttl: MEMBER_TTL_MS } } })
    const dialled = connections.find(({ direction }) => direction === 'outbound')
    if (dialled === undefined) return
    const anchors = await this.anchors()
    const networks = anchors.flatMap(({ addresses }) =>
      addresses.map(({ multiaddr }) => networkOf(multiaddr, WIDE_NETWORK)),
    )
    const network = networkOf(dialled.remoteAddr, WIDE_NETWORK)
    if (anchors.length >= ANCHORS_MAX || (network !== null && networks.includes(network))) return
    const tags = {
      [ANCHOR_TAG]: { value: 60, ttl: MEMBER_TTL_MS },
      [KEEP_ALIVE_TAG]: { value: 50, ttl: MEMBER_TTL_MS },
    }
    await peerStore.merge(peer, { tags })
  }

  /** The members that are dialled before all others. */
  async anchors(): Promise<readonly Peer[]> {
    return (await this.#init.network.peerStore.all()).filter(({ tags }) => tags.has(ANCHOR_TAG))
  }

  /** Ends; a round under way is given up. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#abort.abort(new Error('the node stops'))
  }

  /** Asks every introduction node about every space, now. Joins a round under way. */
  round(): Promise<void> {
    this.#round ??= this.#redialMembers()
      .then(async () => await this.#ask())
      .catch((error: unknown) =>
        this.#init.log(`discovery: ${error instanceof Error ? error.message : String(error)}`),
      )
      .then(() => {
        this.#round = null
        this.#schedule()
      })
    return this.#round
  }

  /** Asks again soon, unless there are peers enough: a space was added, or a peer lost. */
  hurry(): void {
    if (this.#missing() <= 0) return
    this.#pauseMs = ROUND_FIRST_MS
    if (this.#round === null) this.#schedule()
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#abort.signal.aborted) return
    // Nodes that were started together, or lost the same peer, must not go on asking together.
    const pauseMs = this.#pauseMs * (PAUSE_LEAST + (1 - PAUSE_LEAST) * Math.random())
    this.#timer = setTimeout(() => void this.round(), pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#init.intervalMs)
  }

  async #redialMembers(): Promise<void> {
    const { network } = this.#init
    const known = await network.peerStore.all()
    await this.#forgetStrangers(known)
    this.#dials.clear()
    if (this.#missing() <= 0) return
    const absent = known.filter(({ id }) => network.getConnections(id).length === 0)
    const anchors = absent.filter(({ tags }) => tags.has(ANCHOR_TAG))
    const members = absent.filter(({ tags }) => tags.has(MEMBER_TAG) && !tags.has(ANCHOR_TAG))
    // Which of many is left to chance: a fixed order would let whoever is first in it be tried for ever.
    while (anchors.length < MEMBERS_DIALLED_MAX && members.length > 0)
      anchors.push(...members.splice(randomInt(members.length), 1))
    this.#dials.offer(
      anchors.map(({ id, addresses }) => ({
        peer: id,
        addresses: addresses.map(({ multiaddr }) => multiaddr),
      })),
    )
  }

  /** Everybody who ever connected is in libp2p's peer store: strangers beyond its bound are taken out again. */
  async #forgetStrangers(known: readonly Peer[]): Promise<void> {
    const { network } = this.#init
    const strangers = known.filter(
      ({ id, tags }) => !tags.has(MEMBER_TAG) && network.getConnections(id).length === 0,
    )
    for (const { id } of strangers.slice(0, Math.max(0, known.length - PEERS_STORED_MAX)))
      await network.peerStore.delete(id)
  }

  async #ask(): Promise<void> {
    const { bootstrap, network, spaces, sharerCount, log } = this.#init
    const { signal } = this.#abort
    // An introduction node lists a peer under so many topics: those of the spaces in which something happens.
    const listed = spaces().slice(0, INTRODUCTION_PEER_TOPICS_MAX)
    const own = this.#spacesOfRound()
    if (bootstrap.length === 0 || own.length === 0) return
    const { introductions } = network.services
    const answers = new Map<HostedSpace, Map<Multiaddr, readonly IntroducedPeer[]>>(
      own.map((space) => [space, new Map()]),
    )
    await Promise.all(
      bootstrap.map(async (introducer) => {
        const registered = await introductions.register(
          introducer,
          listed.map((space) => space.topic),
          signal,
        )
        const failed = registered.find(({ outcome }) => !outcome.ok)?.outcome
        if (failed !== undefined && !failed.ok && failed.fault.code !== 'NO_ADDRESS') {
          log(`introduction node ${introducer.toString()}: ${failed.fault.code}, ${failed.fault.detail}`)
        }
        // An answer is a signature to check for each whom it names: not asked where nobody is missing.
        for (const space of own.filter((one) => sharerCount(one) < DEGREE_TARGET)) {
          const answer = await introductions.query(introducer, space.topic, { signal })
          if (answer.ok) answers.get(space)?.set(introducer, answer.value.peers)
        }
      }),
    )
    if (signal.aborted) return
    for (const space of own) {
      const isNamed = this.#meet(space, answers.get(space) ?? new Map())
      void this.#askDht(space, isNamed)
    }
  }

  /** Spaces for which peers are looked for now: at most so many, those that wait longest for their turn, and without peers first. */
  #spacesOfRound(): readonly HostedSpace[] {
    const { spaces, sharerCount } = this.#init
    const turn = (space: HostedSpace) => this.#turns.get(space) ?? -1
    const inTurn = spaces().toSorted(
      (a, b) => turn(a) - turn(b) || Math.sign(sharerCount(a)) - Math.sign(sharerCount(b)),
    )
    const chosen = inTurn.slice(0, SPACES_PER_ROUND_MAX)
    this.#rounds++
    for (const space of chosen) this.#turns.set(space, this.#rounds)
    return chosen
  }

  /**
   * The last resort, and a hint like the others: providers of the topic, all of them, so it is asked only where introduction nodes name nobody, or those
   * whom they named a round before are no help.
   */
  async #askDht(space: HostedSpace, isNamed: boolean): Promise<void> {
    const { network, sharerCount, log } = this.#init
    if (!('dht' in network.services)) return
    const topic = CID.createV1(RAW_CODE, Digest.create(SHA256_CODE, space.topic))
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(DHT_QUERY_TIMEOUT_MS)])
    try {
      const due = (this.#providedAtMs.get(space) ?? 0) + DHT_PROVIDE_EVERY_MS
      if (Date.now() >= due) {
        await network.contentRouting.provide(topic, { signal })
        this.#providedAtMs.set(space, Date.now())
      }
      const isLonely = sharerCount(space) === 0
      const before = this.#lonelyRounds.get(space) ?? 0
      this.#lonelyRounds.set(space, isLonely ? before + 1 : 0)
      if (!isLonely || (isNamed && before === 0)) return
      for await (const { id, multiaddrs } of network.contentRouting.findProviders(topic, { signal }))
        this.#dials.offer([{ peer: id, addresses: multiaddrs }])
    } catch (error) {
      if (!this.#abort.signal.aborted) log(`dht: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** True where somebody is named. */
  #meet(space: HostedSpace, answers: ReadonlyMap<Multiaddr, readonly IntroducedPeer[]>): boolean {
    const introduced = mixIntroductions(answers, { limit: INTRODUCED_PEERS_MAX })
    this.#dials.offer(introduced.map(({ peerId, multiaddrs }) => ({ peer: peerId, addresses: multiaddrs })))
    return introduced.length > 0
  }

  /** Connections missing to the space that lacks most. Somebody just connected may be going to prove to be a peer of it. */
  #missing(): number {
    const { network, spaces, sharerCount } = this.#init
    const most = spaces().reduce((sum, space) => Math.max(sum, DEGREE_TARGET - sharerCount(space)), 0)
    if (most === 0) return 0
    // As long as it may keep its place without a proof: on busy machines a handshake takes seconds, and so do those begun in vain.
    const sinceMs = Date.now() - CONNECTION_GRACE_MS
    const hopeful = network
      .getConnections()
      .filter(
        ({ timeline, remotePeer }) =>
          timeline.open > sinceMs && !network.services.sync.isProvenAnywhere(remotePeer.toString()),
      )
    return most - hopeful.length
  }

  async #dial({ peer, addresses }: DialCandidate): Promise<void> {
    const { network, log } = this.#init
    if (this.#abort.signal.aborted) return
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    try {
      // By peer id, with the addresses as hints: the peer store may know better ones.
      await network.peerStore.merge(peer, { multiaddrs: [...addresses] })
      await network.dial(peer, { signal })
    } catch (error) {
      if (this.#abort.signal.aborted) return
      log(`could not reach ${peer.toString()}: ${error instanceof Error ? error.message : String(error)}`)
      // An anchor that is gone while others are there gives its place to another; without any, the fault may be ours.
      if (network.getPeers().length > 0)
        await network.peerStore.merge(peer, {
          tags: { [ANCHOR_TAG]: undefined, [KEEP_ALIVE_TAG]: undefined },
        })
      throw error
    }
  }
}
