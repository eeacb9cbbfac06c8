/** Weight of one offence, by code; whatever is not listed weighs 1. Garbage and floods weigh most. */
const WEIGHTS: Readonly<Record<string, number>> = {
  FRAME_TOO_LARGE: 20,
  NON_CANONICAL: 10,
  PROTOCOL: 10,
  BAD_SIGNATURE: 5,
  TIMEOUT: 5,
}
/** Points at which a peer is banned, and how fast they are forgiven. */
const BAN_POINTS = 100
const FORGIVEN_POINTS_PER_SECOND = 0.1
/** How long a ban lasts, in ms. */
const BAN_MS = 10 * 60 * 1000
/** Peers remembered; the longest quiet are forgotten first. */
const PEERS_MAX = 4_096

interface Offences {
  points: number
  atMs: number
  bannedUntilMs: number
}

/**
 * Who has misbehaved how much, over all spaces: local policy, never part of what an operation means. Points fade; a ban expires.
 */
export class Reputation {
  readonly #records = new Map<string, Offences>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Holds an offence against a peer; true when this bans it now. */
  blame(peer: string, code: string): boolean {
    const nowMs = this.#now()
    const record = this.#records.get(peer) ?? { points: 0, atMs: nowMs, bannedUntilMs: 0 }
    this.#records.delete(peer)
    this.#records.set(peer, record)
    if (this.#records.size > PEERS_MAX) this.#records.delete(this.#records.keys().next().value as string)
    record.points = faded(record, nowMs) + (WEIGHTS[code] ?? 1)
    record.atMs = nowMs
    if (record.points < BAN_POINTS || record.bannedUntilMs > nowMs) return false
    record.bannedUntilMs = nowMs + BAN_MS
    record.points = 0
    return true
  }

  /** True while a ban lasts. */
  isBanned(peer: string): boolean {
    return (this.#records.get(peer)?.bannedUntilMs ?? 0) > this.#now()
  }

  /** Points held against a peer now. */
  points(peer: string): number {
    const record = this.#records.get(peer)
    return record === undefined ? 0 : faded(record, this.#now())
  }
}

function faded(record: Offences, nowMs: number): number {
  return Math.max(0, record.points - ((nowMs - record.atMs) / 1000) * FORGIVEN_POINTS_PER_SECOND)
}
