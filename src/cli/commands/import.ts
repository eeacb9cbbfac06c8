import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings'
import { readCsvRows } from '../../node/exchange/csv-rows.ts'
import { readJsonRows } from '../../node/exchange/entity-row.ts'
import { fileBytes, readUnpacked } from '../../node/exchange/exchange-file.ts'
import { readHistory } from '../../node/exchange/history-file.ts'
import { type EntityCounts, importEntities, type RowReport } from '../../node/exchange/import-entities.ts'
import { type ImportedHistory, importHistory } from '../../node/exchange/import-history.ts'
import { nowAndThen } from '../../node/exchange/space-exchange.ts'
import { FaultError } from '../../node/fault-error.ts'
import { parseValue } from '../../core/value-json.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount, formatCount } from '../output/human.ts'
import { BYTES, ProgressBar } from '../output/progress-bar.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { FILE_SILENCE_MS, withInputFile } from './input-file.ts'
import { JsonReports, LINES_PAGE, TextReports } from './line-reports.ts'
import { displayName } from './space.ts'

interface Progress {
  readonly done: number
  readonly total: number
}

type History = ImportedHistory & { readonly space: string; readonly name: string }

export const importHistoryAction = defineAction<
  { readonly space: 'text?'; readonly file: 'text'; readonly create: 'text?' },
  History,
  Progress
>({
  name: 'import history',
  shape: { space: 'text?', file: 'text', create: 'text?' },
  run: async ({ node, signal, emit }, { space: given, file, create }) => {
    const history = readHistory(file)
    // As old as the history, so that its times stay as they were.
    const timeMs = history.commits[0]?.timeMs
    const space =
      create === undefined
        ? chooseSpace(node, given)
        : node.createSpace({ name: create, ...(timeMs === undefined ? {} : { timeMs }) })
    requireGenesis(space)
    const imported = await importHistory(space, history, {
      owner: node.author,
      signal,
      onProgress: nowAndThen(async (done, total) => await emit({ done, total })),
    })
    return { space: space.id, name: space.name, ...imported }
  },
})

type EntityEvent =
  | ({ readonly kind: 'progress' } & Progress)
  | { readonly kind: 'reports'; readonly reports: readonly RowReport[] }

type Entities = EntityCounts & { readonly space: string; readonly name: string; readonly dryRun: boolean }

export const importEntitiesAction = defineAction<
  {
    readonly space: 'text?'
    readonly file: 'text'
    readonly format: 'text'
    readonly path: 'text'
    readonly key: 'text?'
    readonly type: 'text'
    readonly delimiter: 'text?'
    readonly jsonCells: 'boolean'
    readonly dryRun: 'boolean'
    readonly all: 'boolean'
  },
  Entities,
  EntityEvent
>({
  name: 'import entities',
  shape: {
    space: 'text?',
    file: 'text',
    format: 'text',
    path: 'text',
    key: 'text?',
    type: 'text',
    delimiter: 'text?',
    jsonCells: 'boolean',
    dryRun: 'boolean',
    all: 'boolean',
  },
  run: async (
    { node, signal, emit },
    { space: given, file, format, delimiter, jsonCells, all, ...options },
  ) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const total = await fileBytes(file)
    const tell = nowAndThen(async (done, all) => await emit({ kind: 'progress', done, total: all }))
    let read = 0
    const bytes = readUnpacked(file, (done) => {
      read = done
    })
    const readCell = jsonCells ? readJsonCell : undefined
    const rows =
      format === 'csv' ? readCsvRows(bytes, { delimiter, key: options.key, readCell }) : readJsonRows(bytes)
    let reports: RowReport[] = []
    const flush = async () => {
      if (reports.length > 0) await emit({ kind: 'reports', reports })
      reports = []
    }
    const counts = await importEntities(space, rows, {
      ...options,
      type: options.type === 'register' ? 'register' : 'map',
      signal,
      onReport: async (report) => {
        if (all || report.outcome === 'refused') reports.push(report)
        if (reports.length >= LINES_PAGE) await flush()
        await tell(read, total)
      },
    })
    await flush()
    return { space: space.id, name: space.name, dryRun: options.dryRun, ...counts }
  },
})

/** A cell as JSON where it is JSON, else its text. */
function readJsonCell(text: string): unknown {
  const value = parseValue(text)
  return value.ok ? value.value : text
}

/** `hanse import`: what others keep in files, as operations of a space. */
export function registerImport(program: Command<[], GlobalOptions>, shell: Shell): void {
  const command = program
    .command('import')
    .description('write what is in a file into a space: a recorded history, or entities from JSON or CSV')
  registerHistory(command, shell)
  registerEntities(command, shell, 'json')
  registerEntities(command, shell, 'csv')
}

function registerHistory(command: CommandUnknownOpts, shell: Shell): void {
  command
    .command('history')
    .argument(
      '<file>',
      'JSON lines { i, parents, author, time, changes }, gzipped or not; - reads standard input',
    )
    .description(
      'one signed operation for each commit, by a key for each of its authors, after what the commit has seen',
    )
    .option('--create <name>', 'into a new space of that name, as old as the history')
    .addHelpText(
      'after',
      '\nThe keys are derived from the key of this node, which has to be able to grant. What is there from an import before is not written again.',
    )
    .action(async (given, { create }, self) => {
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const onEvent = ({ done, total }: Progress) => bar.show('importing', done, total)
      try {
        const imported = await withInputFile(shell, given, async (file) =>
          session.execute(
            importHistoryAction,
            { space, file, create },
            { onEvent, silenceMs: FILE_SILENCE_MS },
          ),
        )
        bar.end()
        const { name, commits, people, written } = imported
        shell.print(
          imported,
          () =>
            `${shell.style.strong(displayName(name))}: ${formatAmount(commits, 'commit')} of ${formatAmount(people, 'author')}, ${formatCount(written)} written now`,
        )
      } finally {
        bar.end()
      }
    })
}

const ABOUT = {
  json: 'objects of a JSON file: an array of them, or one after the other; bytes and links as DAG-JSON has them',
  csv: 'rows of a CSV file whose first row names the columns',
} as const

function registerEntities(command: CommandUnknownOpts, shell: Shell, format: keyof typeof ABOUT): void {
  const entities = command
    .command(format)
    .argument('<file>', 'packed with zstd or not; - reads standard input')
    .description(`write the ${ABOUT[format]}, each as one item`)
    .requiredOption('--path <path>', 'where the items go: each is one segment below it')
    .option('--key <name>', 'the field that names an item; without it they are numbered from 1')
    .option(
      '--type <type>',
      'map: fields merge one by one; register: the whole replaces what is there',
      'map',
    )
    .option('--dry-run', 'write nothing, and say what would be written')
    .option('--all', 'report every one, not only those that are refused')
  if (format === 'csv') {
    entities
      .option('--delimiter <text>', 'between two columns (default: a comma)')
      .option('--json-cells', 'take a cell as JSON where it is JSON: numbers become numbers')
  }
  entities.action(async (given, options, self) => {
    const { path, key, type, dryRun = false, all = false } = options
    if (type !== 'map' && type !== 'register')
      throw new FaultError({
        code: 'USAGE',
        detail: `--type must be map or register, not ${JSON.stringify(type)}`,
      })
    const { delimiter, jsonCells = false } = self.opts() as { delimiter?: string; jsonCells?: boolean }
    const { session, space } = shell.open(self)
    const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
    const reports = shell.isJson ? new JsonReports(shell) : new TextReports(shell, bar)
    const onEvent = async (event: EntityEvent) => {
      if (event.kind === 'progress') bar.show('importing', event.done, event.total, BYTES)
      else await reports.write(event.reports)
    }
    try {
      const imported = await withInputFile(shell, given, async (file) => {
        const where = { space, file, format, path, key, type, delimiter, jsonCells }
        const args = { ...where, dryRun, all: all || shell.isJson }
        return await session.execute(importEntitiesAction, args, { onEvent, silenceMs: FILE_SILENCE_MS })
      })
      bar.end()
      await reports.end(imported, () => formatEntities(imported, shell))
      if (imported.refused > 0) shell.exitCode = EXIT.failed
    } finally {
      bar.end()
    }
  })
}

function formatEntities(imported: Entities, { style }: Shell): readonly string[] {
  const { name, written, unchanged, refused, operations, dryRun } = imported
  const done = `${formatAmount(written, 'item')} ${dryRun ? 'would be written' : 'written'} in ${formatAmount(operations, 'operation')}`
  return [
    `${style.strong(displayName(name))}: ${done}, ${formatCount(unchanged)} there already`,
    ...(refused === 0 ? [] : [style.bad(`${formatCount(refused)} refused`)]),
  ]
}
