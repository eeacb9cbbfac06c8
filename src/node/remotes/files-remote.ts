import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REMOTE_DOWNLOAD_BYTES_MAX } from '../../core/limits.ts'
import { writeWholeFile } from '../exchange/exchange-file.ts'
import { importSnapshotFile } from '../exchange/import-file.ts'
import { FaultError } from '../fault-error.ts'
import type { HttpAnswer, HttpClient } from './http-client.ts'
import { addressOf, countArrival, faultOfAnswer } from './node-remote.ts'
import { persist } from './persist.ts'
import type { RunContext } from './run-context.ts'
import type { OnRunProgress } from './run-report.ts'

/** Where files lie: on a web server, or in a folder. `place` is a folder or one file. */
export type FilePlace =
  | { readonly form: 'http'; readonly client: HttpClient; readonly place: URL }
  | { readonly form: 'file'; readonly place: string }

/** Names under which operations and snapshots are looked for in a folder, the best first. */
const OPERATION_FILES = ['ops.jsonl.zst', 'ops.jsonl', 'ops']
const SNAPSHOT_FILES = ['latest.snapshot', 'snapshot/latest']
const IS_OPERATIONS = /\.jsonl(\.zst)?$/
const IS_SNAPSHOT = /\.(snapshot|hanse)$/

/** An open file of a remote. */
interface OpenFile {
  readonly name: string
  readonly bytes: AsyncIterable<Uint8Array>
  readonly length: number | null
  /** Changes with its content, as far as the server says. */
  readonly tag: string | null
}

/**
 * Takes operations from a remote of files: from its file of operations, else its snapshot. Both go through the whole pipeline. Returns what
 * names the state of the file; `known` is that of the last time, and nothing is read while it is the same.
 */
export async function pullFromFiles(
  context: RunContext,
  at: FilePlace,
  known: string | null,
): Promise<string | null> {
  const { space, tally, signal, onProgress, node } = context
  const base = { href: at.form === 'http' ? at.place.href : at.place }
  const operations = await openFirst(at, 'operations', context.isThorough ? null : known, signal)
  if (operations === 'same') return known
  if (operations !== null) {
    let done = 0
    await space.exchange.receiveOperations(operations.bytes, {
      signal,
      onReport: async (report) => {
        countArrival(report, { tally, base })
        await onProgress({ what: 'receiving', done: ++done, total: 0 })
      },
    })
    return operations.tag
  }
  return await withSnapshot(at, { known, signal, onProgress }, async (file, tag) => {
    const onStep = async ({ done, total }: { readonly done: number; readonly total: number }) =>
      await onProgress({ what: 'checking', done, total })
    const { admitted, completed } = await importSnapshotFile(node, {
      file,
      space: space.id,
      signal,
      onProgress: onStep,
    })
    tally.gained += admitted + completed
    return tag
  })
}

/** Opens a remote's operations; null where it has none. `same`: they are what they were. */
export async function openOperations(
  at: FilePlace,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | null> {
  const found = await openFirst(at, 'operations', null, signal)
  return found === null || found === 'same' ? null : found.bytes
}

/** Has something done with a copy of the remote's snapshot, which is gone afterwards. Throws `NO_FILE` where there is none. */
export async function withSnapshot<T>(
  at: FilePlace,
  {
    known,
    signal,
    onProgress,
  }: { readonly known: string | null; readonly signal: AbortSignal; readonly onProgress: OnRunProgress },
  work: (file: string, tag: string | null) => Promise<T>,
): Promise<T | string> {
  const snapshot = await openFirst(at, 'snapshot', known, signal)
  if (snapshot === 'same') return known ?? ''
  if (snapshot === null)
    throw new FaultError({
      code: 'NO_FILE',
      detail: `there is neither a file of operations (${OPERATION_FILES.join(', ')}) nor a snapshot (${SNAPSHOT_FILES.join(', ')}) at ${at.form === 'http' ? at.place.href : at.place}`,
    })
  if (at.form === 'file') return await work(pathOf(at.place, snapshot.name), snapshot.tag)
  const url = snapshot.name === '' ? at.place : addressOf(at.place, snapshot.name)
  const download = { client: at.client, url, first: snapshot, signal, onProgress }
  return await downloading(download, async (file) => await work(file, snapshot.tag))
}

/** Downloads into a private file, going on where it broke off if the server can, and has something done with it. */
export async function downloading<T>(
  {
    client,
    url,
    first = null,
    signal,
    onProgress,
  }: {
    readonly client: HttpClient
    readonly url: URL
    /** Opened already. */
    readonly first?: OpenFile | null
    readonly signal: AbortSignal
    readonly onProgress: OnRunProgress
  },
  work: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hanse-remote-'))
  try {
    const file = join(folder, 'snapshot')
    const handle = await open(file, 'wx', 0o600)
    let written = 0
    let opened: OpenFile | null = first
    let tag: string | null = null
    try {
      const more = async () => {
        if (opened === null) {
          const range: Record<string, string> =
            written > 0 && tag !== null ? { range: `bytes=${written}-`, 'if-range': tag } : {}
          const answer = await client.ask(url, { signal, headers: range })
          if (answer.status !== 200 && answer.status !== 206) throw (await faultOfAnswer(answer, url)).error
          if (answer.status === 200) {
            written = 0
            await handle.truncate(0)
          }
          opened = openFileOf('', answer, written)
        }
        const { bytes, length } = opened
        tag = opened.tag
        opened = null
        for await (const chunk of bytes) {
          if (written + chunk.length > REMOTE_DOWNLOAD_BYTES_MAX)
            throw new FaultError({
              code: 'TOO_LARGE',
              detail: `${url.host} sends more than ${REMOTE_DOWNLOAD_BYTES_MAX} bytes`,
            })
          await handle.write(chunk, 0, chunk.length, written)
          written += chunk.length
          await onProgress({ what: 'receiving', done: written, total: length ?? 0, isBytes: true })
        }
        if (length !== null && written < length)
          throw new FaultError({
            code: 'UNREACHABLE',
            detail: `${url.host}: the connection was cut in the middle`,
          })
      }
      await persist(more, { progress: () => 1 + written, signal })
    } finally {
      await handle.close()
    }
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes operations, snapshot and clock of a space into a folder, from which others pull and clone; each file whole or not at all. */
export async function pushToFolder(
  { space, path, tally, signal, onProgress }: RunContext,
  folder: string,
): Promise<void> {
  if (IS_OPERATIONS.test(folder) || IS_SNAPSHOT.test(folder))
    throw new FaultError({
      code: 'BAD_URL',
      detail: 'a push writes several files: give the folder as the address',
    })
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const tell = async (done: number, total: number) => await onProgress({ what: 'sending', done, total })
  const options = { path, signal, onProgress: tell }
  const operations = await space.exchange.exportOperations({
    ...options,
    file: join(folder, 'ops.jsonl.zst'),
  })
  const snapshot = await space.exchange.exportSnapshot({ ...options, file: join(folder, 'latest.snapshot') })
  const clock = async function* () {
    yield `${JSON.stringify(space.exchange.clock())}\n`
  }
  await writeWholeFile(join(folder, 'version'), clock(), false)
  tally.sent += operations.operations
  tally.bytesSent += operations.bytes + snapshot.bytes
}

async function openFirst(
  at: FilePlace,
  what: 'operations' | 'snapshot',
  known: string | null,
  signal: AbortSignal,
): Promise<OpenFile | 'same' | null> {
  const place = at.form === 'http' ? at.place.pathname : at.place
  const [own, other, names] =
    what === 'operations'
      ? [IS_OPERATIONS, IS_SNAPSHOT, OPERATION_FILES]
      : [IS_SNAPSHOT, IS_OPERATIONS, SNAPSHOT_FILES]
  if (other.test(place)) return null
  for (const name of own.test(place) ? [''] : names) {
    const found =
      at.form === 'http' ? await openUrl(at, name, known, signal) : await openPath(at.place, name, known)
    if (found !== null) return found
  }
  return null
}

async function openUrl(
  { client, place }: FilePlace & { readonly form: 'http' },
  name: string,
  known: string | null,
  signal: AbortSignal,
): Promise<OpenFile | 'same' | null> {
  const url = name === '' ? place : addressOf(place, name)
  const answer = await client.ask(url, { signal, headers: known === null ? {} : { 'if-none-match': known } })
  if (answer.status === 304) {
    answer.drop()
    return 'same'
  }
  const isPage = answer.headers['content-type']?.includes('text/html') === true
  if (answer.status === 200 && !isPage) return openFileOf(name, answer, 0)
  const { error } = await faultOfAnswer(answer, url)
  // Some servers show a page, or say "forbidden", where there is nothing.
  if (isPage || answer.status === 404 || answer.status === 403 || answer.status === 410) return null
  throw error
}

function openFileOf(name: string, { body, headers, length }: HttpAnswer, before: number): OpenFile {
  const tag = headers.etag ?? null
  const isWhole = headers['content-encoding'] === undefined
  return { name, bytes: body, length: length === null || !isWhole ? null : before + length, tag }
}

async function openPath(
  place: string,
  name: string,
  known: string | null,
): Promise<OpenFile | 'same' | null> {
  const file = pathOf(place, name)
  const stats = await stat(file).catch(() => null)
  if (stats === null || !stats.isFile()) return null
  const tag = `${stats.size}-${stats.mtimeMs}`
  if (tag === known) return 'same'
  return { name, bytes: createReadStream(file) as AsyncIterable<Uint8Array>, length: stats.size, tag }
}

const pathOf = (place: string, name: string): string => (name === '' ? place : join(place, name))
