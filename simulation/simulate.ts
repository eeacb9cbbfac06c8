import { checkAtTheEnd } from './final-checks.ts'
import type { Checker } from './checker.ts'
import type { RunResult } from './run-result.ts'
import { compareStorms } from './storm-cost.ts'
import { START_MS } from './people.ts'
import type { Plan } from './plan.ts'
import { createRandom } from './random.ts'
import { tearFile } from './torn-file.ts'
import { World, type Sabotage } from './world.ts'

/** Runs one plan from beginning to end, and checks what must hold at the end; of a storm, in all its shapes. */
export async function runPlan(plan: Plan, sabotage: Sabotage | null = null): Promise<RunResult> {
  if (plan.storm === null) return (await runOnce(plan, sabotage)).result
  return await compareStorms(plan, plan.storm, (variant) => runOnce(variant, sabotage))
}

/** Tears the disk of each honest node, as a real file. */
function tearDisks({ plan, honest, checker, faults }: World): void {
  const random = createRandom(`${plan.seed} torn files`)
  for (const { disk } of honest) {
    if (tearFile(disk.space, disk.transactions, random, checker))
      faults.set('tornFile', (faults.get('tornFile') ?? 0) + 1)
  }
}

async function runOnce(
  plan: Plan,
  sabotage: Sabotage | null,
): Promise<{ readonly result: RunResult; readonly checker: Checker }> {
  const world = new World(plan, sabotage)
  const { checker } = world
  await world.play()
  if (checker.failures.length === 0) checkAtTheEnd(world.honest, checker)
  if (plan.tears && checker.failures.length === 0) tearDisks(world)
  const figures = world.figures()
  world.end()
  const result = {
    plan,
    failures: checker.failures,
    digest: world.digest(),
    simulatedMs: world.timeline.nowMs - START_MS,
    operations: checker.counts.admitted,
    faults: world.faults,
    byzantine: world.byzantine,
    invariants: checker.counts.invariants,
    figures,
  }
  return { result, checker }
}
