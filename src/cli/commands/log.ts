import type { Command } from '@commander-js/extra-typings'
import { CONTROL_PAGE_ITEMS } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { LogEntry } from '../../node/space/log.ts'
import { defineAction } from '../control/action.ts'
import { formatCount, formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { formatTable, shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { readLimit } from './list.ts'

const LIMIT_MAX = 100_000

export const logAction = defineAction<
  { readonly space: 'text?'; readonly prefix: 'text'; readonly limit: 'integer' },
  { readonly operations: number },
  readonly LogEntry[]
>({
  name: 'log',
  shape: { space: 'text?', prefix: 'text', limit: 'integer' },
  run: async ({ node, signal, emit }, { space: given, prefix, limit }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const entries = space.log(prefix, limit)
    for (let at = 0; at < entries.length; at += CONTROL_PAGE_ITEMS) {
      signal.throwIfAborted()
      await emit(entries.slice(at, at + CONTROL_PAGE_ITEMS))
    }
    return { operations: entries.length }
  },
})

/** `hanse log`: what was done, the latest first. */
export function registerLog(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('log')
    .argument('[path]', 'only what changed something at or below this path')
    .description('list admitted operations, the latest to arrive first')
    .option('--limit <n>', 'at most so many', '20')
    .action(async (path = '', options, self) => {
      const limit = readLimit(options.limit)
      if (limit > LIMIT_MAX)
        throw new FaultError({ code: 'USAGE', detail: `--limit must be at most ${LIMIT_MAX}, not ${limit}` })
      const { session, space } = shell.open(self)
      const entries: LogEntry[] = []
      await session.execute(
        logAction,
        { space, prefix: path, limit },
        { onEvent: (page) => void entries.push(...page) },
      )
      shell.print(entries, () => formatLog(entries, shell))
      if (entries.length === 0) shell.remark(`No operation has changed anything at or below ${path}.`)
    })
}

function formatLog(entries: readonly LogEntry[], shell: Shell): readonly string[] {
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
  return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
}
