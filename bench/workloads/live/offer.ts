import { setTimeout as pause } from 'node:timers/promises'
import type { LiveCluster, LiveInit, StartLiveCluster } from './cluster.ts'

/** Longest wait for what was written to show everywhere after a rate was too high, in ms. */
const DRAIN_TIMEOUT_MS = 30_000

/** What is written, and for how long. */
export interface Offer {
  /** Operations a second, of all writers together, each in its turn. */
  readonly rate: number
  readonly seconds: number
  /** Changes in one operation. */
  readonly changes: number
}

/** What became of it. */
export interface Offered {
  /** Of every operation, from before the call that writes it until the last of the other nodes can read it, in ms; in order of size. */
  readonly latenciesMs: readonly number[]
  /** Operations that were due, and how many of them did not show on every node when LAG_MAX_MS had passed after the last was due. */
  readonly due: number
  readonly behind: number
  /** User and system, of the whole process, until everything showed. */
  readonly cpuSeconds: number
}

/** How long after the time in which a rate was offered everything has to show everywhere, for the rate to have been sustained, in ms. */
export const LAG_MAX_MS = 300

interface Awaited {
  readonly beganMs: number
  readonly missing: Set<number>
}

/** A cluster, and when what it writes shows on the others. */
export class WatchedCluster {
  readonly #cluster: LiveCluster
  readonly #awaited: Map<number, Awaited>
  readonly #latenciesMs: number[]
  readonly #writers: readonly number[]
  #next = 0
  #turn = 0

  private constructor(
    cluster: LiveCluster,
    awaited: Map<number, Awaited>,
    latenciesMs: number[],
    writers: readonly number[],
  ) {
    this.#cluster = cluster
    this.#awaited = awaited
    this.#latenciesMs = latenciesMs
    this.#writers = writers
  }

  /** `apart`: nodes that do not write and are not waited for. */
  static async start(
    start: StartLiveCluster,
    init: Omit<LiveInit, 'onVisible'>,
    apart: readonly number[] = [],
  ): Promise<WatchedCluster> {
    const awaited = new Map<number, Awaited>()
    const latenciesMs: number[] = []
    const onVisible = (node: number, n: number) => {
      const one = awaited.get(n)
      if (one === undefined || !one.missing.delete(node) || one.missing.size > 0) return
      awaited.delete(n)
      latenciesMs.push(performance.now() - one.beganMs)
    }
    const writers = Array.from({ length: init.nodes }, (_, node) => node).filter(
      (node) => !apart.includes(node),
    )
    return new WatchedCluster(await start({ ...init, onVisible }), awaited, latenciesMs, writers)
  }

  /**
   * Writes at an even rate, whether or not anybody keeps up: each operation at its time, and where the writer is late, as soon as it can.
   * Then waits until everything shows everywhere, for a bounded time; throws where it never does.
   */
  async offer({ rate, seconds, changes }: Offer): Promise<Offered> {
    this.#latenciesMs.length = 0
    const due = Math.max(1, Math.round(rate * seconds))
    const cpu = process.cpuUsage()
    const writes: Promise<void>[] = []
    const failures: unknown[] = []
    const beganMs = performance.now()
    const deadlineMs = beganMs + seconds * 1000 + LAG_MAX_MS
    while (writes.length < due && failures.length === 0 && performance.now() < deadlineMs) {
      const dueNow = Math.min(due, 1 + Math.floor(((performance.now() - beganMs) / 1000) * rate))
      while (writes.length < dueNow)
        writes.push(this.#write(changes).catch((error: unknown) => void failures.push(error)))
      await pause(1)
    }
    await Promise.all(writes)
    if (failures.length > 0) throw new Error('a write failed', { cause: failures[0] })
    while (this.#awaited.size > 0 && performance.now() < deadlineMs) await pause(1)
    const behind = due - this.#latenciesMs.length
    const giveUpMs = performance.now() + DRAIN_TIMEOUT_MS
    while (this.#awaited.size > 0) {
      if (performance.now() > giveUpMs)
        throw new Error(`${this.#awaited.size} operations have not arrived everywhere`)
      await pause(5)
    }
    const { user, system } = process.cpuUsage(cpu)
    return {
      latenciesMs: this.#latenciesMs.toSorted((a, b) => a - b),
      due,
      behind,
      cpuSeconds: (user + system) / 1_000_000,
    }
  }

  async stop(): Promise<void> {
    await this.#cluster.stop()
  }

  async #write(changes: number): Promise<void> {
    const first = this.#next
    this.#next += changes
    const writer = this.#writers[this.#turn++ % this.#writers.length] as number
    const numbers = Array.from({ length: changes }, (_, i) => first + i)
    const others = this.#writers.filter((node) => node !== writer)
    // An operation is there as a whole, so its last change stands for it.
    this.#awaited.set(first + changes - 1, { beganMs: performance.now(), missing: new Set(others) })
    await this.#cluster.write(writer, numbers)
  }
}

/** Rates that are tried: 10, 15, 20, 30, 40, 60, 80, 100, 150, … */
const RUNGS = [1, 1.5, 2, 3, 4, 6, 8]

function rung(index: number): number {
  return 10 ** Math.floor(index / RUNGS.length) * (RUNGS[index % RUNGS.length] as number)
}

/**
 * The highest rate of the ladder that is sustained, in operations a second: within {@link LAG_MAX_MS} after the time of the offer everything
 * that was due in it shows on every node, so no queue has grown by more than that. From `from` on upwards while that is so, else
 * downwards until it is. A rate that fails is tried once more, since other processes of the machine may have been in the way. 0: none.
 */
export async function sustainedRate(
  cluster: WatchedCluster,
  from: number,
  offer: Omit<Offer, 'rate'>,
): Promise<number> {
  const isSustained = async (rate: number) => {
    for (let attempt = 0; attempt < 2; attempt++)
      if ((await cluster.offer({ ...offer, rate })).behind === 0) return true
    return false
  }
  let index = 0
  while (rung(index + 1) <= from) index++
  if (await isSustained(rung(index))) {
    while (await isSustained(rung(index + 1))) index++
    return rung(index)
  }
  while (index > 0) if (await isSustained(rung(--index))) return rung(index)
  return 0
}
