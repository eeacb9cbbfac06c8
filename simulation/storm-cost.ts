import type { Checker } from './checker.ts'
import type { Plan, Storm } from './plan.ts'
import type { RunResult } from './run-result.ts'

/**
 * What a latecomer may have to fetch of a storm, against as many operations in a row, in bytes: every head is an operation's id, listed once and a
 * third by whoever has it, and heads share no headers. In a row an operation is little more than its signature: some 75 bytes.
 */
const BYTES_RATIO_MAX = 3
/** Operations beside the storm: the genesis, tokens, writes, the cut. */
const OPERATIONS_BESIDE_MAX = 100

interface Run {
  readonly result: RunResult
  readonly checker: Checker
}

/**
 * Runs a storm, the same number of operations in a row, and the storm with a cut, and holds them to DESIGN §4: before a cut a storm
 * costs what the row costs; after it, who comes late fetches none of it.
 */
export async function compareStorms(
  plan: Plan,
  storm: Storm,
  run: (plan: Plan) => Promise<Run>,
): Promise<RunResult> {
  const fork = await run({ ...plan, storm: { ...storm, shape: 'fork', isCut: false } })
  const chain = await run({ ...plan, storm: { ...storm, shape: 'chain', isCut: false } })
  const cut = await run({ ...plan, storm: { ...storm, shape: 'fork', isCut: true } })
  const figure = ({ result }: Run, name: string): number => result.figures[name] ?? 0
  const isQuiet = [fork, chain, cut].every(({ result }) => result.failures.length === 0)
  if (isQuiet) {
    fork.checker.expect(
      figure(fork, 'operations') === figure(chain, 'operations'),
      'a storm is as many operations as a row',
      () => `${figure(fork, 'operations')} and ${figure(chain, 'operations')}`,
    )
    fork.checker.expect(
      figure(fork, 'bytes') <= BYTES_RATIO_MAX * figure(chain, 'bytes'),
      'a storm costs no more bytes than a row, within bounds',
      () => `${figure(fork, 'bytes')} and ${figure(chain, 'bytes')}`,
    )
    fork.checker.expect(
      figure(cut, 'operations') <= OPERATIONS_BESIDE_MAX,
      'after a cut, who comes late fetches nothing of a storm',
      () => `${figure(cut, 'operations')} of ${storm.operations}`,
    )
  }
  const results = [fork, chain, cut].map(({ result }) => result)
  const total = (count: (result: RunResult) => number) =>
    results.reduce((sum, result) => sum + count(result), 0)
  return {
    ...fork.result,
    failures: results.flatMap(({ failures }) => failures),
    digest: results.map(({ digest }) => digest).join(' '),
    simulatedMs: total(({ simulatedMs }) => simulatedMs),
    operations: total(({ operations }) => operations),
    invariants: total(({ invariants }) => invariants),
    byzantine: new Map([['forkStorm', 2]]),
    figures: {
      'storm, operations': storm.operations,
      'fetched by a latecomer, operations: storm': figure(fork, 'operations'),
      'as many in a row': figure(chain, 'operations'),
      'storm after the cut': figure(cut, 'operations'),
      'fetched by a latecomer, bytes: storm': figure(fork, 'bytes'),
      'as many in a row, bytes': figure(chain, 'bytes'),
      'storm after the cut, bytes': figure(cut, 'bytes'),
      'admission, storm ÷ row': figure(fork, 'admissionMs') / Math.max(0.001, figure(chain, 'admissionMs')),
    },
  }
}
