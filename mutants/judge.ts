import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Longest that tests of one mutant may run, in ms: a mutant that makes them hang is caught by that. */
const JUDGE_MS_MAX = 180_000

/** What the tests say of the code as it is. */
export type Judgement =
  | { readonly kind: 'passed' }
  /** `by`: the title of the first test that failed, with the seed where it is a property. */
  | { readonly kind: 'failed'; readonly by: string }
  /** The tests did not even run: that proves nothing. */
  | { readonly kind: 'broken'; readonly why: string }

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

/** Runs test files, one after the other in the order given, until the first failure. */
export async function runTests(folder: string, tests: readonly string[]): Promise<Judgement> {
  let judged: Judgement = { kind: 'broken', why: 'no test is named' }
  for (const test of tests) {
    judged = await runTestFile(folder, test)
    if (judged.kind !== 'passed') break
  }
  return judged
}

async function runTestFile(folder: string, test: string): Promise<Judgement> {
  const report = join(folder, 'mutant-report.json')
  rmSync(report, { force: true })
  const vitest = join(folder, 'node_modules/vitest/vitest.mjs')
  const output = ['--reporter=json', `--outputFile=${report}`]
  const ended = await run(folder, [vitest, 'run', test, '--bail', '1', '--maxWorkers', '1', ...output])
  if (ended === 'timeout') return { kind: 'failed', by: `does not end within ${JUDGE_MS_MAX / 1_000} s` }
  let results: VitestReport['testResults']
  try {
    results = (JSON.parse(readFileSync(report, 'utf8')) as VitestReport).testResults
  } catch {
    return { kind: 'broken', why: `vitest left no report of ${test}` }
  }
  for (const { name, assertionResults } of results) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed === undefined) continue
    const seed = /seed: (-?\d+)/.exec((failed.failureMessages ?? []).join('\n'))?.[1]
    const file = name.slice(name.indexOf('/test/') + 1)
    return { kind: 'failed', by: `${file}: ${failed.fullName}${seed === undefined ? '' : ` (seed ${seed})`}` }
  }
  const unread = results.find(({ status }) => status === 'failed')
  if (unread !== undefined) return { kind: 'broken', why: unread.message.split('\n')[0] ?? '' }
  const passed = results.flatMap(({ assertionResults }) => assertionResults).length
  return passed === 0 ? { kind: 'broken', why: 'no test ran' } : { kind: 'passed' }
}

/** Runs the simulator until a seed fails. */
export async function runSimulation(
  folder: string,
  { scenario, seeds }: { readonly scenario: string; readonly seeds: readonly [from: number, to: number] },
): Promise<Judgement> {
  const ended = await run(folder, ['mutants/simulate-main.ts', scenario, ...seeds.map(String)])
  if (ended === 'timeout')
    return { kind: 'failed', by: `simulation does not end within ${JUDGE_MS_MAX / 1_000} s` }
  if (ended.code !== 0) return { kind: 'broken', why: `the simulator ended with code ${ended.code}` }
  const broken = JSON.parse(ended.output) as { readonly seed: number; readonly invariant: string } | null
  return broken === null
    ? { kind: 'passed' }
    : { kind: 'failed', by: `simulation, scenario ${scenario}, seed ${broken.seed}: ${broken.invariant}` }
}

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs Node on a script in a process group of its own, so that all of it can be ended. */
async function run(cwd: string, args: readonly string[]): Promise<Ended | 'timeout'> {
  const child = spawn(process.execPath, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: cleanEnvironment(),
  })
  const { promise, resolve } = Promise.withResolvers<Ended | 'timeout'>()
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', (code) => resolve({ code, output: Buffer.concat(chunks).toString() }))
  const timer = setTimeout(() => resolve('timeout'), JUDGE_MS_MAX)
  const ended = await promise
  clearTimeout(timer)
  if (ended === 'timeout' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  return ended
}

/** Without what a vitest around us has set: the tests of the tests run mutants too. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(VITEST|HANSE_TEST_REPORT|NODE_ENV|TEST$|DEV$|PROD$|MODE$|BASE_URL$|SSR$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
