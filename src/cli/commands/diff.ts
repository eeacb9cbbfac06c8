import type { Command } from '@commander-js/extra-typings'
import { toJsonValue } from '../../core/value-json.ts'
import { fieldWords, valueWords } from '../../node/history/describe-edit.ts'
import type { Difference } from '../../node/history/diff-rows.ts'
import { defineAction } from '../control/action.ts'
import { emitPages } from '../control/emit-pages.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { POINT_HELP, wholePoint } from './choose-point.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'
import { lineWidth } from './line-width.ts'

export const diffAction = defineAction<
  {
    readonly space: 'text?'
    readonly path: 'text'
    readonly from: 'text'
    readonly to: 'text'
    readonly type: 'text?'
    readonly field: 'text?'
    readonly asRecorded: 'boolean?'
  },
  { readonly path: string; readonly from: string; readonly to: string },
  readonly Difference[]
>({
  name: 'diff',
  shape: {
    space: 'text?',
    path: 'text',
    from: 'text',
    to: 'text',
    type: 'text?',
    field: 'text?',
    asRecorded: 'boolean?',
  },
  run: async ({ node, signal, emit }, { space: given, path, type, field, asRecorded, ...points }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const [from, to] = [wholePoint(space, points.from), wholePoint(space, points.to)]
    const differences = space.history.diff(path, from, to, { type: chooseType(type), field, asRecorded })
    await emitPages(
      differences.map((one) => toJsonValue(one) as Difference),
      { signal, emit },
    )
    return { path, from, to }
  },
})

/** `hanse diff`: in what an item differs between two points in history. */
export function registerDiff(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('diff')
    .argument('<path>', 'which item')
    .argument('<from>', 'a point in history')
    .argument('[to]', 'another', 'now')
    .description(
      'show in what an item differs between two points in history, field by field and line by line',
    )
    .option('--type <type>', `only of this type (${TYPE_NAMES})`)
    .option('--field <field>', 'only this field, edge (label/to) or member of a set')
    .option('--as-recorded', 'also what was revoked since counts')
    .addHelpText(
      'after',
      `${POINT_HELP}\n\nExamples:\n  hanse diff people/ada 3f9a21c0 now\n  hanse diff notes/today 3f9a21c0^ 3f9a21c0\n  hanse diff notes/today 2026-11-20 2026-11-21`,
    )
    .action(async (path, from, to, { type, field, asRecorded }, self) => {
      const { session, space } = shell.open(self)
      const differences: Difference[] = []
      const points = await session.execute(
        diffAction,
        { space, path, from, to, type: chooseType(type), field, asRecorded },
        { onEvent: (page) => void differences.push(...page) },
      )
      shell.print({ ...points, differences }, () =>
        differences.flatMap((one) => formatDifference(one, shell)),
      )
      if (differences.length === 0) shell.remark('Nothing differs.')
    })
}

function formatDifference(difference: Difference, shell: Shell): readonly string[] {
  const { type, field, writer, lines } = difference
  const by =
    writer === null
      ? 'removed'
      : `${shortId(writer.operation)}  ${formatMoment(writer.time)}  ${shortDid(writer.author)}`
  const { style } = shell
  const head = style.faint(
    printable([type, fieldWords(type, field), by].filter((part) => part !== '').join('  ')),
  )
  const room = lineWidth(shell)
  const paint = (line: string) => {
    const shown = shorten(printable(line), room)
    return line.startsWith('+') ? style.good(shown) : line.startsWith('-') ? style.bad(shown) : shown
  }
  if (lines !== undefined && lines !== null) {
    const hunks = lines.flatMap(({ oldStart, oldLines, newStart, newLines, lines: changed }) => [
      style.faint(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`),
      ...changed.map(paint),
    ])
    return [head, ...hunks]
  }
  return [
    head,
    ...('before' in difference ? [paint(`- ${valueWords(difference.before)}`)] : []),
    ...('after' in difference ? [paint(`+ ${valueWords(difference.after)}`)] : []),
  ]
}
