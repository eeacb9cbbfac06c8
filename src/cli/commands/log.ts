import type { Command } from '@commander-js/extra-typings'
import { HISTORY_PAGE_MAX } from '../../core/limits.ts'
import { toJsonValue } from '../../core/value-json.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { LoggedOperation } from '../../node/history/logged-operations.ts'
import type { HistoryPage, Version } from '../../node/history/versions.ts'
import { defineAction } from '../control/action.ts'
import { emitPages } from '../control/emit-pages.ts'
import { formatAmount, formatCount, formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable, shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { wholeId } from './choose-operation.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'
import { readLimit } from './list.ts'
import { lineWidth } from './line-width.ts'

const LIMIT_MAX = 100_000

export const logAction = defineAction<
  {
    readonly space: 'text?'
    readonly prefix: 'text'
    readonly limit: 'integer'
    readonly before: 'text?'
  },
  { readonly operations: number },
  readonly LoggedOperation[]
>({
  name: 'log',
  shape: { space: 'text?', prefix: 'text', limit: 'integer', before: 'text?' },
  run: async ({ node, signal, emit }, { space: given, prefix, limit, before }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const options = { limit, before: before === undefined ? undefined : wholeId(space, before) }
    const found = space.history.log(prefix, options).map((one) => toJsonValue(one) as LoggedOperation)
    return { operations: await emitPages(found, { signal, emit }) }
  },
})

export const versionsAction = defineAction({
  name: 'versions',
  shape: {
    space: 'text?',
    path: 'text',
    type: 'text?',
    field: 'text?',
    limit: 'integer',
    before: 'text?',
  },
  run: ({ node }, { space: given, path, type, field, limit, before }): HistoryPage => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const after = before === undefined ? undefined : wholeId(space, before)
    const options = { type: chooseType(type), field, limit, after }
    return toJsonValue(space.history.of(path, options)) as HistoryPage
  },
})

/** `hanse log`: what was done, the latest first. */
export function registerLog(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('log')
    .argument('[path]', 'only what changed something at or below this path')
    .description('list admitted operations with what they changed, the latest to arrive first')
    .option('--limit <n>', 'at most so many', '20')
    .option('--before <operation>', 'only what arrived before this operation: the next page')
    .option('--item', 'only the item at the path: what each version had seen, and under which delegations')
    .option('--type <type>', `with --item: only of this type (${TYPE_NAMES})`)
    .option('--field <field>', 'with --item: only this field, edge (label/to) or member of a set')
    .action(async (path = '', { limit: given, before, item, type, field }, self) => {
      const limit = readLimit(given)
      const most = item === true ? HISTORY_PAGE_MAX : LIMIT_MAX
      if (limit > most)
        throw new FaultError({ code: 'USAGE', detail: `--limit must be at most ${most}, not ${limit}` })
      if (item !== true && (type !== undefined || field !== undefined))
        throw new FaultError({ code: 'USAGE', detail: '--type and --field are for one item: add --item' })
      const { session, space } = shell.open(self)
      if (item === true) {
        const args = { space, path, type: chooseType(type), field, limit, before }
        const page = await session.execute(versionsAction, args)
        shell.print(page, ({ versions }) => versions.flatMap((version) => formatVersion(version, shell)))
        if (page.versions.length === 0) shell.remark(`Nothing was ever written at ${path}.`)
        if (page.next !== null) shell.remark(`There is more: --before ${shortId(page.next)}`)
        return
      }
      const entries: LoggedOperation[] = []
      await session.execute(
        logAction,
        { space, prefix: path, limit, before },
        { onEvent: (page) => void entries.push(...page) },
      )
      shell.print(entries, () => formatLog(entries, shell))
      if (entries.length === 0) shell.remark(`No operation has changed anything at or below ${path}.`)
      const last = entries.at(-1)
      if (entries.length === limit && last !== undefined)
        shell.remark(`There may be more: --before ${shortId(last.id)}`)
    })
}

function formatLog(entries: readonly LoggedOperation[], shell: Shell): readonly string[] {
  const rows = entries.map(({ id, author, seq, time, command, path, changes, masked }) => [
    shortId(id),
    formatMoment(time),
    shortDid(author),
    formatCount(seq),
    printable(command),
    changes === null ? 'absent' : formatCount(changes),
    masked ? 'none' : '',
    shorten(printable(path), 60) || '(root)',
  ])
  const [titles, ...lines] = formatTable(
    [
      { title: 'OPERATION' },
      { title: 'TIME' },
      { title: 'AUTHOR' },
      { title: 'SEQ', align: 'right' },
      { title: 'COMMAND' },
      { title: 'CHANGES', align: 'right' },
      { title: rows.some(([, , , , , , effect]) => effect !== '') ? 'EFFECT' : '' },
      { title: 'PATH' },
    ],
    rows,
  )
  if (titles === undefined) return []
  const detailed = lines.flatMap((line, i) => {
    const { edits, moreEdits } = entries[i] as LoggedOperation
    const more = moreEdits === 0 ? [] : [`and ${formatAmount(moreEdits, 'more edit')}`]
    const words = [...edits.map((edit) => `${edit.path || '(root)'} (${edit.type}) ${edit.words}`), ...more]
    return [line, ...words.map((one) => indented(one, shell))]
  })
  return [shell.style.faint(titles), ...detailed]
}

function formatVersion(version: Version, shell: Shell): readonly string[] {
  const { operation, time, author, edits, effective, maskedBy, shows, chain, saw, concurrent } = version
  const remarks = [
    ...(effective
      ? []
      : [`no effect: ${maskedBy.map((by) => `revoked by ${shortId(by.operation)}`).join(', ')}`]),
    ...(shows ? ['shows'] : []),
  ]
  const facts = [
    ...edits.map((edit) => `(${edit.type}) ${edit.words}`),
    ...(saw.length === 0 ? [] : [`after ${saw.map(shortId).join(', ')}`]),
    ...(concurrent.length === 0 ? [] : [`at the same time as ${concurrent.map(shortId).join(', ')}`]),
    chain.length === 0 ? 'by the key of the space' : `under ${chain.map(shortId).join(' › ')}`,
  ]
  const head = [shortId(operation), formatMoment(time), shortDid(author), ...remarks].join('  ')
  return [head, ...facts.map((one) => indented(one, shell))]
}

function indented(text: string, shell: Shell): string {
  return `  ${shorten(printable(text), lineWidth(shell) - 2)}`
}
