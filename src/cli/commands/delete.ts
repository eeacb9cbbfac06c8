import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

export const deleteAction = defineAction({
  name: 'delete',
  shape: { space: 'text?', path: 'text' },
  run: ({ node }, { space: given, path }): { readonly id: string; readonly path: string } => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    // A path that is none is refused before anything is looked for there.
    space.get(path)
    const id = space.delete(path)
    if (id !== null) return { id, path }
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there is nothing at ${JSON.stringify(path)}: see "hanse list"`,
    })
  },
})

/** `hanse delete`: takes away what shows at a path. */
export function registerDelete(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('delete')
    .argument('<path>', 'where, e.g. notes/today; nothing below it is touched')
    .description('delete what is at a path')
    .action(async (path, _options, self) => {
      const { session, space } = shell.open(self)
      const deleted = await session.execute(deleteAction, { space, path })
      shell.print(deleted, ({ id }) => `${printable(path)} deleted by operation ${shortId(id)}`)
    })
}
