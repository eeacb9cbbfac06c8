import type { Failure } from './checker.ts'
import type { Plan } from './plan.ts'

/** What became of one run. */
export interface RunResult {
  readonly plan: Plan
  readonly failures: readonly Failure[]
  /** Hash of everything that happened, in order. */
  readonly digest: string
  readonly simulatedMs: number
  /** Operations admitted by honest nodes, each node counted. */
  readonly operations: number
  readonly faults: ReadonlyMap<string, number>
  readonly byzantine: ReadonlyMap<string, number>
  /** Checks of invariants made. */
  readonly invariants: number
  /** Figures of the scenario's own. */
  readonly figures: Readonly<Record<string, number>>
}
