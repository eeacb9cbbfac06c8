import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Command } from '@commander-js/extra-typings'
import type { Cost } from './cost.ts'
import { judge, type Measured } from './ratios.ts'
import { measureSync } from './sync.ts'

/**
 * Has something become slower or larger? Compares what Hanse does with floors in the same minute on the same machine, so that the machine
 * does not matter: no time is compared with a time of another run. Ends with 1 where a ratio is beyond its bound (ratios.ts), 2 where the check itself failed.
 */
const CORE_TIMEOUT_MS = 120_000

const options = new Command('bench:regression')
  .description('compare ratios within one run with their bounds')
  .option('--rounds <n>', 'rounds of each, after one to warm up', '5')
  .option('--operations <n>', 'operations of the space', '3000')
  .option('--json', 'end with one JSON object')
  .parse()
  .opts()

const rounds = Number(options.rounds)
const operations = Number(options.operations)
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(operations) || operations < 1) {
  process.stderr.write('--rounds and --operations must be whole numbers from 1\n')
  process.exit(2)
}

const startedMs = performance.now()
const measured: Measured = await measureAll().catch((error: unknown) => {
  process.stderr.write(`the check did not come to an end: ${String(error)}\n`)
  process.exit(2)
})
const judged = judge(measured)
const width = Math.max(...judged.map(({ name }) => name.length))
for (const { name, median, bound, isWithin } of judged)
  say(
    `${isWithin ? '  ok' : 'FAIL'}  ${name.padEnd(width)}  ${text(median).padStart(9)}  (at most ${text(bound)})`,
  )
const beyond = judged.filter(({ isWithin }) => !isWithin)
for (const { message } of beyond) say(`\nFAILED: ${message}`)
say(
  `\n${judged.length - beyond.length} of ${judged.length} within their bounds, in ${Math.round((performance.now() - startedMs) / 1000)} s`,
)
if (options.json === true) process.stdout.write(`${JSON.stringify({ ok: beyond.length === 0, judged })}\n`)
process.exit(beyond.length === 0 ? 0 : 1)

async function measureAll(): Promise<Measured> {
  const args = [
    '--no-warnings',
    fileURLToPath(new URL('core-main.ts', import.meta.url)),
    String(operations),
    String(rounds),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    timeout: CORE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const core = JSON.parse(stdout) as Readonly<Record<string, readonly Cost[]>>
  return { core, sync: await measureSync(operations, rounds) }
}

function say(line: string): void {
  ;(options.json === true ? process.stderr : process.stdout).write(`${line}\n`)
}

function text(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}
