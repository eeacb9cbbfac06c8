import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'

/** What a word may be, besides commands and flags. */
export type Names = 'spaces' | 'agents' | 'peers' | 'paths' | 'kinds' | 'remotes'

/** What may stand in the place of a word. */
export interface Completion {
  readonly candidates: readonly Candidate[]
  /** Names that a node knows, to be looked up by whoever asked. Null where none may stand here. */
  readonly names: Names | null
  /** True where a file or a folder may stand here. */
  readonly files: boolean
  /** To be put before each candidate: `--space=` where the value is part of the word. */
  readonly before: string
  /** The word as far as it has been typed, without what is put before. */
  readonly typed: string
  /** What was given on the line so far, by the option's name. */
  readonly given: Readonly<Record<string, string>>
}

export interface Candidate {
  readonly text: string
  readonly description: string
}

/** Values of options and arguments by their name; the command, where the same name means several things. */
const VALUES: Readonly<Record<string, Names | 'files' | readonly string[]>> = {
  space: 'spaces',
  peer: 'peers',
  path: 'paths',
  prefix: 'paths',
  drop: 'paths',
  'link from': 'paths',
  'link to': 'paths',
  'unlink from': 'paths',
  'unlink to': 'paths',
  'agent allow name': 'agents',
  'agent revoke name': 'agents',
  'kind remove name': 'kinds',
  remote: 'remotes',
  'remote set name': 'remotes',
  'remote show name': 'remotes',
  'remote remove name': 'remotes',
  'remote status name': 'remotes',
  'remote stats name': 'remotes',
  mode: ['local', 'hybrid', 'continuous'],
  can: ['read', 'write', 'admin'],
  role: ['reader', 'writer', 'admin'],
  profile: ['local', 'coordinated', 'federated'],
  prefer: ['space', 'local'],
  'import json type': ['map', 'register'],
  'import csv type': ['map', 'register'],
  data: 'files',
  file: 'files',
  dir: 'files',
  db: 'files',
  output: 'files',
  shell: ['bash', 'zsh', 'fish'],
}

/**
 * What may come in the place of the last of `words`, which may be empty; the words are those after the program's name. `types`: names of
 * the item types. Follows the program as it is, so it cannot know other commands or flags than help does.
 */
export function complete(
  program: CommandUnknownOpts,
  words: readonly string[],
  types: readonly string[],
): Completion {
  const all = joined(words)
  const walk = new Walk(program)
  for (const word of all.slice(0, -1)) walk.take(word)
  const current = all.at(-1) ?? ''
  const { command, given } = walk
  const typed = /^(--[\w-]+=)(.*)$/s.exec(current)
  const inWord = typed === null ? undefined : walk.option((typed[1] as string).slice(0, -1))
  const option = walk.pending ?? inWord
  if (option !== undefined) {
    const before = walk.pending === undefined ? (typed?.[1] ?? '') : ''
    const values = valuesOf(command, option.attributeName(), types)
    return { ...values, before, typed: current.slice(before.length), given }
  }
  const none = { candidates: [], names: null, files: false, before: '', typed: current, given }
  if (walk.isOver) return { ...none, ...argumentAt(walk, types) }
  if (current.startsWith('-')) return { ...none, candidates: walk.options().filter(startsWith(current)) }
  const argument = argumentAt(walk, types)
  const commands = walk.operands === 0 ? subcommands(command) : []
  return {
    ...none,
    ...argument,
    candidates: [...commands, ...argument.candidates].filter(startsWith(current)),
  }
}

/** Goes along a command line as the program would. */
class Walk {
  command: CommandUnknownOpts
  /** Words that are neither commands nor options, since the command. */
  operands = 0
  /** An option whose value comes next. */
  pending: Option | undefined
  /** After `--`, nothing is an option. */
  isOver = false
  readonly given: Record<string, string> = {}
  readonly #program: CommandUnknownOpts

  constructor(program: CommandUnknownOpts) {
    this.#program = program
    this.command = program
  }

  take(word: string): void {
    if (this.pending !== undefined) {
      this.given[this.pending.attributeName()] = word
      this.pending = undefined
    } else if (this.isOver) this.operands++
    else if (word === '--') this.isOver = true
    else if (word.startsWith('-')) this.#takeOption(word)
    else this.#takeOperand(word)
  }

  #takeOption(word: string): void {
    const [flag = '', ...value] = word.split('=')
    const option = this.option(flag)
    if (option === undefined || !(option.required || option.optional)) return
    if (value.length === 0) this.pending = option
    else this.given[option.attributeName()] = value.join('=')
  }

  #takeOperand(word: string): void {
    const next = this.operands === 0 ? this.command.commands.find((one) => one.name() === word) : undefined
    if (next === undefined) this.operands++
    else this.command = next
  }

  option(flag: string): Option | undefined {
    return [...this.command.options, ...this.#program.options].find(
      ({ long, short }) => flag === long || flag === short,
    )
  }

  options(): readonly Candidate[] {
    const own = this.command === this.#program ? [] : this.command.options
    const all = [...own, ...this.#program.options].filter(({ hidden }) => !hidden)
    const flags = all.flatMap(({ long, short, description }) => ({ text: long ?? short ?? '', description }))
    return [...flags, { text: '--help', description: 'show help' }]
  }
}

function subcommands(command: CommandUnknownOpts): readonly Candidate[] {
  // As help lists them: hidden ones are not for people.
  return command
    .createHelp()
    .visibleCommands(command as never)
    .map((one) => ({ text: one.name(), description: one.description() }))
}

function argumentAt({ command, operands }: Walk, types: readonly string[]) {
  const all = command.registeredArguments
  const argument = all[operands] ?? all.findLast(({ variadic }) => variadic)
  if (argument === undefined || all.length === 0) return { candidates: [], names: null, files: false }
  return valuesOf(command, argument.name(), types)
}

function valuesOf(command: CommandUnknownOpts, name: string, types: readonly string[]) {
  const values = VALUES[`${pathOf(command)} ${name}`] ?? VALUES[name] ?? (name === 'type' ? types : [])
  return {
    candidates: Array.isArray(values) ? values.map(bare) : [],
    names: typeof values === 'string' && values !== 'files' ? values : null,
    files: values === 'files',
  }
}

/** The names of a command below the program: `agent add`. */
function pathOf(command: CommandUnknownOpts): string {
  const { parent } = command
  if (parent === null) return ''
  return `${pathOf(parent)} ${command.name()}`.trimStart()
}

/** Bash takes `--space=team` apart at the equals sign. */
function joined(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    if (word !== '=' || words[index - 1]?.startsWith('--') !== true) return [word]
    return index === words.length - 1 ? [''] : []
  })
}

const bare = (text: string): Candidate => ({ text, description: '' })
const startsWith =
  (beginning: string) =>
  ({ text }: Candidate): boolean =>
    text.startsWith(beginning)
