import { checkAtTheEnd } from './final-checks.ts'
import type { Failure } from './checker.ts'
import { START_MS } from './people.ts'
import type { Plan } from './plan.ts'
import { World, type Sabotage } from './world.ts'

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

/** Runs one plan from beginning to end, and checks what must hold at the end. */
export async function runPlan(plan: Plan, sabotage: Sabotage | null = null): Promise<RunResult> {
  const world = new World(plan, sabotage)
  const { checker } = world
  await world.play()
  if (checker.failures.length === 0) checkAtTheEnd(world.honest, checker)
  world.end()
  return {
    plan,
    failures: checker.failures,
    digest: world.digest(),
    simulatedMs: world.timeline.nowMs - START_MS,
    operations: checker.counts.admitted,
    faults: world.faults,
    byzantine: world.byzantine,
    invariants: checker.counts.invariants,
    figures: world.figures(),
  }
}
