import { type Judgement, runSimulation, runTests } from './judge.ts'
import type { Mutant } from './mutant.ts'
import type { Workspace } from './workspace.ts'

/** What became of one mutant. */
export interface MutantResult {
  readonly name: string
  readonly rule: string
  readonly file: string
  /** The test, seed or vector that caught it; null where nothing did. */
  readonly caughtBy: string | null
  /** Why it proves nothing: stale, or the tests did not run. Null where they did. */
  readonly problem: string | null
  readonly seconds: number
}

/** Judges every mutant, in as many workspaces at once as there are; tells each result as it comes. */
export async function runMutants(
  mutants: readonly Mutant[],
  workspaces: readonly Workspace[],
  onResult: (result: MutantResult) => void,
): Promise<readonly MutantResult[]> {
  const open = [...mutants]
  const results = new Map<string, MutantResult>()
  await Promise.all(
    workspaces.map(async (workspace) => {
      for (let mutant = open.shift(); mutant !== undefined; mutant = open.shift()) {
        const result = await judge(mutant, workspace)
        results.set(mutant.name, result)
        onResult(result)
      }
    }),
  )
  return mutants.flatMap(({ name }) => results.get(name) ?? [])
}

async function judge(mutant: Mutant, workspace: Workspace): Promise<MutantResult> {
  const startedMs = performance.now()
  const judged = await workspace.withMutant(mutant, () => judgeApplied(mutant, workspace.folder))
  const { name, rule, file } = mutant
  const base = { name, rule, file, seconds: Math.round((performance.now() - startedMs) / 100) / 10 }
  if ('stale' in judged) return { ...base, caughtBy: null, problem: judged.stale }
  switch (judged.kind) {
    case 'failed':
      return { ...base, caughtBy: judged.by, problem: null }
    case 'passed':
      return { ...base, caughtBy: null, problem: null }
    case 'broken':
      return { ...base, caughtBy: null, problem: judged.why }
  }
}

async function judgeApplied({ tests, simulation }: Mutant, folder: string): Promise<Judgement> {
  const byTests = tests.length === 0 ? null : await runTests(folder, tests)
  if (byTests !== null && byTests.kind !== 'passed') return byTests
  return simulation === undefined ? { kind: 'passed' } : runSimulation(folder, simulation)
}

/**
 * The test files and seeds that fail without any mutant, with the reason: what such a one catches proves nothing. Run before the
 * mutants.
 */
export async function failingWithout(
  mutants: readonly Mutant[],
  workspaces: readonly Workspace[],
): Promise<readonly string[]> {
  const files = new Set(mutants.flatMap(({ tests }) => tests))
  const runs = new Map(
    mutants.flatMap(({ simulation }) =>
      simulation === undefined ? [] : [[JSON.stringify(simulation), simulation] as const],
    ),
  )
  const open: ((folder: string) => Promise<Judgement>)[] = [
    ...[...runs.values()].map((simulation) => (folder: string) => runSimulation(folder, simulation)),
    ...[...files].map((file) => (folder: string) => runTests(folder, [file])),
  ]
  const failing: string[] = []
  await Promise.all(
    workspaces.map(async ({ folder }) => {
      for (let judge = open.shift(); judge !== undefined; judge = open.shift()) {
        const judged = await judge(folder)
        if (judged.kind === 'failed') failing.push(judged.by)
        if (judged.kind === 'broken') failing.push(judged.why)
      }
    }),
  )
  return failing
}
