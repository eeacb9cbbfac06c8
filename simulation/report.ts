import type { Request } from './command-line.ts'
import type { RunResult } from './run-result.ts'

const HOUR_MS = 3_600_000

/** What all runs of one command came to; the table for people, or one line of JSON. */
export class Report {
  readonly #isJson: boolean
  readonly #failed: number[] = []
  readonly #faults = new Map<string, number>()
  readonly #byzantine = new Map<string, number>()
  readonly #figures = new Map<string, number[]>()
  #seeds = 0
  #simulatedMs = 0
  #operations = 0
  #invariants = 0

  constructor({ isJson }: Request) {
    this.#isJson = isJson
  }

  /** Seeds that failed so far. */
  get failedCount(): number {
    return this.#failed.length
  }

  /** Counts a run. */
  add(result: RunResult): void {
    this.#seeds++
    this.#simulatedMs += result.simulatedMs
    this.#operations += result.operations
    this.#invariants += result.invariants
    for (const [kind, count] of result.faults) add(this.#faults, kind, count)
    for (const [kind, count] of result.byzantine) add(this.#byzantine, kind, count)
    for (const [name, value] of Object.entries(result.figures)) {
      const values = this.#figures.get(name) ?? []
      this.#figures.set(name, [...values, value])
    }
    if (result.failures.length > 0) this.#failed.push(result.plan.seed)
    this.#progress(
      `${this.#seeds} seeds, ${this.#failed.length} failed, ${hours(this.#simulatedMs)} h simulated, ${this.#operations} operations`,
    )
  }

  /** Counts a run that came out otherwise the second time. */
  addDifferent({ plan }: RunResult): void {
    this.#failed.push(plan.seed)
    this.#say(`seed ${plan.seed} is not deterministic: two runs differ`)
  }

  /** Says what failed, in the smallest run that was found, and how to run it again. */
  explain({ plan, failures }: RunResult, replay: string): void {
    const pieces = plan.writes.length + plan.rulings.length
    this.#say(
      [
        `seed ${plan.seed} fails, with ${plan.nodes} nodes, ${pieces} acts, ${plan.faults.length} faults, ${plan.actors.length} actors:`,
        ...failures
          .slice(0, 5)
          .map(({ invariant, detail, atMs }) => `  ${invariant}, after ${atMs} ms: ${detail}`),
        ...plan.faults.map(
          ({ label, atMs, lastsMs, fault }) =>
            `  ${label} at ${atMs} ms for ${lastsMs}: ${JSON.stringify(fault)}`,
        ),
        ...plan.actors.map(({ label, atMs, kind }) => `  ${label} at ${atMs} ms: ${kind}`),
        `  replay: ${replay}`,
      ].join('\n'),
    )
  }

  /** The summary. */
  finish(): void {
    if (this.#isJson) {
      console.log(
        JSON.stringify({
          seeds: this.#seeds,
          failed: [...new Set(this.#failed)],
          simulatedHours: Number(hours(this.#simulatedMs)),
          operations: this.#operations,
          faults: Object.fromEntries(sorted(this.#faults)),
          byzantine: Object.fromEntries(sorted(this.#byzantine)),
          invariants: this.#invariants,
        }),
      )
      return
    }
    console.log(
      [
        '',
        row('seeds', `${this.#seeds}, ${this.#failed.length} failed`),
        row('simulated', `${hours(this.#simulatedMs)} h`),
        row('operations', `${this.#operations}`),
        row('invariants checked', `${this.#invariants}`),
        row('faults', listOf(this.#faults)),
        row('byzantine acts', listOf(this.#byzantine)),
        ...[...this.#figures].map(([name, values]) => row(name, spread(values))),
      ].join('\n'),
    )
  }

  #progress(line: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${line}`)
  }

  #say(text: string): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
    console.error(text)
  }
}

function add(counts: Map<string, number>, kind: string, count: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + count)
}

const hours = (ms: number): string => (ms / HOUR_MS).toFixed(2)
const sorted = (counts: ReadonlyMap<string, number>) => [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
const row = (name: string, value: string): string => `${name.padEnd(20)} ${value}`

function listOf(counts: ReadonlyMap<string, number>): string {
  const parts = sorted(counts).map(([kind, count]) => `${kind} ${count}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

/** Median, least and greatest. */
function spread(values: readonly number[]): string {
  const ascending = values.toSorted((a, b) => a - b)
  const median = ascending[Math.floor(ascending.length / 2)] ?? 0
  return `${round(median)} (${round(ascending[0] ?? 0)} to ${round(ascending.at(-1) ?? 0)})`
}

const round = (value: number): string => (Number.isInteger(value) ? `${value}` : value.toFixed(2))
