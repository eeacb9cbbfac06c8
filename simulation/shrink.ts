import { keepOnly, labelsOf, type Plan } from './plan.ts'
import type { RunResult } from './run-result.ts'

/** Runs one plan. */
export type Run = (plan: Plan) => Promise<RunResult>

/**
 * Makes a failing plan smaller while it still breaks the same invariant: fewer nodes, then fewer writes, faults and actors, half of
 * what is left at a time and then one by one. At most `runsMax` runs, and none begins after `deadlineMs` of the real clock. Gives
 * the smallest that failed.
 */
export async function shrink(
  failed: RunResult,
  run: Run,
  runsMax: number,
  isLate: () => boolean,
): Promise<RunResult> {
  const invariants = new Set(failed.failures.map(({ invariant }) => invariant))
  let smallest = failed
  let runs = 0
  const fails = async (plan: Plan): Promise<boolean> => {
    if (runs >= runsMax || isLate()) return false
    runs++
    const result = await run(plan)
    const isSame = result.failures.some(({ invariant }) => invariants.has(invariant))
    if (isSame) smallest = result
    return isSame
  }

  for (let nodes = 3; nodes < smallest.plan.nodes; nodes++) {
    if (await fails({ ...smallest.plan, nodes })) break
  }
  for (
    let part = Math.ceil(labelsOf(smallest.plan).length / 2);
    part >= 1;
    part = part === 1 ? 0 : Math.ceil(part / 2)
  ) {
    for (let from = 0; from < labelsOf(smallest.plan).length; ) {
      const labels = labelsOf(smallest.plan)
      const kept = new Set([...labels.slice(0, from), ...labels.slice(from + part)])
      if (!(await fails(keepOnly(smallest.plan, kept)))) from += part
    }
  }
  return smallest
}
