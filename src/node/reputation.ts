import {
  BAN_MS,
  POINTS_MAX,
  BANS_MAX,
  EVIDENCE_KEPT_MS,
  EVIDENCE_PER_PEER_MAX,
  OFFENDERS_MAX,
  POINT_FORGIVEN_MS,
} from '../core/limits.ts'

/**
 * Weight of one offence, by code; whatever is not listed weighs 1. Heavy is what no honest node can send, since it would have
 * refused it itself; light is what a slow line or a busy machine may do.
 */
const WEIGHTS: Readonly<Record<string, number>> = {
  BAD_SIGNATURE: 25,
  BAD_PIECE: 25,
  FRAME_TOO_LARGE: 20,
  FLOOD: 5,
  NON_CANONICAL: 10,
  PROTOCOL: 10,
  TIMEOUT: 2,
}

/** What was held against a peer under one code. */
export interface Evidence {
  readonly code: string
  readonly count: number
  /** Points charged in all; they fade from the peer's score, not from here. */
  readonly points: number
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** What was found the last time; our own words. */
  readonly detail: string
}

/** How a peer stands. */
export interface Standing {
  /** Offence points now; they fade. */
  readonly points: number
  /** When the ban ends, ms since 1970; null for a peer that is not banned. */
  readonly bannedUntilMs: number | null
  /** By code, the latest first. */
  readonly evidence: readonly Evidence[]
}

interface Offender {
  points: number
  atMs: number
  /** In the order of last sight, the oldest first. */
  readonly evidence: Map<string, Evidence>
}

/**
 * Who has misbehaved how much, over all spaces: local policy, never part of what an operation means.
 * 1. Points fade, evidence is forgotten, a ban ends: nothing is held against anybody for ever.
 * 2. Every list is bounded, and a crowd of new peers does not push out a ban.
 */
export class Reputation {
  readonly #offenders = new Map<string, Offender>()
  /** When each ban ends, in the order in which they do. */
  readonly #bans = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Holds an offence against a peer; true when this bans it now. With no points it is only kept as evidence. */
  blame(peer: string, code: string, detail = '', points = WEIGHTS[code] ?? 1): boolean {
    const nowMs = this.#now()
    const offender = this.#offenders.get(peer) ?? { points: 0, atMs: nowMs, evidence: new Map() }
    putNewest(this.#offenders, peer, offender, OFFENDERS_MAX)
    offender.points = faded(offender, nowMs) + points
    offender.atMs = nowMs
    keepEvidence(offender, { code, detail, points, nowMs })
    // A point counts until all of it has faded: four times 25 are 100, also where a millisecond lies between them.
    if (Math.ceil(offender.points) < POINTS_MAX || this.isBanned(peer)) return false
    putNewest(this.#bans, peer, nowMs + BAN_MS, BANS_MAX)
    offender.points = 0
    return true
  }

  /** True while a ban lasts. */
  isBanned(peer: string): boolean {
    return this.#bannedUntil(peer) !== null
  }

  standingOf(peer: string): Standing {
    const nowMs = this.#now()
    const offender = this.#offenders.get(peer)
    const evidence = [...(offender?.evidence.values() ?? [])].filter((one) => !isForgotten(one, nowMs))
    return {
      points: offender === undefined ? 0 : faded(offender, nowMs),
      bannedUntilMs: this.#bannedUntil(peer),
      evidence: evidence.toReversed(),
    }
  }

  #bannedUntil(peer: string): number | null {
    const untilMs = this.#bans.get(peer)
    if (untilMs === undefined) return null
    if (untilMs > this.#now()) return untilMs
    this.#bans.delete(peer)
    return null
  }
}

function keepEvidence(
  offender: Offender,
  seen: { readonly code: string; readonly detail: string; readonly points: number; readonly nowMs: number },
): void {
  const { code, detail, points, nowMs } = seen
  const known = offender.evidence.get(code)
  const earlier = known === undefined || isForgotten(known, nowMs) ? undefined : known
  const evidence: Evidence = {
    code,
    count: (earlier?.count ?? 0) + 1,
    points: (earlier?.points ?? 0) + points,
    firstAtMs: earlier?.firstAtMs ?? nowMs,
    lastAtMs: nowMs,
    detail,
  }
  putNewest(offender.evidence, code, evidence, EVIDENCE_PER_PEER_MAX)
}

const isForgotten = (evidence: Evidence, nowMs: number): boolean =>
  nowMs - evidence.lastAtMs > EVIDENCE_KEPT_MS

/** Makes an entry the newest of a map that keeps at most `sizeMax`. */
function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, sizeMax: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > sizeMax) map.delete(map.keys().next().value as string)
}

function faded({ points, atMs }: Offender, nowMs: number): number {
  return Math.max(0, points - Math.max(0, nowMs - atMs) / POINT_FORGIVEN_MS)
}
