import type { Command } from '@commander-js/extra-typings'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { POINT_HELP, wholePoint } from './choose-point.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'

export const revertAction = defineAction({
  name: 'revert',
  shape: { space: 'text?', path: 'text', to: 'text', type: 'text?', field: 'text?' },
  run: (
    { node },
    { space: given, path, to, type, field },
  ): { readonly id: string | null; readonly path: string } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const choice = { type: chooseType(type), field }
    return { id: space.history.revert(path, wholePoint(space, to), choice), path }
  },
})

/** `hanse revert`: makes an item again what it was. */
export function registerRevert(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('revert')
    .argument('<path>', 'which item')
    .requiredOption('--to <point>', 'a point in history')
    .description('make an item again what it was at a point in history, by a new operation')
    .option('--type <type>', `only of this type (${TYPE_NAMES})`)
    .option('--field <field>', 'only this field, edge (label/to) or member of a set')
    .addHelpText('after', `${POINT_HELP}\n\nExample: hanse revert notes/today --to 3f9a21c0^`)
    .action(async (path, { to, type, field }, self) => {
      const { session, space } = shell.open(self)
      const reverted = await session.execute(revertAction, { space, path, to, type: chooseType(type), field })
      shell.print(reverted, ({ id }) =>
        id === null
          ? `${printable(path)} is what it was then`
          : `${printable(path)} reverted by operation ${shortId(id)}`,
      )
    })
}
