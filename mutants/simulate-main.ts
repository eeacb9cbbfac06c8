import { drawPlan } from '../simulation/scenarios.ts'
import { SCENARIOS } from '../simulation/plan.ts'
import { runPlan } from '../simulation/simulate.ts'

/** Nodes of a simulated federation, as `npm run simulate` has them without being told. */
const NODES = { min: 3, max: 7 }

/**
 * `node mutants/simulate-main.ts SCENARIO FROM TO`: runs seeds of a scenario until one fails, and writes what it broke as JSON; null where
 * none does. Shrinks nothing: a mutant is caught by any seed.
 */
const [name, from, to] = process.argv.slice(2)
const scenario = SCENARIOS.find((known) => known === name)
if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
let broken: { readonly seed: number; readonly invariant: string } | null = null
for (let seed = Number(from); seed <= Number(to) && broken === null; seed++) {
  const { failures } = await runPlan(drawPlan(seed, scenario, NODES))
  const [failure] = failures
  if (failure !== undefined) broken = { seed, invariant: failure.invariant }
}
console.log(JSON.stringify(broken))
