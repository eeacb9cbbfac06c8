import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { COMMAND_TABLE, type CommandEntry } from './command-table.ts'
import { EXAMPLES } from './examples.ts'
import { faultOf } from '../node/fault-of.ts'
import { EXIT } from './exit-code.ts'
import type { GlobalOptions, Shell } from './shell.ts'
import { VERSION } from './version.ts'

/** Options of the program itself that take a value. */
const VALUED = new Set(['--data', '--space'])
/** The command that shells ask what may come next: it needs all others. */
const COMPLETION = '__complete'

const HELP_END = `
Exit codes:
  0  done
  1  understood, but not done: nothing there, not allowed, nobody reached, not in sync, something found wrong
  2  what was given cannot be used: flag, path, link, file, configuration, data directory
  130  interrupted by Ctrl-C, with nothing left half done

Commands talk to a running "hanse up", or open the data directory themselves.
Configuration: config.toml in the data directory; see "hanse up --help" for its keys.
Start: hanse init && hanse space create NAME && hanse up`

/** Runs one command line, without the program's name. Reports what goes wrong in one line; `shell.exitCode` says how it ended. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<void> {
  const program = await createProgram(shell, args)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return reportUsage(error, commandNamed(program, args), shell)
    // Whatever broke off because of Ctrl-C says so.
    const fault = faultOf(shell.interrupted.aborted ? shell.interrupted.reason : error)
    shell.report(fault)
    if (fault.code === 'BUG') shell.reportBug(error)
  }
}

/**
 * The program, of which nothing has run: with the one command that a command line names, since each brings modules of its own that take
 * time to load; with every command where it names none or asks about them, and without a command line.
 */
export async function createProgram(
  shell: Shell,
  args: readonly string[] = [],
): Promise<Command<[], GlobalOptions>> {
  // Options stand in the type as they are added: json, data, space.
  const program = new Command('hanse')
    .description(
      'A peer-to-peer federation node: shared spaces of signed operations among peers that do not trust each other.',
    )
    .version(VERSION, '--version', 'show the version alone; "hanse version" tells more')
    .option('--json', 'print exactly one JSON value, and errors as JSON')
    .option('--data <dir>', 'data directory (HANSE_DATA; default ~/.local/share/hanse)')
    .option(
      '--space <space>',
      'name, id or beginning of the id of a space (HANSE_SPACE); not needed where there is one',
    )
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', HELP_END)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.write(text),
      // Commander's own errors are reported by us, in one line; a help text that stands for an error is not.
      writeErr: (text) => shell.stderr.write(text),
      outputError: () => {},
    }) as unknown as Command<[], GlobalOptions>
  const isNeeded = neededBy(args)
  for (const [heading, entries] of COMMAND_TABLE) {
    program.commandsGroup(heading)
    const loaded = await Promise.all(entries.filter(isNeeded).map(async ({ load }) => await load()))
    for (const register of loaded) register(program, shell)
  }
  program.commandsGroup('Help:').helpCommand('help [command]', 'show help for a command')
  for (const group of program.commands) {
    // Where a command takes arguments of its own, `help` is one of them.
    if (group.commands.length > 0 && group.registeredArguments.length === 0)
      group.helpCommand('help [command]', 'show help for a command')
  }
  addExamples(program, [])
  return program
}

/** Says which commands a command line needs. */
function neededBy(args: readonly string[]): (entry: CommandEntry) => boolean {
  const named = args.find(
    (arg, at) => !arg.startsWith('-') && (at === 0 || !VALUED.has(args[at - 1] as string)),
  )
  if (named === undefined) return () => !args.includes('--version')
  const isKnown = COMMAND_TABLE.some(([, entries]) => entries.some(({ names }) => names.includes(named)))
  return ({ names }) => !isKnown || named === COMPLETION || names.includes(named)
}

function addExamples(command: CommandUnknownOpts, names: readonly string[]): void {
  const lines = EXAMPLES[names.join(' ')]
  if (lines !== undefined)
    command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
  for (const one of command.commands) addExamples(one, [...names, one.name()])
}

/** The command that arguments name, as far as they name one, e.g. `hanse text show`. */
function commandNamed(program: CommandUnknownOpts, args: readonly string[]): string {
  let command: CommandUnknownOpts = program
  const names = [program.name()]
  for (const arg of args) {
    const next = command.commands.find((one) => one.name() === arg)
    if (next === undefined) continue
    command = next
    names.push(arg)
  }
  return names.join(' ')
}

function reportUsage(error: CommanderError, command: string, shell: Shell): void {
  if (error.exitCode === 0) return
  // The help text was printed already, because a command was missing.
  if (error.code === 'commander.help') {
    shell.exitCode = EXIT.badInput
    return
  }
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(/\n\((Did you mean .*\?)\)$/, '; $1')
  shell.report({
    code: 'USAGE',
    detail: `${message.replace(/^./, (first) => first.toLowerCase())}; see "${command} --help"`,
  })
}
