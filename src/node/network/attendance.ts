import type { PeerId } from '@libp2p/interface'
import type { SyncSpace } from '../../../protocols/sync/index.ts'
import { toHex } from '../../core/bytes.ts'
import { GOSSIP_RECENT_OPERATIONS_MAX, SPREAD_INTERVAL_MS, UNHEARD_INTERVAL_MS } from '../../core/limits.ts'
import type { Admission } from '../replica/admission-step.ts'
import type { Space } from '../space/space.ts'
import { Gathered } from './gathered.ts'
import { gossipTopic, type SpaceGossip } from './gossip.ts'
import type { GossipGuard } from './gossip-guard.ts'
import type { Network } from './libp2p.ts'
import { LiveSpaces } from './live-spaces.ts'
import type { SpacePeers } from './space-peers.ts'
import type { SyncScheduler } from './sync-scheduler.ts'
import { topicListeners } from './topic-listeners.ts'
import { WritePace } from './write-pace.ts'

/** How long what is admitted in a space is gathered before peers that do not listen to its topic are told, in ms. */
const TOLD_AFTER_MS = 20

/** A space in the network. */
export interface Member {
  readonly space: Space
  readonly gossip: SpaceGossip
  readonly sync: SyncSpace
}

export interface AttendanceInit {
  readonly network: Network
  readonly guard: GossipGuard
  readonly peers: SpacePeers
  readonly scheduler: SyncScheduler<Space>
  readonly now: () => number
}

/**
 * Which spaces are listened to by gossip, and who hears of a space's operations otherwise: peers that share it and do not listen to its
 * topic are told by a comparison, at most every UNHEARD_INTERVAL_MS.
 */
export class Attendance {
  readonly #init: AttendanceInit
  readonly #live: LiveSpaces<Member>
  readonly #admitted = new Gathered<Member>(TOLD_AFTER_MS, (member, isUnheard) =>
    this.#tell(member, isUnheard),
  )
  /** How many operations of a space there were when a comparison last brought one. */
  readonly #gainedTo = new WeakMap<Member, number>()
  readonly #paces = new WeakMap<Member, WritePace>()

  constructor(init: AttendanceInit) {
    this.#init = init
    const { guard, network, now } = init
    this.#live = new LiveSpaces({
      now,
      onLive: ({ gossip, space }) => {
        guard.allow(gossipTopic(space.hosted))
        gossip.start()
      },
      onRest: ({ gossip, space }) => {
        gossip.stop()
        guard.forbid(gossipTopic(space.hosted))
        network.services.sync.letGo(space.hosted.id)
      },
    })
  }

  /** Takes in a space, once the network has started. */
  add(member: Member): void {
    this.#live.add(member)
    this.#paces.set(member, new WritePace(() => performance.now()))
  }

  /** Something was admitted in a space, from whomever: it is live from now on, if there is a place. */
  onAdmitted(member: Member, { entries }: Pick<Admission, 'entries'>): void {
    this.#paces.get(member)?.note(entries.length)
    const wasLive = this.#live.isLive(member)
    const isHeard = this.#live.touch(member) && wasLive
    this.#admitted.say(member, !isHeard)
  }

  /** A comparison with a peer ended, whichever side began it, and brought so many operations. */
  onCompared(member: Member, peer: PeerId, gained: number): void {
    this.#init.scheduler.noteCompared(member.space, peer)
    if (gained > 0) this.#onGained(member, peer)
  }

  /**
   * A comparison with a peer has brought something. Whoever met us before it came does not hear of it by gossip, and would otherwise wait
   * for the interval: a space that is handed on by a chain of newcomers for as many intervals as the chain is long.
   */
  #onGained(member: Member, from: PeerId): void {
    const { peers, scheduler } = this.#init
    const { space, sync } = member
    const [since, to] = [this.#gainedTo.get(member) ?? 0, space.hosted.store.count()]
    this.#gainedTo.set(member, to)
    for (const peer of peers.sharers(sync)) {
      // While others write, a comparison brings what gossip is bringing everybody anyway: one for each of us with each would bury the rest.
      const isDue = () => !holdsTheSame(space, peer) && !hasGone(member, since, to)
      if (!peer.equals(from)) scheduler.atMost(space, peer, SPREAD_INTERVAL_MS, isDue)
    }
  }

  /** True while so much is admitted in a space that a comparison would mostly find what is on its way. */
  isBusy(member: Member): boolean {
    return this.#paces.get(member)?.isBusy ?? false
  }

  isLive(member: Member): boolean {
    return this.#live.isLive(member)
  }

  /** All spaces, the live ones first. */
  all(): readonly Member[] {
    return this.#live.all()
  }

  stop(): void {
    this.#admitted.stop()
    for (const { gossip } of this.#live.all()) gossip.end()
  }

  /** All are told where this node does not listen either, or has not until now. */
  #tell({ space, sync }: Member, isUnheard: boolean): void {
    const { network, peers, scheduler } = this.#init
    const listeners = isUnheard
      ? new Set<string>()
      : topicListeners(network.services.pubsub, gossipTopic(space.hosted))
    for (const peer of peers.sharers(sync)) {
      // By then a comparison, like the one that brought it, may have found both equal.
      const isDue = () => !holdsTheSame(space, peer)
      if (!listeners.has(peer.toString())) scheduler.atMost(space, peer, UNHEARD_INTERVAL_MS, isDue)
    }
  }
}

/** True where the last proof of equality with the peer is of what is here now. */
function holdsTheSame({ peers, hosted }: Space, peer: PeerId): boolean {
  const proof = peers.get(peer.toString())?.lastProof
  return proof != null && proof.clockRoot === toHex(hosted.replica.clockRoot())
}

/** True where gossip has carried each operation that was admitted since there were `since`, until there were `to`. */
function hasGone({ space, gossip }: Member, since: number, to: number): boolean {
  if (to - since > GOSSIP_RECENT_OPERATIONS_MAX) return false
  const { store } = space.hosted
  for (let ordinal = since; ordinal < to; ordinal++) if (!gossip.hasGone(store.at(ordinal))) return false
  return true
}
