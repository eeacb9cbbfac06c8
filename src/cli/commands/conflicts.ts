import type { Command } from '@commander-js/extra-typings'
import { CONFLICTS_PAGE_MAX } from '../../core/limits.ts'
import { toJsonValue } from '../../core/value-json.ts'
import type { Conflict, Contender } from '../../node/history/conflict.ts'
import type { ConflictPage } from '../../node/history/conflicts.ts'
import { fieldWords, valueWords } from '../../node/history/describe-edit.ts'
import { defineAction } from '../control/action.ts'
import { emitPages } from '../control/emit-pages.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { wholeId } from './choose-operation.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'
import { lineWidth } from './line-width.ts'
import { readLimit } from './list.ts'

/** What settled a conflict. */
interface Settled {
  readonly id: string
  readonly path: string
}

export const conflictsAction = defineAction<
  { readonly space: 'text?'; readonly prefix: 'text'; readonly limit: 'integer' },
  { readonly conflicts: number; readonly more: boolean },
  readonly Conflict[]
>({
  name: 'conflicts',
  shape: { space: 'text?', prefix: 'text', limit: 'integer' },
  run: async ({ node, signal, emit }, { space: given, prefix, limit }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    let conflicts = 0
    let after: ConflictPage['next'] = null
    do {
      const size: number = Math.min(limit - conflicts, CONFLICTS_PAGE_MAX)
      const page: ConflictPage = space.conflicts.list(prefix, { limit: size, after: after ?? undefined })
      conflicts += await emitPages(
        page.conflicts.map((one) => toJsonValue(one) as Conflict),
        { signal, emit },
      )
      after = page.next
    } while (after !== null && conflicts < limit)
    return { conflicts, more: after !== null }
  },
})

export const conflictsTakeAction = defineAction({
  name: 'conflicts take',
  shape: { space: 'text?', path: 'text', operation: 'text', type: 'text?', field: 'text?' },
  run: ({ node }, { space: given, path, operation, type, field }): Settled => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const choice = { type: chooseType(type), field }
    return { id: space.conflicts.take(path, wholeId(space, operation), choice), path }
  },
})

export const conflictsKeepAction = defineAction({
  name: 'conflicts keep',
  shape: { space: 'text?', path: 'text', type: 'text?', field: 'text?' },
  run: ({ node }, { space: given, path, type, field }): Settled => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    return { id: space.conflicts.keep(path, { type: chooseType(type), field }), path }
  },
})

/** `hanse conflicts`: where concurrent writes met, and settling it. */
export function registerConflicts(program: Command<[], GlobalOptions>, shell: Shell): void {
  const conflicts = program
    .command('conflicts')
    .argument('[path]', 'only at or below this path; of an item itself also deletions that lost to a write')
    .description('list where concurrent writes met: what shows, by which rule, and what lost')
    .option('--limit <n>', 'at most so many', '100')
    .action(async (path = '', options, self) => {
      const limit = readLimit(options.limit)
      const { session, space } = shell.open(self)
      const found: Conflict[] = []
      const { more } = await session.execute(
        conflictsAction,
        { space, prefix: path, limit },
        { onEvent: (page) => void found.push(...page) },
      )
      shell.print(found, () => found.flatMap((one) => formatConflict(one, shell)))
      if (found.length === 0) shell.remark('No conflict is open.')
      if (more) shell.remark(`There are more: these are the first ${found.length}.`)
    })
  conflicts
    .command('take')
    .argument('<path>', 'which item')
    .argument('<operation>', 'the losing operation, as "hanse conflicts" shows it')
    .description('settle a conflict: make what a losing operation wrote show')
    .option('--type <type>', `which type, where it lost in several (${TYPE_NAMES})`)
    .option('--field <field>', 'which field or edge (label/to), where it lost in several')
    .action(async (path, operation, { type, field }, self) => {
      const { session, space } = shell.open(self)
      const args = { space, path, operation, type: chooseType(type), field }
      const settled = await session.execute(conflictsTakeAction, args)
      shell.print(settled, ({ id }) => `${printable(path)} settled by operation ${shortId(id)}`)
    })
  conflicts
    .command('keep')
    .argument('<path>', 'which item')
    .description('settle a conflict in favour of what shows')
    .option('--type <type>', `which type, where several are open (${TYPE_NAMES})`)
    .option('--field <field>', 'which field or edge (label/to), where several are open')
    .action(async (path, { type, field }, self) => {
      const { session, space } = shell.open(self)
      const settled = await session.execute(conflictsKeepAction, {
        space,
        path,
        type: chooseType(type),
        field,
      })
      shell.print(settled, ({ id }) => `${printable(path)} settled by operation ${shortId(id)}`)
    })
}

function formatConflict(conflict: Conflict, shell: Shell): readonly string[] {
  const { path, type, field, kind, winner, losers } = conflict
  const where = [path === '' ? '(root)' : path, type, fieldWords(type, field), kind]
  const row = (verdict: string, side: Contender, rule: string) => {
    const head = `  ${verdict}  ${shortId(side.operation)}  ${formatMoment(side.time)}  ${shortDid(side.author)}  `
    const what = side.deletes ? 'deleted' : valueWords(side.value)
    const text = rule === '' ? what : `${what}  (${rule})`
    return `${head}${shorten(printable(text), Math.max(20, lineWidth(shell) - head.length))}`
  }
  return [
    printable(where.filter((part) => part !== '').join('  ')),
    shell.style.strong(row('shows', winner, '')),
    ...losers.map((loser) => row('lost ', loser, `to: ${loser.rule}`)),
  ]
}
