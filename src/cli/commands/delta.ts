import type { Command } from '@commander-js/extra-typings'
import { parseClockText } from '../../core/clock-text.ts'
import { orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { readClock } from './read-clock.ts'

export const deltaAction = defineAction({
  name: 'delta',
  shape: { space: 'text?', clock: 'text', path: 'text' },
  run: async ({ node }, { space: given, clock, path }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const since = orThrow(parseClockText(clock))
    return { ...(await space.history.since(since, path)), clock: space.exchange.clock() }
  },
})

/** `hanse delta`: what items are new, changed and gone since a clock. */
export function registerDelta(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('delta')
    .argument(
      '<clock>',
      'a clock, as "hanse ops clock" prints it: a file of it, JSON, or - for standard input',
    )
    .argument('[path]', 'only at or below this path')
    .description('list what items are new, changed and gone since a clock')
    .addHelpText('after', '\nExamples:\n  hanse ops clock > monday.json\n  hanse delta monday.json notes')
    .action(async (given, path = '', _options, self) => {
      const { session, space } = shell.open(self)
      const clock = await readClock(given, shell)
      const delta = await session.execute(deltaAction, { space, clock, path })
      shell.print(delta, ({ added, updated, deleted }) => [
        ...added.map((item) => line('+', item)),
        ...updated.map((item) => line('~', item)),
        ...deleted.map((item) => line('-', item)),
      ])
      const { added, updated, deleted } = delta
      shell.remark(
        `${formatAmount(added.length, 'item')} added, ${updated.length} updated, ${deleted.length} deleted.`,
      )
    })
}

const line = (sign: string, { path, type }: { readonly path: string; readonly type: string }): string =>
  `${sign} ${printable(path) || '(root)'}  ${type}`
