import {
  INTRODUCTION_PEER_TOPICS_MAX,
  LIVE_SPACES_MAX,
  RESTING_INTERVAL_MS_MAX,
  SPACES_PER_ROUND_MAX,
} from '../../src/core/limits.ts'
import type { Costs } from './costs.ts'

/** How often a node asks introduction nodes at the least (node.ts), and how often it provides a topic in the DHT (discovery.ts), seconds. */
const ROUND_SECONDS = 60
const PROVIDE_SECONDS = 60 * 60
const ANTI_ENTROPY_SECONDS = 15
const DAY_SECONDS = 24 * 60 * 60

/** What is asked about. */
export interface Population {
  readonly nodes: number
  /** Of each node, each shared with `degree` connected peers. */
  readonly spaces: number
  readonly degree: number
}

/** What goes on while nobody writes: a sum, not a simulation. */
export interface Background {
  /** Of one node, both directions counted once: comparing, connections kept open, asking introduction nodes (each). */
  readonly comparisonBytesPerDay: number
  readonly connectionBytesPerDay: number
  readonly introductionBytesPerDay: number
  /** Part of a core for comparing. */
  readonly comparisonCpu: number
  /** Of one introduction node that everybody asks. */
  readonly introducerRequestsPerSecond: number
  readonly introducerRegistrations: number
  /** Provider records made in the DHT, by all, and held by each of its servers while there are at most twenty. */
  readonly dhtProvidesPerSecond: number
  readonly dhtRecords: number
}

/** As discovery.ts, sync-scheduler.ts and live-spaces.ts do it. */
export function backgroundOf({ nodes, spaces, degree }: Population, { bytes, cpuUs }: Costs): Background {
  const live = Math.min(spaces, LIVE_SPACES_MAX)
  // One of the two begins; the other lets it be.
  const liveRuns = (live * degree) / 2 / ANTI_ENTROPY_SECONDS
  const restingRuns = ((spaces - live) * degree) / (RESTING_INTERVAL_MS_MAX / 1_000)
  const registrations = Math.min(spaces, INTRODUCTION_PEER_TOPICS_MAX) / ROUND_SECONDS
  const comparing = (run: number, opening: number) => liveRuns * run + restingRuns * (run + opening)
  return {
    comparisonBytesPerDay: comparing(bytes.quietRun, bytes.handshake) * DAY_SECONDS,
    connectionBytesPerDay: (degree / 2) * bytes.idlePerSecond * DAY_SECONDS,
    // Nobody is missing, so nobody is asked for.
    introductionBytesPerDay: registrations * bytes.registration * DAY_SECONDS,
    comparisonCpu: comparing(cpuUs.quietRun, cpuUs.handshake) / 1e6,
    introducerRequestsPerSecond: nodes * registrations,
    introducerRegistrations: nodes * Math.min(spaces, INTRODUCTION_PEER_TOPICS_MAX),
    dhtProvidesPerSecond: nodes * Math.min(spaces / PROVIDE_SECONDS, SPACES_PER_ROUND_MAX / ROUND_SECONDS),
    dhtRecords: nodes * spaces,
  }
}
