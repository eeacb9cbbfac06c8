import { readFileSync } from 'node:fs'
import { isScale, readRequest, readScaleRequest, USAGE, type Request } from './command-line.ts'
import { keepOnly, labelsOf, type Plan, type ScenarioName } from './plan.ts'
import { Report } from './report.ts'
import { drawPlan } from './scenarios.ts'
import { shrink } from './shrink.ts'
import type { RunResult } from './run-result.ts'
import { simulateScale } from './scale/scale.ts'
import { runPlan } from './simulate.ts'

/** Every so many-th run is done twice, and must come out the same to the last event. */
const REPEAT_EVERY = 10
/** Failures that are made smaller, and how much is spent on each. */
const SHRUNK_MAX = 3
const SHRINK_RUNS_MAX = 150
const SHRINK_MS_MAX = 60_000

async function main(): Promise<number> {
  const values = process.argv.slice(2)
  const scale = isScale(values) ? readScaleRequest(values) : null
  if (scale !== null && typeof scale !== 'string') return simulateScale(scale)
  const request = scale ?? readRequest(values)
  if (typeof request === 'string') {
    console.error(`${request}\n${USAGE}`)
    return 2
  }
  const report = new Report(request)
  let count = 0
  for (const plan of plansOf(request)) {
    const result = await runPlan(plan)
    report.add(result)
    if (result.failures.length === 0 && count++ % REPEAT_EVERY === 0) {
      const again = await runPlan(plan)
      if (again.digest !== result.digest) report.addDifferent(result)
    }
    if (result.failures.length === 0) continue
    const canShrink = request.only === null && report.failedCount <= SHRUNK_MAX
    const lateMs = performance.now() + SHRINK_MS_MAX
    const isLate = () => performance.now() > lateMs
    const smallest = canShrink ? await shrink(result, runPlan, SHRINK_RUNS_MAX, isLate) : result
    report.explain(smallest, replayOf(smallest))
  }
  report.finish()
  return report.failedCount === 0 ? 0 : 1
}

/** The runs that were asked for; before them those that failed once, so that they never do again. */
function plansOf({ seeds, nodes, scenarios, only }: Request): readonly Plan[] {
  const asked = seeds.flatMap((seed) => scenarios.map((scenario) => drawPlan(seed, scenario, nodes)))
  if (only !== null) return asked.map((plan) => keepOnly(plan, only))
  const known = keptSeeds().map(({ seed, scenario, nodes: [min, max] }) =>
    drawPlan(seed, scenario, { min, max }),
  )
  return [...known, ...asked]
}

/** Seeds that failed once, with the reason. */
function keptSeeds(): readonly KeptSeed[] {
  return JSON.parse(readFileSync(new URL('./kept-seeds.json', import.meta.url), 'utf8')) as KeptSeed[]
}

interface KeptSeed {
  readonly seed: number
  readonly scenario: ScenarioName
  readonly nodes: readonly [number, number]
  readonly reason: string
}

/** The command that runs exactly this again. */
function replayOf({ plan }: RunResult): string {
  const all: Plan = drawPlan(plan.seed, plan.scenario, {
    min: plan.nodes,
    max: plan.nodes,
  })
  const labels = labelsOf(plan)
  const only =
    labels.length === labelsOf(all).length ? '' : ` --only ${labels.length === 0 ? 'none' : labels.join(',')}`
  return `npm run simulate -- --seeds ${plan.seed} --nodes ${plan.nodes} --scenario ${plan.scenario}${only}`
}

process.exitCode = await main()
