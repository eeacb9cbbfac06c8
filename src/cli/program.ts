import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { registerAgent } from './commands/agent.ts'
import { registerAppend } from './commands/append.ts'
import { registerBlame } from './commands/blame.ts'
import { registerChanges } from './commands/changes.ts'
import { registerBlob } from './commands/blob.ts'
import { registerClone } from './commands/clone.ts'
import { registerClaim } from './commands/claim.ts'
import { registerCompletion } from './commands/completion.ts'
import { registerConflicts } from './commands/conflicts.ts'
import { registerCount } from './commands/count.ts'
import { registerDashboard } from './commands/dashboard.ts'
import { registerDelegations } from './commands/delegations.ts'
import { registerDelete } from './commands/delete.ts'
import { registerDelta } from './commands/delta.ts'
import { registerDiff } from './commands/diff.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerExplain } from './commands/explain.ts'
import { registerForks } from './commands/forks.ts'
import { registerGet } from './commands/get.ts'
import { registerGrant } from './commands/grant.ts'
import { registerHeld } from './commands/held.ts'
import { registerIdentity } from './commands/identity.ts'
import { registerImport } from './commands/import.ts'
import { registerInit } from './commands/init.ts'
import { registerInvite } from './commands/invite.ts'
import { registerJoin } from './commands/join.ts'
import { registerKind } from './commands/kind.ts'
import { registerLink } from './commands/link.ts'
import { registerList } from './commands/list.ts'
import { registerLog } from './commands/log.ts'
import { registerMcp } from './commands/mcp.ts'
import { registerOps } from './commands/ops.ts'
import { registerPeers } from './commands/peers.ts'
import { registerProve } from './commands/prove.ts'
import { registerPut } from './commands/put.ts'
import { registerRemote } from './commands/remote.ts'
import { registerPull, registerPush } from './commands/remote-run.ts'
import { registerRevert } from './commands/revert.ts'
import { registerRevoke } from './commands/revoke.ts'
import { registerSnapshot } from './commands/snapshot.ts'
import { registerSearch } from './commands/search.ts'
import { registerSpace } from './commands/space.ts'
import { registerSql } from './commands/sql.ts'
import { registerStatus } from './commands/status.ts'
import { registerSync } from './commands/sync.ts'
import { registerTable } from './commands/table.ts'
import { registerTag } from './commands/tag.ts'
import { registerText } from './commands/text.ts'
import { registerTop } from './commands/top.ts'
import { registerUp } from './commands/up.ts'
import { registerVerify } from './commands/verify.ts'
import { registerVersion } from './commands/version.ts'
import { registerWhoami } from './commands/whoami.ts'
import { registerWrite } from './commands/write.ts'
import { EXAMPLES } from './examples.ts'
import { faultOf } from '../node/fault-of.ts'
import { EXIT } from './exit-code.ts'
import type { GlobalOptions, Shell } from './shell.ts'
import { VERSION } from './version.ts'

/** Commands in the order of the help text, by what they are for. */
const GROUPS: readonly (readonly [
  string,
  readonly ((program: Command<[], GlobalOptions>, shell: Shell) => void)[],
])[] = [
  [
    'This node:',
    [
      registerInit,
      registerUp,
      registerDashboard,
      registerAgent,
      registerMcp,
      registerWhoami,
      registerIdentity,
      registerDoctor,
      registerTop,
      registerCompletion,
      registerVersion,
    ],
  ],
  [
    'Spaces and members:',
    [registerSpace, registerInvite, registerJoin, registerGrant, registerDelegations, registerRevoke],
  ],
  ['Content:', [registerPut, registerGet, registerList, registerDelete, registerBlob]],
  [
    'Content by type:',
    [registerLink, registerAppend, registerTag, registerCount, registerText, registerClaim, registerWrite],
  ],
  ['History:', [registerLog, registerBlame, registerDiff, registerRevert, registerConflicts]],
  ['Asking and following:', [registerSql, registerSearch, registerKind, registerChanges, registerDelta]],
  ['Federation:', [registerStatus, registerPeers, registerSync, registerExplain]],
  ['Remotes:', [registerClone, registerRemote, registerPull, registerPush]],
  ['Files:', [registerOps, registerSnapshot, registerImport]],
  ['Tables:', [registerTable]],
  ['Looking closely:', [registerHeld, registerForks, registerProve, registerVerify]],
]

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
  const program = createProgram(shell)
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

/** The program with every command; nothing of it has run. */
export function createProgram(shell: Shell): Command<[], GlobalOptions> {
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
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading)
    for (const register of commands) register(program, shell)
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
