import type { Command } from '@commander-js/extra-typings'
import { formatJson } from '../../core/json.ts'
import { CONTROL_PAGE_ITEMS, CONTROL_SILENCE_MS } from '../../core/limits.ts'
import { CELL_TYPES, type CellType } from '../../core/types/cell.ts'
import { formatValue, toJsonValue } from '../../core/value-json.ts'
import type { TextEdit } from '../../core/types/text/edit.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { ChangeCause, ChangeRecord, FieldChange } from '../../node/feed/change-record.ts'
import { textWords } from '../../node/history/describe-edit.ts'
import { defineAction } from '../control/action.ts'
import { formatMoment, shortDid, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { collect } from './collect.ts'
import { readLimit } from './list.ts'

/** Records on their way; values by the conventions of DAG-JSON. Empty pages say that somebody is still there. */
type Page = readonly ChangeRecord[]

const HEARTBEAT_MS = CONTROL_SILENCE_MS / 4

export const changesAction = defineAction<
  {
    readonly space: 'text?'
    readonly path: 'text'
    readonly since: 'text?'
    readonly types: 'texts'
    readonly limit: 'integer?'
    readonly follow: 'boolean'
  },
  { readonly records: number },
  Page
>({
  name: 'changes',
  shape: {
    space: 'text?',
    path: 'text',
    since: 'text?',
    types: 'texts',
    limit: 'integer?',
    follow: 'boolean',
  },
  run: async (
    { node, isRunning, signal, emit },
    { space: given, path, since, types, limit = Number.POSITIVE_INFINITY, follow },
  ) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    if (follow && !isRunning) {
      throw new FaultError({
        code: 'NOT_RUNNING',
        detail:
          'no node runs on this data directory, so nothing would come: start "hanse up", or leave out --follow',
      })
    }
    const options = { path, live: follow, signal, ...(since === undefined ? {} : { since }) }
    const changes = space.changes(types.length === 0 ? options : { ...options, types: types.map(typeNamed) })
    const page: ChangeRecord[] = []
    const send = async () => await emit(page.splice(0))
    const heartbeat = setInterval(() => void emit([]).catch(() => {}), HEARTBEAT_MS)
    let records = 0
    try {
      for await (const record of changes) {
        page.push(toJsonValue(record) as ChangeRecord)
        records++
        if (follow || page.length === CONTROL_PAGE_ITEMS) await send()
        if (records === limit) break
      }
      await send()
    } finally {
      clearInterval(heartbeat)
    }
    return { records }
  },
})

/** `hanse changes`: what happened to items, causes first; goes on where a cursor left off. */
export function registerChanges(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('changes')
    .argument('[path]', 'only at or below this path')
    .description('list what happened to items in order, or follow it as it happens')
    .option('--since <cursor>', 'go on after this cursor of an earlier record; "now": only what comes')
    .option('--type <type>', `only items of this type (${CELL_TYPES.join(', ')}); may be repeated`, collect)
    .option('--follow', 'wait for more, until interrupted')
    .option('--limit <n>', 'at most so many records')
    .addHelpText(
      'after',
      '\nWith --json each record is one line of JSON, with its cursor.\n\nExamples:\n  hanse changes notes\n  hanse changes --follow --since now --json\n  hanse changes people --type map --since CURSOR',
    )
    .action(async (path = '', { since, type: types = [], follow = false, limit }, self) => {
      const { session, space } = shell.open(self)
      let cursor = since
      for (const type of types) typeNamed(type)
      const { records } = await session.execute(
        changesAction,
        { space, path, since, types, follow, limit: limit === undefined ? undefined : readLimit(limit) },
        {
          onEvent: async (page) => {
            cursor = page.at(-1)?.cursor ?? cursor
            const lines = page.map((record) =>
              shell.isJson ? formatJson(record) : formatRecord(record, shell),
            )
            if (lines.length > 0) await shell.writeAll(`${lines.join('\n')}\n`)
          },
        },
      )
      if (records === 0) shell.remark('Nothing has happened there.')
      else if (cursor !== undefined && cursor !== 'now') shell.remark(`Go on with --since ${cursor}`)
    })
}

function typeNamed(name: string): CellType {
  const type = CELL_TYPES.find((known) => known === name)
  if (type !== undefined) return type
  throw new FaultError({
    code: 'USAGE',
    detail: `--type must be one of ${CELL_TYPES.join(', ')}, not ${JSON.stringify(name)}`,
  })
}

const CAUSES: Readonly<Record<ChangeCause, string>> = {
  written: '',
  arrived: ' (arrived late)',
  revoked: ' (taken back by a revocation)',
  restored: ' (in effect again)',
}

function formatRecord(record: ChangeRecord, shell: Shell): string {
  const { time, author, operation, path, type, cause, changes } = record
  const head = `${formatMoment(time)}  ${shortDid(author)}  ${shortId(operation)}`
  const what = changes.map((change) => printable(formatChange(type, change))).join(', ')
  return `${shell.style.faint(head)}  ${printable(path) || '(root)'}  ${shell.style.faint(type)}  ${what}${CAUSES[cause]}`
}

function formatChange(type: CellType, { field, action, value }: FieldChange): string {
  switch (action) {
    case 'add':
      return `${(value as number) < 0 ? '' : '+'}${String(value)}`
    case 'clear':
      return type === 'text' ? 'deleted' : 'cleared'
    case 'edit':
      return textWords(value as readonly TextEdit[])
    case 'remove':
      return field === '' ? 'deleted' : `-${field}`
    case 'set':
      if (type === 'set') return `+${field}`
      return type === 'map' || type === 'edge' ? `${field}=${formatValue(value)}` : formatValue(value)
  }
}
