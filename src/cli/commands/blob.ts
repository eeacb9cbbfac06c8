import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { BlobInfo, WantInfo } from '../../node/blobs/space-blobs.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import { parseDuration } from '../duration.ts'
import { formatAmount, formatBytes, formatMoment, shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import { BYTES, ProgressBar } from '../output/progress-bar.ts'
import { formatTable, shorten } from '../output/table.ts'
import type { GlobalOptions, Shell } from '../shell.ts'
import {
  blobGetAction,
  type BlobGot,
  blobListAction,
  type BlobProgress,
  blobPruneAction,
  blobPutAction,
  blobShowAction,
  blobWantsAction,
} from './blob-actions.ts'
import { collect } from './collect.ts'
import { FILE_SILENCE_MS, withInputFile } from './input-file.ts'
import { readLimit } from './list.ts'
import { SILENCE_BEYOND_MS } from './sync.ts'

/** `hanse blob`: attachments of any size. */
export function registerBlob(program: Command<[], GlobalOptions>, shell: Shell): void {
  const blob = program
    .command('blob')
    .description('attachments of any size: put, get, list, wants, prune')
    .addHelpText(
      'after',
      '\nExamples:\n  hanse blob put docs/plan plan.pdf --type application/pdf\n  tar c src | hanse blob put backups/src -\n  hanse blob get docs/plan --output plan.pdf\n\nContent travels in pieces that are checked one by one, from whoever of the space has them. What is not here is\ncounted as missing in "hanse status".',
    )
  registerBlobPut(blob, shell)
  registerBlobGet(blob, shell)
  registerBlobList(blob, shell)
  registerBlobWants(blob, shell)
  registerBlobPrune(blob, shell)
}

type BlobCommand = Command<[], GlobalOptions>

function registerBlobPut(blob: BlobCommand, shell: Shell): void {
  blob
    .command('put')
    .argument('<path>', 'where, e.g. docs/plan')
    .argument('<file>', 'the content; - reads standard input')
    .description('store a file, and refer to it at a path by one signed operation')
    .option('--type <type>', 'media type to say of it, e.g. image/png')
    .option('--name <name>', 'name to give it; without it that of the file')
    .action(async (path, given, { type, name = given === '-' ? undefined : basename(given) }, self) => {
      const { session, space } = shell.open(self)
      const written = await withBar(shell, 'storing', async (onProgress) =>
        withInputFile(shell, given, async (file) =>
          session.execute(
            blobPutAction,
            { space, path, file, mediaType: type, name },
            { onEvent: onProgress, silenceMs: FILE_SILENCE_MS },
          ),
        ),
      )
      shell.print(
        written,
        ({ id, hash, size }) =>
          `${printable(path)} refers to ${formatBytes(size)}, ${shortId(hash)}, by operation ${shortId(id)}`,
      )
    })
}

function registerBlobGet(blob: BlobCommand, shell: Shell): void {
  blob
    .command('get')
    .argument('<path>', 'where, e.g. docs/plan')
    .description('get the content at a path, fetching what is not here from the peers of the space')
    .option('--output <file>', 'write it to a file; without it, to standard output')
    .option('--timeout <duration>', 'give up when so long no peer is found, or nothing arrives', '30s')
    .addHelpText(
      'after',
      '\nWhat has arrived is kept: a fetch that was broken off goes on where it was. It is on the want-list until it is here.\nWithout a running node this command goes online by itself.',
    )
    .action(async (path, { output, timeout }, self) => {
      const timeoutMs = orThrow(parseDuration(timeout, '--timeout'))
      const { session, space } = shell.open(self)
      const target = await openTarget(output, shell)
      try {
        const { complete } = await session.execute(blobShowAction, { space, path })
        const got = await withBar(shell, 'fetching', async (onProgress) =>
          session.execute(
            blobGetAction,
            { space, path, timeoutMs },
            {
              online: !complete,
              silenceMs: timeoutMs + SILENCE_BEYOND_MS,
              onEvent: async (event) =>
                event.kind === 'progress'
                  ? onProgress(event)
                  : await target.write(Buffer.from(event.base64, 'base64')),
            },
          ),
        )
        await target.finish()
        if (output === undefined) return
        shell.print({ ...got, output: resolve(output) }, () => formatGot(got, output))
      } catch (error) {
        await target.discard()
        for (const note of session.notes) shell.remark(note)
        throw error
      }
    })
}

function registerBlobList(blob: BlobCommand, shell: Shell): void {
  blob
    .command('list')
    .argument('[prefix]', 'only at or below this path')
    .description('list the blobs, and which of them are here')
    .action(async (prefix = '', _options, self) => {
      const { session, space } = shell.open(self)
      const blobs: BlobInfo[] = []
      await session.execute(
        blobListAction,
        { space, prefix },
        { onEvent: (page) => void blobs.push(...page) },
      )
      shell.print(blobs, () => formatBlobs(blobs, shell))
      if (blobs.length === 0) shell.remark('There are no blobs here.')
    })
}

function registerBlobWants(blob: BlobCommand, shell: Shell): void {
  blob
    .command('wants')
    .description('list what is wanted and not here, in the order in which it is fetched')
    .option('--drop <path>', 'take the blob at a path off the list first; may be repeated', collect)
    .option('--limit <n>', 'at most so many', '100')
    .action(async ({ drop = [], limit }, self) => {
      const { session, space } = shell.open(self)
      const wants = await session.execute(blobWantsAction, { space, drop, limit: readLimit(limit) })
      shell.print(wants, () => formatWants(wants, shell))
      if (wants.length === 0) shell.remark('Nothing is wanted.')
    })
}

function registerBlobPrune(blob: BlobCommand, shell: Shell): void {
  blob
    .command('prune')
    .description('remove the content that no space of this node refers to')
    .action(async (_options, self) => {
      const { session } = shell.open(self)
      const removed = await session.execute(blobPruneAction, {}, { silenceMs: FILE_SILENCE_MS })
      shell.print(
        removed,
        ({ pieces, bytes }) => `removed ${formatAmount(pieces, 'piece')}, ${formatBytes(bytes)}`,
      )
    })
}

async function withBar<T>(
  shell: Shell,
  what: string,
  work: (onProgress: (progress: BlobProgress) => void) => Promise<T>,
): Promise<T> {
  const bar = new ProgressBar(shell.isJson ? null : shell.stderr, shell.errorStyle)
  try {
    return await work(({ done, total }) => bar.show(what, done, total, BYTES))
  } finally {
    bar.end()
  }
}

/** Where content goes. */
interface Target {
  write(bytes: Uint8Array): Promise<void>
  /** All of it is written. */
  finish(): Promise<void>
  /** It will not be whole: nothing of it stays, where that can be helped. */
  discard(): Promise<void>
}

async function openTarget(output: string | undefined, shell: Shell): Promise<Target> {
  if (output !== undefined) return await fileTarget(resolve(output))
  const detail = shell.isJson
    ? '--json prints one JSON value: say with --output where the content goes'
    : 'a terminal does not take any bytes: give --output FILE, or pipe the content on'
  if (shell.isJson || shell.stdout.isTTY) throw new FaultError({ code: 'USAGE', detail })
  return {
    async write(bytes) {
      const { stdout } = shell
      if (!stdout.write(bytes) && !stdout.destroyed)
        await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
    },
    finish: async () => {},
    discard: async () => {},
  }
}

/** Written beside the file under another name, and renamed when it is whole. What is no plain file, like a device, is written as it is. */
async function fileTarget(file: string): Promise<Target> {
  const present = await stat(file).catch(() => null)
  if (present?.isDirectory() === true)
    throw new FaultError({ code: 'BAD_FILE', detail: `${file} is a folder: say which file` })
  const isPlain = present === null || present.isFile()
  const part = isPlain ? `${file}.${randomBytes(6).toString('hex')}.part` : file
  const handle = await open(part, isPlain ? 'wx' : 'w').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new FaultError({ code: 'BAD_FILE', detail: `${file} cannot be written: ${why}` })
  })
  return {
    async write(bytes) {
      await handle.writeFile(bytes)
    },
    async finish() {
      await handle.close()
      if (isPlain) await rename(part, file)
    },
    async discard() {
      await handle.close()
      if (isPlain) await rm(part, { force: true })
    },
  }
}

function formatGot({ path, size, from }: BlobGot, output: string): string {
  const fetched =
    from.length === 0
      ? 'which was here'
      : `from ${from.map(({ peer, pieces }) => `${peer} (${formatAmount(pieces, 'piece')})`).join(', ')}`
  return `${printable(path)}: ${formatBytes(size)}, ${fetched}, written to ${printable(output)}`
}

function formatBlobs(blobs: readonly BlobInfo[], shell: Shell): readonly string[] {
  const [titles, ...lines] = formatTable(
    [
      { title: 'BLOB' },
      { title: 'SIZE', align: 'right' },
      { title: 'HERE' },
      { title: 'TYPE' },
      { title: 'PATH' },
    ],
    blobs.map(({ hash, size, complete, wanted, mediaType, path }) => [
      shortId(hash),
      formatBytes(size),
      complete ? 'whole' : wanted ? 'wanted' : 'missing',
      shorten(printable(mediaType ?? ''), 30),
      shorten(printable(path), 60),
    ]),
  )
  return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
}

function formatWants(wants: readonly WantInfo[], shell: Shell): readonly string[] {
  const [titles, ...lines] = formatTable(
    [
      { title: 'BLOB' },
      { title: 'SIZE', align: 'right' },
      { title: 'SINCE' },
      { title: 'BECAUSE' },
      { title: 'PATH' },
    ],
    wants.map(({ hash, size, sinceMs, asked, paths }) => [
      shortId(hash),
      formatBytes(size),
      formatMoment(sinceMs),
      asked ? 'asked for' : 'small',
      shorten(printable(paths.join(', ')), 60),
    ]),
  )
  return titles === undefined ? [] : [shell.style.faint(titles), ...lines]
}
