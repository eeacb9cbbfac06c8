import type { Command } from '@commander-js/extra-typings'
import { toHex } from '../../core/bytes.ts'
import { ID_PREFIX_OPERATIONS_MAX } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { Explanation } from '../../node/space/explain.ts'
import type { Space } from '../../node/space/space.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../fault-of.ts'
import { printable } from '../output/printable.ts'
import { formatPairs } from '../output/table.ts'
import type { Style } from '../output/style.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace } from './choose-space.ts'

export const whyAction = defineAction({
  name: 'why',
  shape: { space: 'text?', operation: 'text' },
  run: ({ node }, { space: given, operation }): Explanation => {
    const space = chooseSpace(node, given)
    return space.why(wholeId(space, operation))
  },
})

/** Hexadecimal digits from which on a beginning is looked up. */
const PREFIX_DIGITS_MIN = 4
const ID_DIGITS = 64
const PAGE = 4_096

/** The id that a beginning of it means, among what is held and the newest operations. */
function wholeId(space: Space, text: string): string {
  const id = text.toLowerCase()
  if (id.length === ID_DIGITS || id.length < PREFIX_DIGITS_MIN || !/^[0-9a-f]+$/.test(id)) return id
  const found = new Set<string>()
  for (const candidate of recentIds(space)) if (candidate.startsWith(id)) found.add(candidate)
  const [only, ...others] = found
  if (only === undefined) {
    const detail = `none of the newest operations here begins with ${id}: give all ${ID_DIGITS} digits of the id`
    throw new FaultError({ code: 'NOT_FOUND', detail })
  }
  if (others.length > 0)
    throw new FaultError({
      code: 'AMBIGUOUS',
      detail: `${found.size} operations begin with ${id}: give more digits`,
    })
  return only
}

function* recentIds(space: Space): Generator<string> {
  const { replica, store } = space.hosted
  for (const { operation } of replica.held.all()) yield toHex(operation.id)
  const from = Math.max(0, store.count() - ID_PREFIX_OPERATIONS_MAX)
  for (let ordinal = from; ordinal < store.count(); ordinal += PAGE) {
    for (const entry of store.entriesFrom(ordinal, PAGE)) yield toHex(entry.id)
  }
}

/** `hanse why`: what became of an operation here. */
export function registerWhy(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('why')
    .argument('<operation>', 'its id, or the beginning of it that "hanse log" shows')
    .description('explain what became of an operation here: admitted, masked, held or refused, and why')
    .addHelpText('after', '\nExit code 1 where the operation is not known here.')
    .action(async (operation, _options, self) => {
      const { session, space } = shell.open(self)
      const explanation = await session.execute(whyAction, { space, operation })
      shell.print(explanation, () => formatExplanation(explanation, shell.style))
      if (explanation.verdict === 'unknown') shell.exitCode = EXIT.failed
    })
}

function formatExplanation(
  { id, verdict, code, detail, author, caps, void: voids }: Explanation,
  style: Style,
): readonly string[] {
  const paint = verdict === 'admitted' ? style.good : verdict === 'refused' ? style.bad : style.warn
  return [
    ...formatPairs([
      ['operation', id],
      ['verdict', verdict + (code === null ? '' : ` (${printable(code)})`)],
      ['because', printable(detail)],
      ...(author === null ? [] : [['author', author] as const]),
      ...caps.map((cap, index) => [index === 0 ? 'by tokens' : '', cap] as const),
      ...voids.map(({ index, detail: why }) => [`change ${index}`, `no effect: ${printable(why)}`] as const),
    ]).map((line) => (line.startsWith('verdict') ? line.replace(verdict, paint(verdict)) : line)),
  ]
}
