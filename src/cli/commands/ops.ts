import { resolve } from 'node:path'
import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings'
import { parseClockText } from '../../core/clock-text.ts'
import { formatJson } from '../../core/json.ts'
import { CONTROL_PAGE_CHARACTERS } from '../../core/limits.ts'
import { importOperationsFile } from '../../node/exchange/import-file.ts'
import type { LineCounts, LineReport } from '../../node/exchange/import-operations.ts'
import type { ExportedFile } from '../../node/exchange/space-exchange.ts'
import { orThrow } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { EXIT } from '../exit-code.ts'
import { formatAmount, formatBytes, formatCount } from '../output/human.ts'
import { BYTES, ProgressBar } from '../output/progress-bar.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { FILE_SILENCE_MS, withInputFile } from './input-file.ts'
import { JsonReports, LINES_PAGE, TextReports } from './line-reports.ts'
import { readClock } from './read-clock.ts'
import { displayName } from './space.ts'

export const opsClockAction = defineAction({
  name: 'ops clock',
  shape: { space: 'text?' },
  run: ({ node }, { space }) => chooseSpace(node, space).exchange.clock(),
})

type ExportEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'lines'; readonly text: string }

type Exported = ExportedFile & { readonly space: string; readonly name: string }

/** Into `output`, or to whoever asked where that is left out. */
export const opsExportAction = defineAction<
  { readonly space: 'text?'; readonly since: 'text?'; readonly path: 'text'; readonly output: 'text?' },
  Exported,
  ExportEvent
>({
  name: 'ops export',
  shape: { space: 'text?', since: 'text?', path: 'text', output: 'text?' },
  run: async ({ node, signal, emit }, { space: given, since: clock, path, output }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const since = clock === undefined ? [] : orThrow(parseClockText(clock))
    const onProgress = async (done: number, total: number) => await emit({ kind: 'progress', done, total })
    const { id, name } = space
    if (output !== undefined) {
      const written = await space.exchange.exportOperations({ file: output, since, path, onProgress, signal })
      return { space: id, name, ...written }
    }
    const counts = { operations: 0, bodies: 0, bytes: 0 }
    let text = ''
    for await (const line of space.exchange.operations({ since, path })) {
      signal.throwIfAborted()
      counts.operations++
      if (line.hasBody) counts.bodies++
      counts.bytes += Buffer.byteLength(line.text)
      text += line.text
      if (text.length < CONTROL_PAGE_CHARACTERS) continue
      await emit({ kind: 'lines', text })
      text = ''
    }
    if (text !== '') await emit({ kind: 'lines', text })
    return { space: id, name, ...counts }
  },
})

type ImportEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'reports'; readonly reports: readonly LineReport[] }

interface Imported extends LineCounts {
  readonly space: string
  readonly name: string
  readonly created: boolean
}

export const opsImportAction = defineAction<
  { readonly space: 'text?'; readonly file: 'text'; readonly isNew: 'boolean'; readonly all: 'boolean' },
  Imported,
  ImportEvent
>({
  name: 'ops import',
  shape: { space: 'text?', file: 'text', isNew: 'boolean', all: 'boolean' },
  run: async ({ node, signal, emit }, { space: given, file, isNew, all }) => {
    let reports: LineReport[] = []
    const flush = async () => {
      if (reports.length > 0) await emit({ kind: 'reports', reports })
      reports = []
    }
    const { space, created, counts } = await importOperationsFile(node, {
      file,
      space: given,
      isNew,
      signal,
      onProgress: async (done, total) => await emit({ kind: 'progress', done, total }),
      onReport: async (report) => {
        if (all || report.outcome === 'refused' || report.outcome === 'waiting') reports.push(report)
        if (reports.length >= LINES_PAGE) await flush()
      },
    })
    await flush()
    return { space: space.id, name: space.name, created, ...counts }
  },
})

/** `hanse ops`: a space's operations as lines of JSON. */
export function registerOps(program: Command<[], GlobalOptions>, shell: Shell): void {
  const ops = program
    .command('ops')
    .description(
      'take operations away as lines of JSON, and bring others in: a sync by file, USB stick or mail',
    )
  registerClock(ops, shell)
  registerExport(ops, shell)
  registerImport(ops, shell)
}

function registerClock(ops: CommandUnknownOpts, shell: Shell): void {
  ops
    .command('clock')
    .description('what this node has of a space, as JSON: give it to whoever exports for you')
    .action(async (_options, self) => {
      const { session, space } = shell.open(self)
      const clock = await session.execute(opsClockAction, { space })
      shell.print(clock, formatJson)
    })
}

function registerExport(ops: CommandUnknownOpts, shell: Shell): void {
  ops
    .command('export')
    .description('write operations as lines of JSON, parents first')
    .option(
      '--since <clock>',
      'without what is in that clock or before it: JSON, a file of it, or - for standard input; see "hanse ops clock"',
    )
    .option('--path <path>', 'bodies only at or below this path; headers of all, for they are needed')
    .option(
      '--output <file>',
      'write there; packed with zstd where it ends with .zst. Default: standard output',
    )
    .action(async ({ since: given, path = '', output }, self) => {
      const since = given === undefined ? undefined : await readClock(given, shell)
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const lines = new ExportedLines(shell)
      const onEvent = async (event: ExportEvent) => {
        if (event.kind === 'progress') bar.show('exporting', event.done, event.total)
        else await lines.write(event.text)
      }
      const file = output === undefined ? undefined : resolve(output)
      try {
        const args = { space, since, path, output: file }
        const done = await session.execute(opsExportAction, args, { onEvent, silenceMs: FILE_SILENCE_MS })
        bar.end()
        if (file === undefined) return await lines.end()
        const { operations, bodies, bytes } = done
        shell.print(
          { ...done, file },
          () =>
            `${shell.style.strong(displayName(done.name))}: ${formatAmount(operations, 'operation')}, ${formatAmount(bodies, 'body', 'bodies')}, ${formatBytes(bytes)} in ${file}`,
        )
      } finally {
        bar.end()
      }
    })
}

/** The lines as they are; with --json one array of them. */
class ExportedLines {
  readonly #shell: Shell
  #isEmpty = true

  constructor(shell: Shell) {
    this.#shell = shell
  }

  async write(text: string): Promise<void> {
    if (!this.#shell.isJson) return await this.#shell.writeAll(text)
    await this.#shell.writeAll((this.#isEmpty ? '[' : ',\n') + text.trimEnd().replaceAll('\n', ',\n'))
    this.#isEmpty = false
  }

  async end(): Promise<void> {
    if (this.#shell.isJson) await this.#shell.writeAll(this.#isEmpty ? '[]\n' : ']\n')
  }
}

function registerImport(ops: CommandUnknownOpts, shell: Shell): void {
  ops
    .command('import')
    .argument('<file>', 'lines of JSON, packed with zstd or not; - reads standard input')
    .description('take in operations: every one is checked as if a peer had sent it')
    .option('--new', 'take up the space of the file, where it is not here yet')
    .option('--all', 'report every line, not only those that wait or are refused')
    .addHelpText(
      'after',
      '\nA space that is not here is taken up with --new, or where --space gives its whole id; the file must begin with its genesis.\nExit code 1 where a line was refused.',
    )
    .action(async (given, { new: isNew = false, all = false }, self) => {
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const reports = shell.isJson ? new JsonReports(shell) : new TextReports(shell, bar)
      const onEvent = async (event: ImportEvent) => {
        if (event.kind === 'progress') bar.show('importing', event.done, event.total, BYTES)
        else await reports.write(event.reports)
      }
      try {
        const imported = await withInputFile(shell, given, async (file) => {
          const args = { space, file, isNew, all: all || shell.isJson }
          return await session.execute(opsImportAction, args, { onEvent, silenceMs: FILE_SILENCE_MS })
        })
        bar.end()
        await reports.end(imported, () => formatImported(imported, shell))
        if (imported.refused > 0) shell.exitCode = EXIT.failed
      } finally {
        bar.end()
      }
    })
}

function formatImported(imported: Imported, { style }: Shell): readonly string[] {
  const { name, created, admitted, completed, duplicate, waiting, refused } = imported
  return [
    `${style.strong(displayName(name))}${created ? ' (new here)' : ''}: ${formatAmount(admitted, 'operation')} admitted${completed === 0 ? '' : `, ${formatAmount(completed, 'body', 'bodies')} added`}, ${formatCount(duplicate)} here already`,
    ...(waiting === 0 ? [] : [style.warn(`${formatCount(waiting)} wait for what is missing`)]),
    ...(refused === 0 ? [] : [style.bad(`${formatCount(refused)} refused`)]),
  ]
}
