import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import { CONTROL_PAGE_CHARACTERS, CONTROL_PAGE_ITEMS } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { formatJson, parseJson } from '../../core/json.ts'
import { itemSummary } from '../output/item-lines.ts'
import { printable } from '../output/printable.ts'
import { shorten, widthOf } from '../output/table.ts'
import { formatValue } from '../../core/value-json.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { chooseType, TYPE_NAMES } from './choose-type.ts'

/** An item on its way; the value as JSON text, so that a page can be measured. */
interface ListedItem {
  readonly path: string
  readonly type: string
  readonly value: string
  /** Earlier entries of a log that were left out; 0 of other types. */
  readonly omitted: number
  /** True for a text of which parts have not arrived. */
  readonly incomplete: boolean
}

/** Entries of a log that a list shows: the last ones. */
const LISTED_ENTRIES = 10

export const listAction = defineAction<
  {
    readonly space: 'text?'
    readonly prefix: 'text'
    readonly type: 'text?'
    readonly limit: 'integer?'
  },
  { readonly items: number; readonly more: boolean },
  readonly ListedItem[]
>({
  name: 'list',
  shape: { space: 'text?', prefix: 'text', type: 'text?', limit: 'integer?' },
  run: async ({ node, signal, emit }, { space: given, prefix, type, limit = Number.POSITIVE_INFINITY }) => {
    const known = chooseType(type)
    const space = chooseSpace(node, given)
    let page: ListedItem[] = []
    let characters = 0
    let items = 0
    for (const item of space.list(prefix, { entriesMax: LISTED_ENTRIES })) {
      if (known !== undefined && item.type !== known) continue
      if (items === limit) {
        await emit(page)
        return { items, more: true }
      }
      const { path, type: shown, value, omitted = 0, incomplete = false } = item
      const listed = { path, type: shown, value: formatValue(value), omitted, incomplete }
      page.push(listed)
      characters += listed.path.length + listed.value.length
      items++
      if (page.length < CONTROL_PAGE_ITEMS && characters < CONTROL_PAGE_CHARACTERS) continue
      await emit(page)
      signal.throwIfAborted()
      // Others want to be served too, and writes may go on between two pages.
      await nextTurn()
      page = []
      characters = 0
    }
    if (items === 0) requireGenesis(space)
    if (page.length > 0) await emit(page)
    return { items, more: false }
  },
})

/** `hanse list`: the items at or below a path, as they come. */
export function registerList(program: Command<[], GlobalOptions>, shell: Shell): void {
  program
    .command('list')
    .argument('[prefix]', 'only at or below this path')
    .description('list the items of a space')
    .option('--type <type>', `only of that type: one of ${TYPE_NAMES}`)
    .option('--limit <n>', 'at most so many')
    .addHelpText(
      'after',
      `\nOf a log the last ${LISTED_ENTRIES} entries are listed: "hanse get PATH --type log" has all.`,
    )
    .action(async (prefix = '', options, self) => {
      const limit = options.limit === undefined ? undefined : readLimit(options.limit)
      const { session, space } = shell.open(self)
      const writer = shell.isJson ? new JsonList(shell) : new TextList(shell)
      const { items, more } = await session.execute(
        listAction,
        { space, prefix, type: options.type, limit },
        { onEvent: (page) => writer.write(page) },
      )
      await writer.end()
      if (items === 0)
        shell.remark(prefix === '' ? 'The space is empty.' : `There is nothing at or below ${prefix}.`)
      if (more) shell.remark(`There is more: these are the first ${items}.`)
    })
}

/** A whole number from 1; `USAGE` for another text. */
export function readLimit(text: string, flag = '--limit'): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new FaultError({
    code: 'USAGE',
    detail: `${flag} must be a whole number from 1, not ${JSON.stringify(text)}`,
  })
}

/** One JSON array, written as it comes. */
class JsonList {
  readonly #shell: Shell
  #isEmpty = true

  constructor(shell: Shell) {
    this.#shell = shell
  }

  async write(page: readonly ListedItem[]): Promise<void> {
    if (page.length === 0) return
    const items = page.map(
      ({ path, type, value, omitted, incomplete }) =>
        `{"path":${formatJson(path)},"type":${formatJson(type)},"value":${value}${omitted === 0 ? '' : `,"omitted":${omitted}`}${incomplete ? ',"incomplete":true' : ''}}`,
    )
    await this.#shell.writeAll((this.#isEmpty ? '[' : ',\n') + items.join(',\n'))
    this.#isEmpty = false
  }

  async end(): Promise<void> {
    await this.#shell.writeAll(this.#isEmpty ? '[]\n' : ']\n')
  }
}

/** Lines whose columns only ever grow, because the widest path is known at the end alone. */
class TextList {
  readonly #shell: Shell
  #pathWidth = 0

  constructor(shell: Shell) {
    this.#shell = shell
  }

  async write(page: readonly ListedItem[]): Promise<void> {
    const rows = page.map(
      ({ path, type, value, omitted, incomplete }) =>
        [
          printable(path) || '(root)',
          type,
          `${itemSummary(type, parseJson(value), Date.now(), omitted)}${incomplete ? '  (not final: parts are missing)' : ''}`,
        ] as const,
    )
    // A single long path must not push the others' values off the screen.
    this.#pathWidth = Math.max(
      this.#pathWidth,
      ...rows.map(([path]) => Math.min(widthOf(path), PATH_WIDTH_MAX)),
    )
    const { stdout, style } = this.#shell
    const lines = rows.map(([path, type, value]) => {
      const head = `${path}${' '.repeat(Math.max(0, this.#pathWidth - widthOf(path)))}  `
      const room = stdout.isTTY
        ? Math.max(20, stdout.columns - widthOf(head) - TYPE_WIDTH)
        : Number.POSITIVE_INFINITY
      return `${head}${style.faint(type.padEnd(TYPE_WIDTH))}${room === Number.POSITIVE_INFINITY ? value : shorten(value, room)}\n`
    })
    await this.#shell.writeAll(lines.join(''))
  }

  async end(): Promise<void> {}
}

const PATH_WIDTH_MAX = 48
const TYPE_WIDTH = 10
