import { Argument, type Command } from '@commander-js/extra-typings'
import { CELL_TYPES } from '../../core/types/cell.ts'
import { isDataDirectory } from '../../node/data-directory.ts'
import type { HanseNode } from '../../node/node.ts'
import { complete, type Names } from '../completion/complete.ts'
import { COMPLETION_SCRIPTS, type ShellName } from '../completion/scripts.ts'
import { defineAction } from '../control/action.ts'
import { printable } from '../output/printable.ts'
import type { Session } from '../session.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'

/** Names offered, and items looked at for them. */
const NAMES_MAX = 100
const ITEMS_MAX = 2_000
/** How long a node may take to tell names, in ms: whoever presses Tab does not wait for long. */
const NAMES_WITHIN_MS = 2_000

/** Names that may come next. Hidden: for the completion of shells. */
export const namesAction = defineAction({
  name: 'names',
  shape: { space: 'text?', what: 'text', typed: 'text' },
  run: ({ node }, { space, what, typed }): { readonly names: readonly string[] } => {
    const names = new Set<string>()
    for (const name of namesOf(node, space, what, typed)) {
      if (name.startsWith(typed)) names.add(name)
      if (names.size === NAMES_MAX) break
    }
    return { names: [...names] }
  },
})

function* namesOf(
  node: HanseNode,
  space: string | undefined,
  what: string,
  typed: string,
): Generator<string> {
  switch (what as Names) {
    case 'spaces':
      return yield* node.spaces().map(({ name, id }) => (name === '' ? id : name))
    case 'agents':
      return yield* node.agents.list().map(({ name }) => name)
    case 'peers': {
      yield* (node.network?.connectedPeers() ?? []).map(({ peer }) => peer)
      return yield* node.spaces().flatMap((one) => one.peers.all().map(({ peer }) => peer))
    }
    case 'remotes':
      return yield* node.remotes.list(chooseSpace(node, space).id).map(({ name }) => name)
    case 'kinds':
      return yield* chooseSpace(node, space)
        .queries.kinds.list()
        .kinds.map(({ name }) => name)
    case 'paths': {
      let looked = 0
      for (const { path } of chooseSpace(node, space).list(typed.split('/').slice(0, -1).join('/'))) {
        yield path
        if (++looked === ITEMS_MAX) return
      }
    }
  }
}

/** `hanse completion`, and the hidden command that its scripts ask. */
export function registerCompletion(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish'] as const))
    .description('print what completes commands, flags and names in a shell on Tab')
    .addHelpText(
      'after',
      `
Examples:
  source <(hanse completion bash)                                      # in ~/.bashrc
  source <(hanse completion zsh)                                       # in ~/.zshrc, after compinit
  hanse completion fish > ~/.config/fish/completions/hanse.fish`,
    )
    .action((name) => {
      const script = COMPLETION_SCRIPTS[name satisfies ShellName]
      shell.print({ shell: name, script }, () => script.trimEnd())
    })
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words) => {
      const completion = complete(program, words, CELL_TYPES)
      const { candidates, names, files, before, typed, given } = completion
      const found = names === null ? [] : await namesKnown(shell, given, names, typed)
      const lines = [
        ...candidates.filter(({ text }) => text.startsWith(typed)),
        ...found.map((text) => ({ text, description: '' })),
      ].map(({ text, description }) => `${before}${text}\t${description}`)
      const all = [...lines, ...(files ? [':files'] : [])]
      shell.print({ lines: all }, () => all)
    })
}

/** Nothing where there is nothing, or where it takes too long: a Tab is no place for errors. */
async function namesKnown(
  shell: Shell,
  given: Readonly<Record<string, string>>,
  what: Names,
  typed: string,
): Promise<readonly string[]> {
  try {
    const options = {
      ...(given['data'] === undefined ? {} : { data: given['data'] }),
      ...(given['space'] === undefined ? {} : { space: given['space'] }),
    }
    if (!isDataDirectory(shell.dataOf(options))) return []
    const { session, space } = shell.open({ optsWithGlobals: () => options })
    const asked = ask(session, { space, what, typed })
    const late = new Promise<readonly string[]>((resolve) => {
      setTimeout(() => resolve([]), NAMES_WITHIN_MS).unref()
    })
    // What others named, for a terminal.
    return (await Promise.race([asked, late])).filter((name) => printable(name) === name)
  } catch {
    return []
  }
}

async function ask(
  session: Session,
  args: { readonly space: string | undefined; readonly what: string; readonly typed: string },
): Promise<readonly string[]> {
  return (await session.execute(namesAction, args)).names
}
