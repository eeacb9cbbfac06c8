import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, CommanderError, Option } from '@commander-js/extra-typings'
import type { Multiaddr } from '@multiformats/multiaddr'
import { BOOTSTRAP_HEALTH_TIMEOUT_MS } from '../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../src/core/result.ts'
import {
  type BootstrapConfig,
  CONFIG_FILE_VARIABLE,
  CONFIG_KEYS,
  type ConfigFault,
  type ConfigKey,
  defaultOf,
  parseAddress,
  resolveConfig,
  variableOf,
} from './config.ts'
import { checkHealth } from './health.ts'
import { printFault, printLine } from './report.ts'
import { run } from './run.ts'

/** Done as asked. */
const EXIT_OK = 0
/** The node is not healthy, or broke. */
const EXIT_UNHEALTHY = 1
/** What the user gave cannot be used. */
const EXIT_BAD_INPUT = 2

/** Runs the command line without the program's name; gives the exit code. Prints one line on bad input and never throws for it. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = EXIT_OK
  const program = createProgram((code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return EXIT_OK
    const message = error.message
      .replace(/^error: /, '')
      .replace(/\.$/, '')
      .replaceAll('\n', ' ')
    printFault(`${message}; see --help`)
    return EXIT_BAD_INPUT
  }
}

function createProgram(exit: (code: number) => void): Command {
  const program = new Command('hanse-bootstrap')
    .description('The introduction node of Hanse: helps peers find each other, stores nothing of theirs.')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  const runCommand = program
    .command('run', { isDefault: true })
    .description('run the node in the foreground (what happens without a command)')
    .addOption(
      new Option('--config <file>', `configuration (${CONFIG_FILE_VARIABLE}; default DATA/bootstrap.toml)`),
    )
    .allowExcessArguments(false)
  for (const key of CONFIG_KEYS) runCommand.addOption(flagOf(key))
  runCommand.action(async (flags) => {
    const config = await loadConfig(flags, process.env)
    if (!config.ok) return exit(refuse(config.fault))
    const ran = await run(config.value)
    exit(ran.ok ? EXIT_OK : refuse(ran.fault))
  })
  program
    .command('health')
    .description('check a node from outside: connect, register, query; exit code 0 when healthy, 1 when not')
    .requiredOption('--address <multiaddr>', 'address of the node, with /p2p/…; may be repeated', collect)
    .option('--timeout-seconds <n>', 'how long to try', String(BOOTSTRAP_HEALTH_TIMEOUT_MS / 1000))
    .option('--json', 'report as one JSON object')
    .allowExcessArguments(false)
    .action(async (flags) => {
      exit(await health(flags.address, flags.timeoutSeconds, flags.json === true))
    })
  return program
}

function flagOf(key: ConfigKey): Option {
  const preset = defaultOf(key)
  const description = `${key.description} (${variableOf(key)}${preset === '' ? '' : `; default ${preset}`})`
  switch (key.kind) {
    case 'boolean':
      return new Option(`--${key.name}`, description)
    case 'addresses':
      return new Option(`--${key.name} <multiaddr>`, `${description}; may be repeated`).argParser(collect)
    case 'text':
      return new Option(`--${key.name} <path>`, description)
    case 'integer':
      return new Option(`--${key.name} <n>`, description)
  }
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value]
}

/** The configuration from flags, environment and the file they name, or the one in the data directory if it is there. */
async function loadConfig(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Result<BootstrapConfig, ConfigFault>> {
  const withoutFile = resolveConfig({ flags, environment, file: null })
  if (!withoutFile.ok) return withoutFile
  const named = flags['config'] ?? environment[CONFIG_FILE_VARIABLE]
  const isNamed = typeof named === 'string' && named !== ''
  const path = isNamed ? named : join(withoutFile.value.data, 'bootstrap.toml')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!isNamed && (code === 'ENOENT' || code === 'ENOTDIR')) return withoutFile
    return fail(
      'BAD_CONFIG',
      `cannot read configuration ${path}: ${code ?? 'unknown error'}; name another with --config`,
    )
  }
  return resolveConfig({ flags, environment, file: { path, text } })
}

async function health(texts: readonly string[], timeout: string, json: boolean): Promise<number> {
  const addresses: Multiaddr[] = []
  for (const text of texts) {
    const address = parseAddress(text)
    if (!address.ok) return refuse(address.fault)
    addresses.push(address.value)
  }
  const timeoutMs = parseSeconds(timeout)
  if (!timeoutMs.ok) return refuse(timeoutMs.fault)
  const checked = await checkHealth(addresses, AbortSignal.timeout(timeoutMs.value))
  if (json) {
    const outcome = checked.ok ? { ok: true, ...checked.value } : { ok: false, ...checked.fault }
    printLine(JSON.stringify({ event: 'health', ...outcome }))
  } else if (checked.ok) {
    printLine(`healthy: ${checked.value.peerId} answered in ${checked.value.milliseconds} ms`)
  } else {
    printFault(`unhealthy: ${checked.fault.code}: ${checked.fault.detail}`)
  }
  return checked.ok ? EXIT_OK : EXIT_UNHEALTHY
}

function parseSeconds(text: string): Result<number, ConfigFault> {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0
  return seconds > 0
    ? ok(seconds * 1000)
    : fail('BAD_CONFIG', `--timeout-seconds must be from 1 to 9999, not ${text}`)
}

function refuse(fault: Fault): number {
  printFault(fault.detail)
  return EXIT_BAD_INPUT
}
