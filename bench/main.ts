import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import {
  chooseWorkloads,
  compare,
  compareWithFloors,
  isHanseName,
  judge,
  type JudgedTarget,
  summariseAll,
} from './compare.ts'
import { installPeers } from './install-peers.ts'
import type { Figures, Sizes, Subject, SubjectSummary, Summary, Workload } from './measure.ts'
import { keepResult, type WorkloadResult } from './results.ts'
import { readCpuTimes, stolenPart } from './stolen-time.ts'
import { WORKLOADS } from './workloads/index.ts'
import { writePage } from './write-page.ts'

/**
 * Hanse beside its peers: every workload runs all its subjects in turn, each run in a process of its own, round after round, and prints
 * medians, spread, the ratio to the best peer and the targets. The peers are a package of their own (bench/peers), installed when first needed.
 */
const RUN_TIMEOUT_MS = 30 * 60 * 1000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
const ROUNDS = 5

const options = new Command('bench')
  .description('measure Hanse beside its peers')
  .option(
    '--only <names>',
    `workloads, separated by commas; NAME* for all that begin so: ${WORKLOADS.map(({ name }) => name).join(', ')}`,
  )
  .option(
    '--rounds <n>',
    `runs of each subject, after one to warm up (${ROUNDS}, but for the longest workloads)`,
  )
  .option('--quick', 'small sizes, one round, no warm-up')
  .option(
    '--size <name=number>',
    'another size where a workload has one of that name; may be repeated',
    collectSize,
  )
  .option('--subjects <names>', 'only subjects that begin with one of these, separated by commas')
  .option('--json', 'end with one JSON array')
  .option(
    '--keep',
    'keep the results in bench/results, and make docs/benchmarks.md and the table of the README again',
  )
  .parse()
  .opts()

const runOne = fileURLToPath(new URL('run-one-main.ts', import.meta.url))
const quick = options.quick === true
const chosen = chooseWorkloads(WORKLOADS, options.only?.split(','))
const roundsGiven = options.rounds === undefined ? null : Number(options.rounds)
if (chosen === null || (roundsGiven !== null && (!Number.isSafeInteger(roundsGiven) || roundsGiven < 1))) {
  process.stderr.write(
    chosen === null ? `there is no workload ${options.only}\n` : '--rounds must be a whole number from 1\n',
  )
  process.exit(2)
}

if (options.keep === true && (quick || options.subjects !== undefined)) {
  process.stderr.write('--keep is for whole runs: without --quick and --subjects\n')
  process.exit(2)
}

// Whoever interrupts a run ends its processes, and leaves no folders behind.
const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interruption.abort(new Error(`interrupted by ${name}`)))

installPeers()
const say = (text: string) => (options.json === true ? process.stderr : process.stdout).write(`${text}\n`)
const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`
// As it is now: what is committed while this runs is not what is measured.
const measuredCommit = commit()
say(`${machine}, Node ${process.version}, commit ${measuredCommit}`)
const results: WorkloadResult[] = []
for (const workload of chosen) {
  const before = readCpuTimes()
  const result = await measure(workload)
  const stolen = stolenPart(before, readCpuTimes())
  if (stolen !== null)
    say(`  others had ${showNumber(100 * stolen)} % of the time that was wanted of the cores`)
  results.push(result)
  if (options.keep !== true) continue
  // At once: a run of everything takes hours, and what it has found is not lost with it.
  const date = new Date().toISOString().slice(0, 10)
  keepResult({ ...result, machine, node: process.version, commit: measuredCommit, date, stolen })
  writePage()
}
if (options.json === true) process.stdout.write(`${JSON.stringify(results, null, 1)}\n`)

async function measure(workload: Workload): Promise<WorkloadResult> {
  const sizes = withSizes(quick ? workload.quick : workload.sizes)
  const rounds = quick ? 1 : (roundsGiven ?? workload.rounds ?? ROUNDS)
  say(`\n${workload.name}: ${workload.question}\n${JSON.stringify(sizes)}, ${rounds} rounds`)
  const folder = mkdtempSync(join(tmpdir(), 'hanse-bench-'))
  const subjects = workload.subjects.filter(({ name }) => isAskedFor(name))
  try {
    const summaries = summariesOf(subjects, await runRounds(workload, subjects, sizes, rounds, folder))
    for (const summary of summaries) sayFigures(summary)
    const compared = compare(workload, summaries)
    for (const { figure, ratio, hanse, peer } of compared)
      say(`  Hanse / best peer, ${figure}: ${ratio.toFixed(2)}  (${hanse} / ${peer})`)
    const comparedWithFloors = compareWithFloors(workload, summaries)
    for (const { figure, ratio, hanse, peer } of comparedWithFloors)
      say(`  Hanse / floor, ${figure}: ${ratio.toFixed(2)}  (${hanse} / ${peer})`)
    const targets = judge(workload, sizes, summaries)
    for (const target of targets) say(`  target ${describe(target)}`)
    const ratioToBestPeer = Object.fromEntries(compared.map(({ figure, ratio }) => [figure, ratio]))
    const ofKind = (kind: ReturnType<typeof kindOf>) =>
      Object.fromEntries(summaries.filter((one) => kindOf(one) === kind).map((one) => [one.name, one]))
    const [hanse, floors, peers] = [ofKind('hanse'), ofKind('floor'), ofKind('peer')]
    const { name, question } = workload
    return {
      workload: name,
      question,
      sizes,
      rounds,
      hanse,
      peers,
      floors,
      ratioToBestPeer,
      compared,
      comparedWithFloors,
      targets,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Every subject's runs after the warm-up, round by round so that what disturbs the machine disturbs all alike. */
async function runRounds(
  workload: Workload,
  subjects: readonly Subject[],
  sizes: Sizes,
  rounds: number,
  folder: string,
): Promise<ReadonlyMap<string, readonly Figures[]>> {
  const folderOf = new Map(subjects.map(({ name }, i) => [name, join(folder, String(i))]))
  const ready: Subject[] = []
  for (const subject of subjects) {
    const own = folderOf.get(subject.name) as string
    mkdirSync(own)
    if (subject.prepare === undefined || (await runApart('prepare', workload, subject, sizes, own)) !== null)
      ready.push(subject)
  }
  const runs = new Map<string, Figures[]>()
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    for (const subject of ready) {
      const own = folderOf.get(subject.name) as string
      const figures = await runApart('run', workload, subject, sizes, own)
      if (figures !== null && round > 0) runs.set(subject.name, [...(runs.get(subject.name) ?? []), figures])
    }
  }
  return runs
}

/** Null where the subject failed: said, and the others go on. */
async function runApart(
  step: 'prepare' | 'run',
  workload: Workload,
  subject: Subject,
  sizes: Sizes,
  folder: string,
): Promise<Figures | null> {
  const args = ['--no-warnings', runOne, step, workload.name, subject.name, JSON.stringify(sizes), folder]
  try {
    const run = promisify(execFile)
    const { signal } = interruption
    const bounds = {
      timeout: RUN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES_MAX,
      signal,
    } as const
    const startedMs = performance.now()
    const { stdout } = await run(process.execPath, args, bounds)
    const taken = Math.round((performance.now() - startedMs) / 1000)
    process.stderr.write(`  (${step} of ${subject.name}: ${taken} s)\n`)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
  } catch (error) {
    interruption.signal.throwIfAborted()
    const why = error instanceof Error ? error.message.slice(0, 2_000) : String(error)
    say(`  ${subject.name} FAILED (${step}): ${why}`)
    process.exitCode = 1
    return null
  }
}

function summariesOf(
  subjects: readonly Subject[],
  runs: ReadonlyMap<string, readonly Figures[]>,
): readonly SubjectSummary[] {
  return subjects.flatMap(({ name, without, isFloor }) => {
    const all = runs.get(name)
    if (all === undefined) return []
    return [{ name, without, ...(isFloor === true ? { isFloor } : {}), figures: summariseAll(all) }]
  })
}

function isAskedFor(name: string): boolean {
  return options.subjects?.split(',').some((beginning) => name.startsWith(beginning)) ?? true
}

function kindOf({ name, isFloor }: SubjectSummary): 'hanse' | 'floor' | 'peer' {
  return isFloor === true ? 'floor' : isHanseName(name) ? 'hanse' : 'peer'
}

function withSizes(sizes: Sizes): Sizes {
  const given = Object.entries(options.size ?? {}).filter(([name]) => Object.hasOwn(sizes, name))
  return { ...sizes, ...Object.fromEntries(given) }
}

function collectSize(text: string, previous: Sizes | undefined): Sizes {
  const [name = '', value = ''] = text.split('=')
  const number = Number(value)
  if (name === '' || !Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('it must be like operations=1000000')
  return { ...previous, [name]: number }
}

function sayFigures({ name, without, isFloor, figures }: SubjectSummary): void {
  const notes = [isFloor === true ? 'a floor' : '', without === '' ? '' : `does not ${without}`]
  const note = notes.filter((text) => text !== '').join('; ')
  say(`  ${name}${note === '' ? '' : ` (${note})`}`)
  for (const [figure, summary] of Object.entries(figures)) say(`    ${figure.padEnd(36)} ${show(summary)}`)
}

function describe({ subject, figure, is, bound, of, measured, verdict }: JudgedTarget): string {
  const limit = `${bound === null ? '?' : showNumber(bound)}${of === null ? '' : ` (${of})`}`
  const value = measured === null ? '' : `: ${showNumber(measured)}`
  return `${verdict.toUpperCase()}: ${subject}, ${figure} ${is} ${limit}${value}`
}

function show({ median, least, most }: Summary): string {
  if (least === most) return showNumber(median)
  return `${showNumber(median)}  (${showNumber(least)} to ${showNumber(most)})`
}

function showNumber(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

function commit(): string {
  try {
    const git = (...args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
    const isChanged =
      git('status', '--porcelain', '--', 'src', 'protocols', 'bench/workloads', 'bench/peers') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}
