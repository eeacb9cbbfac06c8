import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import { type Figures, type Sizes, type Subject, type Summary, summarise, type Workload } from './measure.ts'
import { WORKLOADS } from './workloads/index.ts'

/**
 * Hanse beside its peers: every workload runs all its subjects in turn, each run in a process of its own, round after round, and prints
 * medians, spread and the ratio to the best peer. The peers are a package of their own (bench/peers), installed when first needed.
 */
const RUN_TIMEOUT_MS = 20 * 60 * 1000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

const options = new Command('bench')
  .description('measure Hanse beside its peers')
  .option('--only <names>', `workloads, separated by commas: ${WORKLOADS.map(({ name }) => name).join(', ')}`)
  .option('--rounds <n>', 'runs of each subject, after one to warm up', '5')
  .option('--quick', 'small sizes, one round, no warm-up')
  .option(
    '--size <name=number>',
    'another size where a workload has one of that name; may be repeated',
    collectSize,
  )
  .option('--json', 'end with one JSON array')
  .parse()
  .opts()

const runOne = fileURLToPath(new URL('run-one-main.ts', import.meta.url))
const quick = options.quick === true
const rounds = quick ? 1 : Number(options.rounds)
const only = options.only?.split(',')
const unknown = only?.find((name) => !WORKLOADS.some((workload) => workload.name === name))
if (unknown !== undefined || !Number.isSafeInteger(rounds) || rounds < 1) {
  process.stderr.write(
    unknown === undefined ? '--rounds must be a whole number from 1\n' : `there is no workload ${unknown}\n`,
  )
  process.exit(2)
}

installPeers()
const say = (text: string) => (options.json === true ? process.stderr : process.stdout).write(`${text}\n`)
say(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, commit ${commit()}`)
const results = []
for (const workload of WORKLOADS)
  if (only === undefined || only.includes(workload.name)) results.push(await measure(workload))
if (options.json === true) process.stdout.write(`${JSON.stringify(results, null, 1)}\n`)

async function measure(workload: Workload) {
  const sizes = withSizes(quick ? workload.quick : workload.sizes)
  say(`\n${workload.name}: ${workload.question}\n${JSON.stringify(sizes)}`)
  const runs = new Map<string, Figures[]>()
  for (let round = quick ? 1 : 0; round <= rounds; round++) {
    for (const subject of workload.subjects) {
      const figures = await runApart(workload, subject, sizes)
      if (figures === null) continue
      if (round > 0) runs.set(subject.name, [...(runs.get(subject.name) ?? []), figures])
    }
  }
  const summaries = workload.subjects.flatMap(({ name, without }) => {
    const all = runs.get(name)
    return all === undefined ? [] : [{ name, without, figures: summariseAll(all) }]
  })
  for (const { name, without, figures } of summaries) {
    say(`  ${name}${without === '' ? '' : ` (does not ${without})`}`)
    for (const [figure, summary] of Object.entries(figures)) say(`    ${figure.padEnd(36)} ${show(summary)}`)
  }
  const compared = compare(workload, summaries)
  for (const { figure, ratio, hanse, peer } of compared)
    say(`  Hanse / best peer, ${figure}: ${ratio.toFixed(2)}  (${hanse} / ${peer})`)
  const ratioToBestPeer = Object.fromEntries(compared.map(({ figure, ratio }) => [figure, ratio]))
  const [hanse, peers] = [true, false].map((isHanse) =>
    Object.fromEntries(summaries.filter(({ name }) => isHanseName(name) === isHanse).map((s) => [s.name, s])),
  )
  return { workload: workload.name, sizes, rounds, hanse, peers, ratioToBestPeer }
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

/** Null where the subject failed: said, and the others go on. */
async function runApart(workload: Workload, subject: Subject, sizes: Sizes): Promise<Figures | null> {
  const args = ['--no-warnings', runOne, workload.name, subject.name, JSON.stringify(sizes)]
  try {
    const run = promisify(execFile)
    const bounds = { timeout: RUN_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX } as const
    const { stdout } = await run(process.execPath, args, bounds)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Figures
  } catch (error) {
    say(`  ${subject.name} FAILED: ${error instanceof Error ? error.message.slice(0, 2_000) : String(error)}`)
    process.exitCode = 1
    return null
  }
}

function summariseAll(all: readonly Figures[]): Readonly<Record<string, Summary>> {
  const names = Object.keys(all[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, summarise(all.map((figures) => figures[name] ?? 0))]))
}

/** One figure of the best of Hanse's subjects over that of the best peer, and which they were: each figure may have another. */
interface Compared {
  readonly figure: string
  readonly ratio: number
  readonly hanse: string
  readonly peer: string
}

/** Hanse's best median over the peers' best, where both have the figure. */
function compare(
  { compared }: Workload,
  summaries: readonly { readonly name: string; readonly figures: Readonly<Record<string, Summary>> }[],
): readonly Compared[] {
  return Object.entries(compared).flatMap(([figure, better]) => {
    const best = (isHanse: boolean) =>
      summaries
        .flatMap(({ name, figures }) => {
          const median = isHanseName(name) === isHanse ? figures[figure]?.median : undefined
          return median === undefined ? [] : [{ name, median }]
        })
        .toSorted((a, b) => (better === 'more' ? b.median - a.median : a.median - b.median))[0]
    const [hanse, peer] = [best(true), best(false)]
    if (hanse === undefined || peer === undefined) return []
    const ratio = hanse.median / peer.median
    return Number.isFinite(ratio) ? [{ figure, ratio, hanse: hanse.name, peer: peer.name }] : []
  })
}

function isHanseName(name: string): boolean {
  return name.startsWith('Hanse')
}

function show({ median, least, most }: Summary): string {
  const text = (value: number) =>
    value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
  return least === most ? text(median) : `${text(median)}  (${text(least)} to ${text(most)})`
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url))
  if (existsSync(`${folder}/node_modules`)) return
  process.stderr.write('Installing the peers that Hanse is measured beside (bench/peers) …\n')
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
