import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

export const countAction = defineAction({
  name: 'count',
  shape: { space: 'text?', path: 'text', by: 'integer' },
  run: (
    { node },
    { space: given, path, by },
  ): { readonly id: string; readonly path: string; readonly type: 'counter'; readonly value: unknown } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.increment(path, by)
    return { id, path, type: 'counter', value: space.get(path, 'counter')?.value }
  },
})

/** `hanse count`: adds to a counter. */
export function registerCount(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('count')
    .argument('<path>', 'the counter, e.g. votes/yes')
    .argument('[by]', 'a whole number, negative to count down; default 1')
    .description('add to a counter')
    .action(async (path, given = '1', _options, self) => {
      const by = readNumber(given)
      const { session, space } = shell.open(self)
      const counted = await session.execute(countAction, { space, path, by })
      shell.print(counted, ({ value }) => `${printable(path)}: ${String(value)}`)
    })
}

function readNumber(text: string): number {
  const number = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number
  throw new FaultError({
    code: 'USAGE',
    detail: `a counter takes whole numbers within ±9007199254740991, not ${JSON.stringify(text)}`,
  })
}
