import type { Command } from '@commander-js/extra-typings'
import { formatJson } from '../../core/json.ts'
import { toJsonValue } from '../../core/value-json.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { LogValue } from '../../node/space/item.ts'
import type { Space } from '../../node/space/space.ts'
import { defineAction } from '../control/action.ts'
import { emitPages } from '../control/emit-pages.ts'
import { entryText, itemLines } from '../output/item-lines.ts'
import { printableLines } from '../output/printable.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { POINT_HELP } from './choose-point.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'
import { showPast } from './get-at.ts'
import { readLimit } from './list.ts'

/** An item; the entries of a log have come before it. */
interface Found {
  readonly path: string
  readonly type: string
  /** By the conventions of DAG-JSON; null of a log. */
  readonly value: unknown
  /** Of a text whose content has not all arrived. */
  readonly incomplete?: true
}

export const getAction = defineAction<
  {
    readonly space: 'text?'
    readonly path: 'text'
    readonly type: 'text?'
    readonly last: 'integer?'
    readonly after: 'text?'
  },
  Found,
  readonly LogValue[]
>({
  name: 'get',
  shape: { space: 'text?', path: 'text', type: 'text?', last: 'integer?', after: 'text?' },
  run: async ({ node, emit, signal }, { space: given, path, type, last, after }): Promise<Found> => {
    const known = chooseType(type)
    const space = chooseSpace(node, given)
    const [shown] = space.typesAt(path).filter((one) => known === undefined || one === known)
    if (shown === undefined) {
      requireGenesis(space)
      throw new FaultError({
        code: 'NOT_FOUND',
        detail: `there is ${known === undefined ? 'nothing' : `no ${known}`} at ${JSON.stringify(path)}: see "hanse list"`,
      })
    }
    if (shown !== 'log') {
      if (last !== undefined || after !== undefined)
        throw new FaultError({
          code: 'USAGE',
          detail: `--last and --after are for logs, and this is a ${shown}: add --type log`,
        })
      const item = space.get(path, shown)
      if (item === undefined) throw new Error('bug: what shows is not there')
      return { ...item, value: toJsonValue(item.value) }
    }
    await emitPages(toJson(entriesOf(space, path, last, after)), { emit, signal })
    return { path, type: 'log', value: null }
  },
})

function entriesOf(
  space: Space,
  path: string,
  last: number | undefined,
  after: string | undefined,
): Iterable<LogValue> {
  if (after === undefined) return last === undefined ? space.entries(path) : space.lastEntries(path, last)
  const [, id, index = '0'] = /^([0-9a-f]{64})(?:\/(\d{1,5}))?$/.exec(after) ?? []
  if (id === undefined || last !== undefined) {
    throw new FaultError({
      code: 'USAGE',
      detail:
        last === undefined
          ? `--after takes the id of an entry as --json tells it, ID or ID/INDEX, not ${JSON.stringify(after)}`
          : 'give one of --last and --after',
    })
  }
  return space.entries(path, { after: { id, index: Number(index) } })
}

function* toJson(entries: Iterable<LogValue>): Generator<LogValue> {
  for (const entry of entries) yield { ...entry, value: toJsonValue(entry.value) }
}

/** `hanse get`: the value at a path. */
export function registerGet(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('get')
    .argument('<path>', 'where, e.g. notes/today')
    .description('show the value at a path')
    .option(
      '--type <type>',
      `where several are at one path: one of ${TYPE_NAMES}, of which the first goes first`,
    )
    .option('--last <n>', 'of a log, only the last so many entries')
    .option('--at <point>', 'what it was at a point in history')
    .option('--as-recorded', 'with --at: also what was revoked since counts')
    .option('--after <entry>', 'of a log, only the entries after this one: ID or ID/INDEX')
    .addHelpText(
      'after',
      '\nA text is printed as it is, edges, tags and entries a line each, any other value as JSON. Exit code 1 where there is nothing.\n' +
        POINT_HELP,
    )
    .action(async (path, { type, last, after, at, asRecorded }, self) => {
      if (at !== undefined) {
        if (last !== undefined || after !== undefined)
          throw new FaultError({
            code: 'USAGE',
            detail: '--at shows a log whole: leave out --last and --after',
          })
        const { session, space } = shell.open(self)
        await showPast(shell, session, { space, path, type, at, asRecorded })
        return
      }
      if (asRecorded === true)
        throw new FaultError({ code: 'USAGE', detail: '--as-recorded is for a point in history: add --at' })
      const count = last === undefined ? undefined : readLimit(last, '--last')
      const { session, space } = shell.open(self)
      const log = new LogWriter(shell, path)
      const found = await session.execute(
        getAction,
        { space, path, type, last: count, after },
        { onEvent: (page) => log.write(page) },
      )
      if (found.type === 'log') {
        await log.end()
        return
      }
      if (found.incomplete === true) shell.remark('Parts of this text have not arrived: it is not final.')
      shell.print(found, ({ value }) => {
        const text = itemLines(found.type, value, Date.now()).join('\n').replace(/\n$/, '')
        // Into a file or a program goes what was written; a terminal must not be steered by it.
        return shell.stdout.isTTY ? printableLines(text) : text
      })
    })
}

/** The entries of a log as they come: one JSON value, or a line each. */
class LogWriter {
  readonly #shell: Shell
  readonly #head: string
  #isEmpty = true

  constructor(shell: Shell, path: string) {
    this.#shell = shell
    this.#head = `{"path":${formatJson(path)},"type":"log","value":[`
  }

  async write(page: readonly LogValue[]): Promise<void> {
    if (page.length === 0) return
    const text = this.#shell.isJson
      ? (this.#isEmpty ? this.#head : ',\n') + page.map((entry) => formatJson(entry)).join(',\n')
      : page.map((entry) => `${entryText(entry, Date.now())}\n`).join('')
    this.#isEmpty = false
    await this.#shell.writeAll(text)
  }

  async end(): Promise<void> {
    if (this.#shell.isJson) await this.#shell.writeAll(this.#isEmpty ? `${this.#head}]}\n` : ']}\n')
  }
}
