import type { Command } from '@commander-js/extra-typings'
import { formatJson } from '../../core/json.ts'
import {
  CONTROL_PAGE_CHARACTERS,
  CONTROL_PAGE_ITEMS,
  SEARCH_STALL_MS,
  SQL_QUERY_CHARACTERS_MAX,
} from '../../core/limits.ts'
import { formatValue, parseValue, toJsonValue } from '../../core/value-json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { IndexProgress, SqlParameters, SqlValue } from '../../node/query/query-message.ts'
import { defineAction } from '../control/action.ts'
import { parseDuration } from '../duration.ts'
import { formatAmount } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { ProgressBar } from '../output/progress-bar.ts'
import { formatTable, shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { collect } from './collect.ts'
import { readLimit } from './list.ts'
import { readInput } from './read-input.ts'

/** Rows on their way, each value by the conventions of DAG-JSON; or how far the search index is. */
type SqlEvent = { readonly rows: readonly (readonly unknown[])[] } | { readonly indexing: IndexProgress }

interface SqlOutcome {
  readonly columns: readonly string[]
  readonly more: boolean
}

export const sqlAction = defineAction<
  {
    readonly space: 'text?'
    readonly query: 'text'
    readonly parameters: 'texts'
    readonly limit: 'integer?'
    readonly timeoutMs: 'integer?'
  },
  SqlOutcome,
  SqlEvent
>({
  name: 'sql',
  /** `parameters`: `value` or `:name=value` each, the value JSON where it is JSON, else text. */
  shape: { space: 'text?', query: 'text', parameters: 'texts', limit: 'integer?', timeoutMs: 'integer?' },
  run: async ({ node, signal, emit }, { space: given, query, parameters, limit, timeoutMs }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const { columns, rows, more } = await space.sql(query, readParameters(parameters), {
      signal,
      ...(limit === undefined ? {} : { maxRows: limit }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onProgress: (indexing) => void emit({ indexing }).catch(() => {}),
    })
    let page: (readonly unknown[])[] = []
    let characters = 0
    for (const row of rows) {
      const values = columns.map((column) => toJsonValue(row[column]))
      page.push(values)
      characters += formatJson(values).length
      if (page.length < CONTROL_PAGE_ITEMS && characters < CONTROL_PAGE_CHARACTERS) continue
      await emit({ rows: page })
      page = []
      characters = 0
    }
    await emit({ rows: page })
    return { columns, more }
  },
})

/** Reads parameters: all by place, or all by name. */
function readParameters(texts: readonly string[]): SqlParameters {
  const named = texts.map((text) => /^[:@$](\w+)=([^]*)$/.exec(text))
  if (named.every((match) => match === null)) return texts.map(readParameter)
  const pairs = named.map((match, at) => {
    if (match !== null) return [match[1] as string, readParameter(match[2] as string)] as const
    throw usage(`name every parameter or none: ${JSON.stringify(texts[at])} has no name, as in :name=value`)
  })
  return Object.fromEntries(pairs)
}

function readParameter(text: string): SqlValue {
  const value = orThrow(parseValue(text))
  if (typeof value === 'boolean') return value ? 1 : 0
  const isSql =
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  if (isSql) return value
  throw usage(`a parameter is a text, a number, null or bytes, not ${text.slice(0, 60)}`)
}

/** `hanse sql`: a query that only reads. */
export function registerSql(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('sql')
    .argument('<query>', 'one SELECT; - reads it from standard input')
    .description('ask a space with SQL; it reads the views of docs/queries.md and changes nothing')
    .option(
      '--param <value>',
      'for each ? in turn, or :name=value; JSON where it is JSON, else text',
      collect,
    )
    .option('--csv', 'print comma-separated values')
    .option('--limit <n>', 'at most so many rows; default 10000')
    .option('--timeout <duration>', 'stop the query after', '10s')
    .addHelpText(
      'after',
      '\nExamples:\n  hanse sql "select path, value from items"\n  hanse sql "select * from fields where path = ?" --param people/ada\n  hanse sql "select author, operations from authors order by operations desc" --csv',
    )
    .action(async (given, { param = [], csv, limit, timeout }, self) => {
      if (csv === true && shell.isJson) throw usage('give one of --csv and --json')
      const timeoutMs = orThrow(parseDuration(timeout, '--timeout'))
      const query = given === '-' ? await readQuery(shell) : given
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const rows: (readonly unknown[])[] = []
      const { columns, more } = await session
        .execute(
          sqlAction,
          {
            space,
            query,
            parameters: param,
            timeoutMs,
            ...(limit === undefined ? {} : { limit: readLimit(limit) }),
          },
          {
            silenceMs: timeoutMs + SEARCH_STALL_MS,
            onEvent: (event) => {
              if ('rows' in event) rows.push(...event.rows)
              else bar.show('Indexing', event.indexing.done, event.indexing.total)
            },
          },
        )
        .finally(() => bar.end())
      if (csv === true) await shell.writeAll(formatCsv(columns, rows))
      else
        shell.print({ columns, rows: rows.map((row) => toRecord(columns, row)), more }, () =>
          formatRows(columns, rows, shell),
        )
      if (rows.length === 0) shell.remark('No rows.')
      if (more)
        shell.remark(
          `There is more: ${formatAmount(rows.length, 'row')} ${rows.length === 1 ? 'is' : 'are'} shown.`,
        )
    })
}

async function readQuery(shell: Shell): Promise<string> {
  const bytes = await readInput(shell.input, 4 * SQL_QUERY_CHARACTERS_MAX, 'which is the most a query has')
  return new TextDecoder('utf-8').decode(bytes)
}

function toRecord(columns: readonly string[], row: readonly unknown[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(columns.map((name, at) => [name, row[at]]))
}

/** Widest cell on a terminal, so that one long value does not push the others off the screen. */
const CELL_WIDTH_MAX = 60

function formatRows(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  shell: Shell,
): readonly string[] {
  const width = shell.stdout.isTTY ? CELL_WIDTH_MAX : Number.POSITIVE_INFINITY
  const isNumeric = columns.map((_name, at) =>
    rows.every((row) => row[at] === null || typeof row[at] === 'number' || typeof row[at] === 'bigint'),
  )
  const [titles, ...lines] = formatTable(
    columns.map((name, at) => ({
      title: printable(name),
      align: isNumeric[at] === true ? 'right' : 'left',
    })),
    rows.map((row) => row.map((value) => shorten(printable(textOf(value)), width))),
  )
  return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
}

/** RFC 4180, with lines that end as they do here; NULL is an empty field, a BLOB hexadecimal. */
function formatCsv(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (fields: readonly string[]) => `${fields.map(quote).join(',')}\n`
  return (
    line(columns) +
    rows.map((row) => line(row.map((value) => (value === null ? '' : textOf(value))))).join('')
  )
}

const quote = (field: string): string => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)

/** A value for people. Bytes come as DAG-JSON has them and go as hexadecimal. */
function textOf(value: unknown): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return value
  const bytes = (value as { readonly '/'?: { readonly bytes?: string } })['/']?.bytes
  return bytes === undefined ? formatValue(value) : Buffer.from(bytes, 'base64').toString('hex')
}

const usage = (detail: string) => new FaultError({ code: 'USAGE', detail })
