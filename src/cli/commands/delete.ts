import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'

export const deleteAction = defineAction({
  name: 'delete',
  shape: { space: 'text?', path: 'text', type: 'text?' },
  run: ({ node }, { space: given, path, type }): { readonly id: string; readonly path: string } => {
    const known = chooseType(type)
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const id = space.delete(path, {}, known)
    if (id !== null) return { id, path }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there is ${known === undefined ? 'nothing' : `no ${known}`} at ${JSON.stringify(path)}: see "hanse list"`,
    })
  },
})

/** `hanse delete`: takes away what shows at a path. */
export function registerDelete(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('delete')
    .argument('<path>', 'where, e.g. notes/today; nothing below it is touched')
    .description('delete what is at a path')
    .option('--type <type>', `only that type: one of ${TYPE_NAMES}`)
    .addHelpText(
      'after',
      '\nWhat others write at the same time stays. The entries of a log stay for good: deleting a log says APPEND_ONLY.',
    )
    .action(async (path, { type }, self) => {
      const { session, space } = shell.open(self)
      const deleted = await session.execute(deleteAction, { space, path, type })
      shell.print(deleted, ({ id }) => `${printable(path)} deleted by operation ${shortId(id)}`)
    })
}
