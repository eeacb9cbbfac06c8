import type { Command } from '@commander-js/extra-typings'
import { parseValue } from '../../core/value-json.ts'
import { orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { givenValue } from './given-value.ts'

export const appendAction = defineAction({
  name: 'append',
  shape: { space: 'text?', path: 'text', value: 'text' },
  run: (
    { node },
    { space: given, path, value },
  ): { readonly id: string; readonly path: string; readonly type: 'log' } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { id: space.append(path, orThrow(parseValue(value))), path, type: 'log' }
  },
})

/** `hanse append`: one more entry of a log. */
export function registerAppend(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('append')
    .argument('<path>', 'the log, e.g. journal/today')
    .argument('<value>', 'JSON where it is JSON, else text; - reads standard input')
    .description('append an entry to a log; it stays for good')
    .option('--text', 'take the value as text, even where it is JSON')
    .addHelpText('after', '\nRead it with: hanse get PATH --type log --last 20')
    .action(async (path, value, { text }, self) => {
      const { session, space } = shell.open(self)
      const json = await givenValue(value, text === true, shell)
      const appended = await session.execute(appendAction, { space, path, value: json })
      shell.print(appended, ({ id }) => `${printable(path)} appended to by operation ${shortId(id)}`)
    })
}
