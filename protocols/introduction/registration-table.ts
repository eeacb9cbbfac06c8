import { toHex } from '../../src/core/bytes.ts'
import {
  INTRODUCTION_PEER_TOPICS_MAX,
  INTRODUCTION_RECORDS_BYTES_MAX,
  INTRODUCTION_REGISTRATIONS_MAX,
  INTRODUCTION_TOPIC_REGISTRATIONS_MAX,
  INTRODUCTION_TTL_SECONDS_MAX,
} from '../../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../../src/core/result.ts'

/** Bounds of a table; each defaults to the limit of the same name in limits.ts. */
export interface RegistrationTableLimits {
  /** Longest a registration is kept, in seconds. Too short and nodes that renew slowly drop out between renewals. */
  readonly ttlSecondsMax: number
  /** Registrations of one topic. */
  readonly topicRegistrationsMax: number
  /** Topics of one peer. */
  readonly peerTopicsMax: number
  /** Registrations in all. */
  readonly registrationsMax: number
  /** Bytes of records in all. */
  readonly recordsBytesMax: number
}

/** One verified wish to be listed. */
export interface RegistrationRequest {
  /** Text form of the peer id; the record is this peer's own. */
  readonly peer: string
  /** Where the peer connects from, coarsely: peers of one group share the blame when room is short. */
  readonly group: string
  readonly topic: Uint8Array
  readonly record: Uint8Array
  readonly seq: bigint
  readonly ttlSeconds: number
}

/** How full a table is. */
export interface RegistrationTableSize {
  readonly topics: number
  readonly peers: number
  readonly registrations: number
  readonly recordsBytes: number
}

interface ListedPeer {
  readonly peer: string
  group: string
  record: Uint8Array
  seq: bigint
  /** Topic in hex → when the registration ends, in ms since 1970. Never empty. */
  readonly expiryMsByTopic: Map<string, number>
}

interface Registration {
  readonly listed: ListedPeer
  readonly topic: string
}

/**
 * Who is listed under which topic, in memory only. Time and randomness are arguments.
 *
 * 1. A peer has one record, the newest it registered, shown under each of its topics.
 * 2. Nothing expired is ever shown.
 * 3. No bound of `RegistrationTableLimits` is exceeded after `register` returns.
 * 4. A peer at its own bound is refused; it cannot push out anybody.
 * 5. Where a shared bound is reached, the registration that expires first goes, among the groups that hold the most there:
 *    many identities behind one address push out each other before they push out anybody else.
 *
 * Cost: a registration at a shared bound scans that scope once (16,384 entries at most, well below a millisecond).
 */
export class RegistrationTable {
  readonly #limits: RegistrationTableLimits
  readonly #peers = new Map<string, ListedPeer>()
  readonly #peersByTopic = new Map<string, Map<string, ListedPeer>>()
  #registrations = 0
  #recordsBytes = 0

  constructor(limits: Partial<RegistrationTableLimits> = {}) {
    this.#limits = {
      ttlSecondsMax: limits.ttlSecondsMax ?? INTRODUCTION_TTL_SECONDS_MAX,
      topicRegistrationsMax: limits.topicRegistrationsMax ?? INTRODUCTION_TOPIC_REGISTRATIONS_MAX,
      peerTopicsMax: limits.peerTopicsMax ?? INTRODUCTION_PEER_TOPICS_MAX,
      registrationsMax: limits.registrationsMax ?? INTRODUCTION_REGISTRATIONS_MAX,
      recordsBytesMax: limits.recordsBytesMax ?? INTRODUCTION_RECORDS_BYTES_MAX,
    }
  }

  /** Lists a peer, or renews it. Gives the seconds it stays listed; refuses an older record and one topic too many. */
  register(request: RegistrationRequest, nowMs: number): Result<number, Fault<'STALE_RECORD' | 'FULL'>> {
    const topic = toHex(request.topic)
    this.#dropExpiredOf(request.peer, nowMs)
    const known = this.#peers.get(request.peer)
    if (known !== undefined && request.seq < known.seq) {
      return fail('STALE_RECORD', `record ${request.seq} of ${request.peer}, already at ${known.seq}`)
    }
    if (known !== undefined && !known.expiryMsByTopic.has(topic)) {
      if (known.expiryMsByTopic.size >= this.#limits.peerTopicsMax) {
        return fail('FULL', `${request.peer} is listed under ${known.expiryMsByTopic.size} topics already`)
      }
    }
    const ttlSeconds = Math.min(request.ttlSeconds, this.#limits.ttlSecondsMax)
    const listed = this.#put(request, known)
    this.#add({ listed, topic }, nowMs + ttlSeconds * 1000)
    this.#makeRoom({ listed, topic }, nowMs)
    return ok(ttlSeconds)
  }

  /** At most `limit` records listed under a topic, a uniformly random choice. `random` gives numbers in [0, 1). */
  query(topic: Uint8Array, limit: number, nowMs: number, random: () => number): readonly Uint8Array[] {
    const topicHex = toHex(topic)
    const valid: ListedPeer[] = []
    for (const listed of this.#peersByTopic.get(topicHex)?.values() ?? []) {
      if (isExpired({ listed, topic: topicHex }, nowMs)) this.#remove({ listed, topic: topicHex })
      else valid.push(listed)
    }
    const count = Math.min(limit, valid.length)
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(random() * (valid.length - i))
      const chosen = valid[j] as ListedPeer
      valid[j] = valid[i] as ListedPeer
      valid[i] = chosen
    }
    return valid.slice(0, count).map((listed) => listed.record)
  }

  /** Forgets everything that has expired. For a timer: keeps what nobody asks about from staying until room is short. */
  sweep(nowMs: number): void {
    for (const peer of this.#peers.keys()) this.#dropExpiredOf(peer, nowMs)
  }

  size(): RegistrationTableSize {
    return {
      topics: this.#peersByTopic.size,
      peers: this.#peers.size,
      registrations: this.#registrations,
      recordsBytes: this.#recordsBytes,
    }
  }

  #put(request: RegistrationRequest, known: ListedPeer | undefined): ListedPeer {
    const { peer, group, record, seq } = request
    this.#recordsBytes += record.length - (known?.record.length ?? 0)
    if (known !== undefined) {
      known.group = group
      known.record = record
      known.seq = seq
      return known
    }
    const listed: ListedPeer = { peer, group, record, seq, expiryMsByTopic: new Map() }
    this.#peers.set(peer, listed)
    return listed
  }

  #add({ listed, topic }: Registration, expiryMs: number): void {
    if (!listed.expiryMsByTopic.has(topic)) this.#registrations++
    listed.expiryMsByTopic.set(topic, expiryMs)
    const below = this.#peersByTopic.get(topic)
    if (below === undefined) this.#peersByTopic.set(topic, new Map([[listed.peer, listed]]))
    else below.set(listed.peer, listed)
  }

  #remove({ listed, topic }: Registration): void {
    listed.expiryMsByTopic.delete(topic)
    this.#registrations--
    if (listed.expiryMsByTopic.size === 0) {
      this.#peers.delete(listed.peer)
      this.#recordsBytes -= listed.record.length
    }
    const below = this.#peersByTopic.get(topic)
    below?.delete(listed.peer)
    if (below?.size === 0) this.#peersByTopic.delete(topic)
  }

  #dropExpiredOf(peer: string, nowMs: number): void {
    const listed = this.#peers.get(peer)
    if (listed === undefined) return
    for (const topic of listed.expiryMsByTopic.keys()) {
      if (isExpired({ listed, topic }, nowMs)) this.#remove({ listed, topic })
    }
  }

  /** Restores every shared bound by removing others than the registration just made. */
  #makeRoom(made: Registration, nowMs: number): void {
    const { topicRegistrationsMax, registrationsMax, recordsBytesMax } = this.#limits
    if ((this.#peersByTopic.get(made.topic)?.size ?? 0) > topicRegistrationsMax) {
      this.#evict(made, this.#ofTopic(made.topic))
    }
    if (this.#registrations <= registrationsMax && this.#recordsBytes <= recordsBytesMax) return
    this.sweep(nowMs)
    while (this.#registrations > registrationsMax || this.#recordsBytes > recordsBytesMax) {
      if (!this.#evict(made, this.#all())) return
    }
  }

  #evict(made: Registration, scope: readonly Registration[]): boolean {
    const victim = firstToExpireOfLargestGroups(scope, made)
    if (victim === null) return false
    this.#remove(victim)
    return true
  }

  #ofTopic(topic: string): readonly Registration[] {
    return [...(this.#peersByTopic.get(topic)?.values() ?? [])].map((listed) => ({ listed, topic }))
  }

  #all(): readonly Registration[] {
    return [...this.#peers.values()].flatMap((listed) =>
      [...listed.expiryMsByTopic.keys()].map((topic) => ({ listed, topic })),
    )
  }
}

function isExpired({ listed, topic }: Registration, nowMs: number): boolean {
  return (listed.expiryMsByTopic.get(topic) ?? 0) <= nowMs
}

/** The victim of invariant 5; null when `made` is all there is. */
function firstToExpireOfLargestGroups(
  scope: readonly Registration[],
  made: Registration,
): Registration | null {
  const sizeByGroup = new Map<string, number>()
  for (const { listed } of scope) sizeByGroup.set(listed.group, (sizeByGroup.get(listed.group) ?? 0) + 1)
  let victim: Registration | null = null
  let victimGroupSize = 0
  let victimExpiryMs = 0
  for (const candidate of scope) {
    if (candidate.listed === made.listed && candidate.topic === made.topic) continue
    const groupSize = sizeByGroup.get(candidate.listed.group) ?? 0
    const expiryMs = candidate.listed.expiryMsByTopic.get(candidate.topic) ?? 0
    if (groupSize < victimGroupSize) continue
    if (groupSize === victimGroupSize && expiryMs >= victimExpiryMs) continue
    victim = candidate
    victimGroupSize = groupSize
    victimExpiryMs = expiryMs
  }
  return victim
}
