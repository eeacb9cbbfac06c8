import { resolve } from 'node:path'
import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings'
import { toHex } from '../../core/bytes.ts'
import { importSnapshotFile } from '../../node/exchange/import-file.ts'
import type { SnapshotProgress } from '../../node/exchange/import-snapshot.ts'
import type { ExportedFile } from '../../node/exchange/space-exchange.ts'
import { defineAction } from '../control/action.ts'
import { formatAmount, formatBytes, formatCount, formatDuration } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { ProgressBar } from '../output/progress-bar.ts'
import { formatPairs } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'
import { FILE_SILENCE_MS, withInputFile } from './input-file.ts'
import { displayName } from './space.ts'

interface Progress {
  readonly done: number
  readonly total: number
}

type Exported = ExportedFile & { readonly space: string; readonly name: string; readonly seconds: number }

export const snapshotExportAction = defineAction<
  {
    readonly space: 'text?'
    readonly file: 'text'
    readonly path: 'text'
    readonly includeAbove: 'boolean'
  },
  Exported,
  Progress
>({
  name: 'snapshot export',
  shape: { space: 'text?', file: 'text', path: 'text', includeAbove: 'boolean' },
  run: async ({ node, signal, emit }, { space: given, ...options }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const beganMs = performance.now()
    const onProgress = async (done: number, total: number) => await emit({ done, total })
    const written = await space.exchange.exportSnapshot({ ...options, signal, onProgress })
    return { space: space.id, name: space.name, ...written, seconds: secondsSince(beganMs) }
  },
})

interface Imported {
  readonly space: string
  readonly name: string
  /** True where the space was not here before. */
  readonly created: boolean
  readonly path: string
  readonly operations: number
  readonly admitted: number
  readonly completed: number
  readonly cells: number
  /** Of the snapshot, hexadecimal: what follows from its operations, checked. */
  readonly clockRoot: string
  readonly stateRoot: string
  readonly seconds: number
}

export const snapshotImportAction = defineAction<
  { readonly space: 'text?'; readonly file: 'text' },
  Imported,
  SnapshotProgress
>({
  name: 'snapshot import',
  shape: { space: 'text?', file: 'text' },
  run: async ({ node, signal, emit }, { space: given, file }) => {
    const beganMs = performance.now()
    const { space, created, manifest, operations, admitted, completed, cells } = await importSnapshotFile(
      node,
      {
        file,
        space: given,
        signal,
        onProgress: emit,
      },
    )
    return {
      space: space.id,
      name: space.name,
      created,
      path: manifest.path,
      operations,
      admitted,
      completed,
      cells,
      clockRoot: toHex(manifest.clockRoot),
      stateRoot: toHex(manifest.stateRoot),
      seconds: secondsSince(beganMs),
    }
  },
})

const secondsSince = (beganMs: number): number => Math.round(performance.now() - beganMs) / 1000

/** `hanse snapshot`: a space as one file. */
export function registerSnapshot(program: Command<[], GlobalOptions>, shell: Shell): void {
  const snapshot = program
    .command('snapshot')
    .description('a space as one packed file that is checked against its roots when it is taken in')
  registerExport(snapshot, shell)
  registerImport(snapshot, shell)
}

function registerExport(snapshot: CommandUnknownOpts, shell: Shell): void {
  snapshot
    .command('export')
    .argument('<file>', 'to write; one that is there is replaced when the new one is whole')
    .description('write operations, state and roots of a space, as of now')
    .option('--path <path>', 'only the state at or below this path, and the bodies that it follows from')
    .option(
      '--include-above',
      'with --path: also bodies of operations above the path that changed something below it; they hold other changes too',
    )
    .action(async (given, { path = '', includeAbove = false }, self) => {
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const onEvent = ({ done, total }: Progress) => bar.show('exporting', done, total)
      const file = resolve(given)
      try {
        const args = { space, file, path, includeAbove }
        const done = await session.execute(snapshotExportAction, args, {
          onEvent,
          silenceMs: FILE_SILENCE_MS,
        })
        bar.end()
        shell.print({ ...done, file }, () => [
          `${shell.style.strong(displayName(done.name))} in ${file}`,
          ...formatPairs(
            [
              [
                'operations',
                `${formatCount(done.operations)}, ${formatAmount(done.bodies, 'body', 'bodies')}`,
              ],
              ['size', formatBytes(done.bytes)],
              ['took', formatDuration(done.seconds * 1000)],
            ],
            '  ',
          ),
        ])
      } finally {
        bar.end()
      }
    })
}

function registerImport(snapshot: CommandUnknownOpts, shell: Shell): void {
  snapshot
    .command('import')
    .argument('<file>', 'a snapshot; - reads standard input')
    .description('take in a snapshot: into a new space, or into one that is here')
    .addHelpText(
      'after',
      '\nIts operations are checked as if a peer had sent them, and its roots and state against what follows from them. A space that holds\noperations already gets nothing of a snapshot that is not sound: it is made again in a temporary file first.',
    )
    .action(async (given, _options, self) => {
      const { session, space } = shell.open(self)
      const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
      const onEvent = ({ phase, done, total }: SnapshotProgress) => bar.show(phase, done, total)
      try {
        const imported = await withInputFile(shell, given, async (file) =>
          session.execute(snapshotImportAction, { space, file }, { onEvent, silenceMs: FILE_SILENCE_MS }),
        )
        bar.end()
        shell.print(imported, () => formatImported(imported, shell))
      } finally {
        bar.end()
      }
    })
}

function formatImported(imported: Imported, { style }: Shell): readonly string[] {
  const { name, created, operations, admitted, completed, cells, path, seconds } = imported
  return [
    `${style.strong(displayName(name))}${created ? ' (new here)' : ''}${path === '' ? '' : `, the subtree ${printable(path)}`}`,
    ...formatPairs(
      [
        ['operations', `${formatCount(operations)}, ${formatCount(admitted)} of them new here`],
        ...(completed === 0 ? [] : [['bodies added', formatCount(completed)] as const]),
        ['state', `${formatAmount(cells, 'cell')}, ${style.good('as follows from the operations')}`],
        ['clock root', imported.clockRoot],
        ['state root', imported.stateRoot],
        ['took', formatDuration(seconds * 1000)],
      ],
      '  ',
    ),
  ]
}
