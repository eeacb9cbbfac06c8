import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMAND_TABLE } from '../../src/cli/command-table.ts'
import { EXAMPLES } from '../../src/cli/examples.ts'
import { createProgram, runProgram } from '../../src/cli/program.ts'
import { Shell } from '../../src/cli/shell.ts'
import { Machine } from './hanse.ts'

const machine = new Machine()
let data: string
let file: string
beforeAll(async () => {
  data = await machine.init('alice')
  file = join(machine.folder, 'file.json')
  writeFileSync(file, '[{"id": "x", "value": 1}]')
  await run('space', 'create', 'team')
  await run('put', 'notes/today', 'milk')
})
afterAll(async () => await machine.remove())

/** Runs a command line in this process; a terminal where `isTerminal`. */
async function run(...args: readonly string[]) {
  return await runOn({ isTerminal: false, environment: {} }, ...args)
}

async function runOn(
  { isTerminal, environment }: { readonly isTerminal: boolean; readonly environment: NodeJS.ProcessEnv },
  ...args: readonly string[]
) {
  const outputs = ['', '']
  const [stdout, stderr] = outputs.map((_text, index) => {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        outputs[index] += chunk.toString()
        done()
      },
    })
    return Object.assign(stream, {
      isTTY: isTerminal,
      columns: 80,
      rows: 24,
    }) as unknown as NodeJS.WriteStream
  }) as [NodeJS.WriteStream, NodeJS.WriteStream]
  const shell = new Shell({
    stdin: process.stdin,
    stdout,
    stderr,
    environment: { HANSE_DATA: data, HANSE_MDNS: 'false', ...environment },
    isJson: args.includes('--json'),
  })
  await runProgram(args, shell)
  return { code: shell.exitCode, stdout: outputs[0] as string, stderr: outputs[1] as string }
}

interface Leaf {
  readonly names: readonly string[]
  readonly command: CommandUnknownOpts
}

/** Every command, groups as well as what is in them. */
function commandsOf(command: CommandUnknownOpts, names: readonly string[] = []): readonly Leaf[] {
  return command.commands
    .filter((one) => one.name() !== 'help' && !one.name().startsWith('__'))
    .flatMap((one) => [
      { names: [...names, one.name()], command: one },
      ...commandsOf(one, [...names, one.name()]),
    ])
}

const quiet = { write: () => true } as unknown as NodeJS.WriteStream
const silent = new Shell({
  stdin: process.stdin,
  stdout: quiet,
  stderr: quiet,
  environment: {},
  isJson: false,
})
const program = await createProgram(silent)
const EVERY = commandsOf(program).map(({ names, command }) => [names.join(' '), command] as const)

/** They run until they are ended, with events a line; tests of their own show what they print. */
const ENDLESS = new Set(['up', 'mcp'])
/** What comes to an end sooner than it would by itself, and does not reach for the network of whoever tests. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  sync: ['--timeout', '1s'],
  join: ['--timeout', '1s'],
  'identity recover': ['--timeout', '1s'],
  'blob get': ['--timeout', '1s'],
  'agent add': ['--can', 'read'],
  grant: ['--role', 'reader'],
}

/** Something for each argument: what is wrong with it has to be told as JSON too. */
function argumentsOf(command: CommandUnknownOpts): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    path: 'notes/today',
    file,
    shell: 'bash',
    query: 'select 1',
  }
  return command.registeredArguments
    .filter(({ required }) => required)
    .map((argument) => values[argument.name()] ?? 'x')
}

describe.each(EVERY)('hanse %s', (name) => {
  it('shows examples in its help', async () => {
    const { code, stdout } = await run(...name.split(' '), '--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^(Examples?:|Read it with:)/m)
    expect(stdout).toContain(`hanse ${name.split(' ')[0]}`)
  })
})

/** Those that do something and come to an end: a group only says what is in it. */
const RUNNING = EVERY.filter(([name, { commands, registeredArguments }]) => {
  const isGroup = commands.length > 0 && registeredArguments.length === 0
  return !ENDLESS.has(name) && !(isGroup && name !== 'identity')
})

describe.each(RUNNING)('hanse %s', (name, command) => {
  it('answers with JSON and nothing else where JSON is asked for', async () => {
    const args = [...name.split(' '), ...argumentsOf(command), ...(SHORT[name] ?? [])]
    const { code, stdout, stderr } = await runOn({ isTerminal: true, environment: {} }, ...args, '--json')
    expect(`${stdout}${stderr}`).not.toBe('')
    for (const line of stdout.split('\n').filter((text) => text !== '')) JSON.parse(line)
    for (const line of stderr.split('\n').filter((text) => text !== ''))
      expect(JSON.parse(line)).toMatchObject({
        error: {
          code: expect.stringMatching(/^[A-Z_0-9]+$/) as string,
          message: expect.any(String) as string,
        },
      })
    if (stdout === '') expect(code).toBeGreaterThan(0)
    expect(stderr).not.toContain('"BUG"')
  })
})

describe('the examples', () => {
  it('are all of commands that there are', () => {
    const names = new Set(EVERY.map(([name]) => name))
    expect(Object.keys(EXAMPLES).filter((name) => !names.has(name))).toEqual([])
  })

  it('use flags that there are', () => {
    // Those of a group are of what is in it.
    const leaves = Object.entries(EXAMPLES).filter(([name]) =>
      EVERY.every(([one]) => !one.startsWith(`${name} `)),
    )
    const wrong = leaves.flatMap(([name, lines]) => {
      const command = EVERY.find(([one]) => one === name)?.[1] as CommandUnknownOpts
      const known = new Set([...command.options, ...program.options].map(({ long }) => long))
      const own = lines.flatMap((line) =>
        line.split('|').filter((part) => part.trim().startsWith(`hanse ${name} `)),
      )
      return own
        .flatMap((line) => [...line.matchAll(/ (--[a-z-]+)/g)])
        .flatMap(([, flag]) => (known.has(flag as string) ? [] : [`${name} ${flag}`]))
    })
    expect(wrong).toEqual([])
  })
})

describe('a command line', () => {
  const loadedFor = async (...args: readonly string[]) =>
    (await createProgram(silent, args)).commands
      .filter((one) => one.name() !== 'help')
      .map((one) => one.name())
  const all = COMMAND_TABLE.flatMap(([, entries]) => entries.flatMap(({ names }) => names))

  it.each(
    COMMAND_TABLE.flatMap(([, entries]) =>
      entries.flatMap(({ names }) => names.map((name) => ({ name, names }))),
    ),
  )('that names $name loads what the table says of it, and no more', async ({ name, names }) => {
    const expected = name === '__complete' ? all : names
    expect(await loadedFor('--data', 'put', '--json', name, 'get')).toEqual(expected)
  })

  it('that names none, or asks about them, loads all of them', async () => {
    for (const args of [[], ['--help'], ['help', 'put'], ['putt', 'put'], ['--space', 'put']])
      expect(await loadedFor(...args)).toEqual(all)
    expect(await loadedFor('--version')).toEqual([])
  })
})

describe('colours', () => {
  it('appear on a terminal, unless NO_COLOR is set or the terminal is dumb', async () => {
    const shows = async (isTerminal: boolean, environment: NodeJS.ProcessEnv) =>
      (await runOn({ isTerminal, environment }, 'status')).stdout.includes('\x1b[')
    expect(await shows(true, {})).toBe(true)
    expect(await shows(true, { NO_COLOR: '1' })).toBe(false)
    expect(await shows(true, { TERM: 'dumb' })).toBe(false)
    expect(await shows(false, {})).toBe(false)
  })
})
