import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { keepCase } from './cases.ts'
import type { Finding } from './fuzzer.ts'
import { TARGETS } from './targets/all.ts'
import { fuzzInThread } from './watch.ts'

const HELP = `npm run fuzz -- [--seconds N] [--target NAME]... [--seed N] [--blind] [--json]

Feeds every decoder that takes bytes from outside with valid inputs and mutations of them, guided by what code they reach.

  --seconds N     in all, divided among the targets (default 60)
  --target NAME   only this one; may be given several times: ${TARGETS.map(({ name }) => name).join(', ')}
  --seed N        other inputs (default: from the clock; printed)
  --blind         without coverage: the same seed then gives the same inputs
  --json          the report as JSON

Exit code 1 where something was found. Each finding is kept below fuzz/corpus, which the tests replay.`

/** What was found out about one target. */
interface TargetReport {
  readonly target: string
  readonly seconds: number
  readonly executions: number
  readonly executionsPerSecond: number
  readonly accepted: number
  readonly kept: number
  readonly covered: number
  readonly findings: readonly { readonly reason: string; readonly bytes: number; readonly file: string }[]
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string', multiple: true },
      seed: { type: 'string' },
      blind: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const names = values.target ?? TARGETS.map(({ name }) => name)
  const unknown = names.find((name) => !TARGETS.some((target) => target.name === name))
  const [seconds, seed] = [Number(values.seconds), Number(values.seed ?? Date.now() % 2 ** 31)]
  if (values.help || unknown !== undefined || !(seconds > 0) || !Number.isSafeInteger(seed)) {
    console.error(unknown === undefined ? HELP : `there is no target ${unknown}\n\n${HELP}`)
    return values.help ? 0 : 2
  }
  const milliseconds = (seconds * 1_000) / names.length
  const reports: TargetReport[] = []
  for (const target of names) {
    const report = await fuzz(target, seed, milliseconds, !values.blind)
    reports.push(report)
    if (!values.json) console.log(line(report))
  }
  const found = reports.flatMap(({ findings }) => findings).length
  const executions = reports.reduce((sum, report) => sum + report.executions, 0)
  const summary = { seed, seconds, executions, executionsPerSecond: Math.round(executions / seconds), found }
  if (values.json) console.log(JSON.stringify({ ...summary, targets: reports }, null, 2))
  else console.log(`seed ${seed}: ${executions} executions in ${seconds} s, ${found} findings`)
  return found === 0 ? 0 : 1
}

/** Fuzzes a target for its share of the time, going on after an input that ended the thread. */
async function fuzz(
  target: string,
  seed: number,
  milliseconds: number,
  isGuided: boolean,
): Promise<TargetReport> {
  const startedMs = performance.now()
  const findings: Finding[] = []
  const total = { executions: 0, accepted: 0, kept: 0, covered: 0 }
  for (let round = 0; round < 3; round++) {
    const left = milliseconds - (performance.now() - startedMs)
    if (left <= 0) break
    const outcome = await fuzzInThread({ target, seed: seed + round, milliseconds: left, isGuided })
    findings.push(...outcome.findings)
    total.executions += outcome.stats.executions
    total.accepted += outcome.stats.accepted
    total.kept += outcome.stats.kept
    total.covered = Math.max(total.covered, outcome.stats.covered)
    if (outcome.findings.length === 0) break
  }
  const seconds = (performance.now() - startedMs) / 1_000
  return {
    target,
    seconds: Math.round(seconds * 10) / 10,
    ...total,
    executionsPerSecond: Math.round(total.executions / seconds),
    findings: findings.map(({ reason, input }) => ({
      reason,
      bytes: input.length,
      file: relative(process.cwd(), keepCase(target, input)),
    })),
  }
}

function line(report: TargetReport): string {
  const { target, executions, executionsPerSecond, accepted, kept, covered, findings } = report
  const counts = `${executions} executions (${executionsPerSecond}/s), ${accepted} accepted, ${kept} kept, ${covered} characters reached`
  const found = findings.map(({ reason, bytes, file }) => `\n  FOUND ${reason} (${bytes} bytes, ${file})`)
  return `${target}: ${counts}${found.join('')}`
}

process.exitCode = await main()
