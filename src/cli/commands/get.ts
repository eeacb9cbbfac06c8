import type { Command } from '@commander-js/extra-typings'
import { FaultError } from '../../node/fault-error.ts'
import type { ItemType } from '../../node/space/item-edit.ts'
import { defineAction } from '../control/action.ts'
import { formatJson } from '../../core/json.ts'
import { printableLines } from '../output/printable.ts'
import { toJsonValue } from '../../core/value-json.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

interface Found {
  readonly path: string
  readonly type: string
  /** By the conventions of DAG-JSON. */
  readonly value: unknown
}

const TYPES: readonly ItemType[] = ['register', 'map']

export const getAction = defineAction({
  name: 'get',
  shape: { space: 'text?', path: 'text', type: 'text?' },
  run: ({ node }, { space: given, path, type }): Found => {
    const known = TYPES.find((one) => one === type)
    if (type !== undefined && known === undefined) {
      throw new FaultError({
        code: 'USAGE',
        detail: `there is no type ${JSON.stringify(type)}: use one of ${TYPES.join(', ')}`,
      })
    }
    const space = chooseSpace(node, given)
    const item = space.get(path, known)
    if (item !== undefined) return { path: item.path, type: item.type, value: toJsonValue(item.value) }
    requireGenesis(space)
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there is nothing at ${JSON.stringify(path)}: see "hanse list"`,
    })
  },
})

/** `hanse get`: the value at a path. */
export function registerGet(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('get')
    .argument('<path>', 'where, e.g. notes/today')
    .description('show the value at a path')
    .option('--type <type>', 'register or map, where both are at one path; the register goes first')
    .addHelpText(
      'after',
      '\nA text is printed as it is, any other value as JSON. Exit code 1 where there is nothing.',
    )
    .action(async (path, { type }, self) => {
      const { session, space } = shell.open(self)
      const found = await session.execute(getAction, { space, path, type })
      shell.print(found, ({ value }) => {
        const text = typeof value === 'string' ? value : formatJson(value, 2)
        // Into a file or a program goes what was written; a terminal must not be steered by it.
        return shell.stdout.isTTY ? printableLines(text) : text
      })
    })
}
