import type { Command } from '@commander-js/extra-typings'
import { parseValue } from '../../core/value-json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { edgeText } from '../output/item-lines.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { givenValue } from './given-value.ts'

/** An edge that was drawn or taken away. */
interface Linked {
  readonly id: string
  readonly path: string
  readonly label: string
  readonly to: string
}

export const linkAction = defineAction({
  name: 'link',
  shape: { space: 'text?', path: 'text', label: 'text', to: 'text', value: 'text' },
  run: ({ node }, { space: given, path, label, to, value }): Linked => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { id: space.link(path, label, to, orThrow(parseValue(value))), path, label, to }
  },
})

export const unlinkAction = defineAction({
  name: 'unlink',
  shape: { space: 'text?', path: 'text', label: 'text', to: 'text' },
  run: ({ node }, { space: given, path, label, to }): Linked => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.unlink(path, label, to)
    if (id !== null) return { id, path, label, to }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there is no edge ${JSON.stringify(label)} from ${JSON.stringify(path)} to ${JSON.stringify(to)}: see "hanse get ${path} --type edge"`,
    })
  },
})

/** `hanse link` and `hanse unlink`: relations between items. */
export function registerLink(program: Command<[], GlobalOptions>, shell: Shell): void {
  const tell = ({ id, path, label, to }: Linked, what: string) =>
    `${printable(path)} ${edgeText({ label, to, value: null })} ${what} by operation ${shortId(id)}`
  program
    .command('link')
    .argument('<from>', 'path of the source, e.g. people/ada')
    .argument('<label>', 'what the relation is called, e.g. knows; without a slash')
    .argument('<to>', 'path of the target')
    .argument(
      '[value]',
      'what the relation is like: JSON where it is JSON, else text; - reads standard input',
    )
    .description('draw an edge from one item to another')
    .option('--text', 'take the value as text, even where it is JSON')
    .addHelpText('after', '\nNeither end has to exist.')
    .action(async (path, label, to, value, { text }, self) => {
      const { session, space } = shell.open(self)
      const json = value === undefined ? 'null' : await givenValue(value, text === true, shell)
      const linked = await session.execute(linkAction, { space, path, label, to, value: json })
      shell.print(linked, (one) => tell(one, 'written'))
    })
  program
    .command('unlink')
    .argument('<from>', 'path of the source')
    .argument('<label>', 'what the relation is called')
    .argument('<to>', 'path of the target')
    .description('take an edge away')
    .action(async (path, label, to, _options, self) => {
      const { session, space } = shell.open(self)
      const linked = await session.execute(unlinkAction, { space, path, label, to })
      shell.print(linked, (one) => tell(one, 'taken away'))
    })
}
