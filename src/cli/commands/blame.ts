import type { Command } from '@commander-js/extra-typings'
import { toJsonValue } from '../../core/value-json.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { Blame } from '../../node/history/blame.ts'
import { fieldWords, valueWords } from '../../node/history/describe-edit.ts'
import { defineAction } from '../control/action.ts'
import { emitPages } from '../control/emit-pages.ts'
import { formatAmount, formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'
import { lineWidth } from './line-width.ts'

export const blameAction = defineAction<
  { readonly space: 'text?'; readonly path: 'text'; readonly type: 'text?'; readonly field: 'text?' },
  { readonly values: number },
  readonly Blame[]
>({
  name: 'blame',
  shape: { space: 'text?', path: 'text', type: 'text?', field: 'text?' },
  run: async ({ node, signal, emit }, { space: given, path, type, field }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const blamed = space.history.blame(path, { type: chooseType(type), field })
    if (blamed.length === 0) {
      throw new FaultError({
        code: 'NOT_FOUND',
        detail: `there is nothing at ${JSON.stringify(path)} that shows: see "hanse log ${path}"`,
      })
    }
    const values = await emitPages(
      blamed.map((one) => toJsonValue(one) as Blame),
      { signal, emit },
    )
    return { values }
  },
})

/** `hanse blame`: who wrote what shows. */
export function registerBlame(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('blame')
    .argument('<path>', 'which item')
    .description('show who wrote each field, edge, entry, member or stretch of text that shows, and when')
    .option('--type <type>', `only of this type (${TYPE_NAMES})`)
    .option('--field <field>', 'only this field, edge (label/to) or member of a set')
    .action(async (path, { type, field }, self) => {
      const { session, space } = shell.open(self)
      const blamed: Blame[] = []
      await session.execute(
        blameAction,
        { space, path, type: chooseType(type), field },
        { onEvent: (page) => void blamed.push(...page) },
      )
      shell.print(blamed, () => blamed.flatMap((one) => formatBlame(one, shell)))
    })
}

function formatBlame(blame: Blame, shell: Shell): readonly string[] {
  const { type, field, value, parts, ranges } = blame
  const row = (operation: string, time: number, author: string, what: string) => {
    const head = `${shortId(operation)}  ${formatMoment(time)}  ${shortDid(author)}  `
    return `${shell.style.faint(head)}${shorten(printable(what), Math.max(20, lineWidth(shell) - head.length))}`
  }
  if (ranges !== undefined)
    return ranges.map(({ operation, time, author, text }) =>
      row(operation, time, author, `text  ${valueWords(text)}`),
    )
  const saysNothing = type === 'set' || (type === 'edge' && value === null)
  const words = [type, fieldWords(type, field), saysNothing ? '' : valueWords(value)]
  const what = words.filter((part) => part !== '').join('  ')
  const sums = (parts ?? []).map(
    ({ author, by, operations }) =>
      `  ${shortDid(author)}  ${by}  in ${formatAmount(operations, 'operation')}`,
  )
  return [row(blame.operation, blame.time, blame.author, what), ...sums]
}
