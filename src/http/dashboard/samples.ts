import { DASHBOARD_SAMPLES_MAX } from '../../core/limits.ts'

/** What happened in one second, in all spaces. */
export interface Sample {
  /** End of the second, ms since 1970. */
  readonly atMs: number
  /** Operations admitted: of this machine, and of others. */
  readonly written: number
  readonly received: number
  readonly refused: number
  /**
   * From an author's clock to this node's, for operations that came live (less than LIVE_MS old): the half of them took at most `delayMs`,
   * nearly all at most `delayP95Ms`. Null where none came. Clocks that differ show here.
   */
  readonly delayMs: number | null
  readonly delayP95Ms: number | null
  /** Round trips to the connected peers: the middle one and the slowest; null where none is known. */
  readonly roundTripMs: number | null
  readonly roundTripMaxMs: number | null
}

/** Operations older than this when they arrive are caught up with rather than live, in ms. */
const LIVE_MS = 60_000
/** Delays looked at in one second. */
const DELAYS_MAX = 1_024

/** Counts what happens, second by second, and remembers DASHBOARD_SAMPLES_MAX seconds. */
export class Samples {
  #written = 0
  #received = 0
  #refused = 0
  #delays: number[] = []
  readonly #all: Sample[] = []

  /** Every second remembered, the oldest first. */
  all(): readonly Sample[] {
    return this.#all
  }

  onWritten(operations: number): void {
    this.#written += operations
  }

  /** `ageMs`: this node's clock less the author's. */
  onReceived(ageMs: number): void {
    this.#received++
    if (ageMs < LIVE_MS && this.#delays.length < DELAYS_MAX) this.#delays.push(Math.max(0, ageMs))
  }

  onRefused(): void {
    this.#refused++
  }

  /** Ends the second. `roundTripsMs` are those of the connected peers now. */
  close(atMs: number, roundTripsMs: readonly number[]): Sample {
    const sample = {
      atMs,
      written: this.#written,
      received: this.#received,
      refused: this.#refused,
      delayMs: quantile(this.#delays, 0.5),
      delayP95Ms: quantile(this.#delays, 0.95),
      roundTripMs: quantile(roundTripsMs, 0.5),
      roundTripMaxMs: quantile(roundTripsMs, 1),
    }
    this.#written = 0
    this.#received = 0
    this.#refused = 0
    this.#delays = []
    this.#all.push(sample)
    if (this.#all.length > DASHBOARD_SAMPLES_MAX) this.#all.shift()
    return sample
  }
}

function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
}
