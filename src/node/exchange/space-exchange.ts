import type { KnownLog } from '../../core/clock-text.ts'
import { toClockJson } from '../../core/clock-text.ts'
import { OPERATION_LINE_BYTES_MAX } from '../../core/limits.ts'
import { ROOT_PATH } from '../../core/path.ts'
import { keptHeads } from '../replica/severance.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { fileBytes, readUnpacked, unpackedStream, writeWholeFile } from './exchange-file.ts'
import {
  exportBodies,
  type ExportedLine,
  exportOperations,
  type ExportOperationsOptions,
} from './export-operations.ts'
import { exportSnapshot, refuseAbove } from './export-snapshot.ts'
import { importOperations, type ImportOperationsOptions, type LineCounts } from './import-operations.ts'
import { packSnapshot } from './snapshot-file.ts'
import { readTextLines } from './text-lines.ts'

/** Told now and then how far it is. */
export type OnProgress = (done: number, total: number) => void | Promise<void>

export interface ExportFileOptions {
  /** Absolute, or relative to this process. */
  readonly file: string
  readonly path?: string | undefined
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** What was written. */
export interface ExportedFile {
  readonly operations: number
  readonly bodies: number
  /** Of the file. */
  readonly bytes: number
}

/** Shortest pause between two tellings of how far it is, in ms. */
const PROGRESS_MS = 100

/** Taking a space away in files, and what others took away into it. */
export class SpaceExchange {
  readonly #hosted: HostedSpace
  readonly #now: () => number

  constructor(hosted: HostedSpace, now: () => number) {
    this.#hosted = hosted
    this.#now = now
  }

  /** What this space holds, as a clock: with it another node exports what is missing here. */
  clock(): ReturnType<typeof toClockJson> {
    const { store } = this.#hosted
    const entries = [...store.authors()].map(({ author }) => ({ author, heads: keptHeads(store, author) }))
    return toClockJson(entries.filter(({ heads }) => heads.length > 0))
  }

  /** The operations as lines of JSON with their ends, parents first; see exportOperations. */
  operations(options: Omit<ExportOperationsOptions, 'onProgress'> = {}): AsyncGenerator<ExportedLine> {
    return exportOperations(this.#hosted, options)
  }

  /** Operations by their ids as such lines, for whoever has their headers and lacks their bodies; see exportBodies. */
  bodies(ids: readonly Uint8Array[], mayRead: (path: string) => boolean): Iterable<ExportedLine> {
    const { store } = this.#hosted
    return exportBodies({ store, operation: (ordinal) => this.#hosted.operation(ordinal) }, ids, mayRead)
  }

  /** Takes operations from a stream of lines, packed or not, in any order; see importOperations. */
  async receiveOperations(
    source: AsyncIterable<Uint8Array>,
    options: ImportOperationsOptions = {},
  ): Promise<LineCounts> {
    const lines = readTextLines(unpackedStream(source), OPERATION_LINE_BYTES_MAX)
    return await importOperations(this.#hosted, lines, options)
  }

  /**
   * The bytes of a snapshot of what is at and below a path, as they are made. Throws `ABOVE_PATH`, before the first byte, where bodies of
   * operations above belong to it, which may hold changes elsewhere too.
   */
  async *snapshot(path = ROOT_PATH): AsyncGenerator<Uint8Array> {
    if (path !== ROOT_PATH) await refuseAbove(this.#hosted, path)
    yield* packSnapshot(exportSnapshot(this.#hosted, { path, nowMs: this.#now() }))
  }

  /** The same into a file, packed with zstd where its name ends with `.zst`. The file is there whole, or not at all. */
  async exportOperations(
    options: ExportFileOptions & { readonly since?: readonly KnownLog[] | undefined },
  ): Promise<ExportedFile> {
    const { file, since = [], path = ROOT_PATH, signal } = options
    const counts = { operations: 0, bodies: 0 }
    const onProgress = nowAndThen(options.onProgress)
    const lines = exportOperations(this.#hosted, { since, path, onProgress })
    const text = async function* () {
      for await (const line of lines) {
        signal?.throwIfAborted()
        counts.operations++
        if (line.hasBody) counts.bodies++
        yield line.text
      }
    }
    const bytes = await writeWholeFile(file, inChunks(text()), file.endsWith('.zst'))
    return { ...counts, bytes }
  }

  /** Takes operations from a file of lines, packed or not, in any order; see importOperations. */
  async importOperations(
    options: ImportOperationsOptions & { readonly file: string; readonly onProgress?: OnProgress },
  ): Promise<LineCounts> {
    const { file, onReport, signal } = options
    const total = await fileBytes(file)
    const onProgress = nowAndThen(options.onProgress)
    let read = 0
    const bytes = readUnpacked(file, (done) => {
      read = done
    })
    return await importOperations(this.#hosted, readTextLines(bytes, OPERATION_LINE_BYTES_MAX), {
      onReport: async (report) => {
        await onReport?.(report)
        await onProgress(read, total)
      },
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** Writes a snapshot; see exportSnapshot. The file is there whole, or not at all. */
  async exportSnapshot(
    options: ExportFileOptions & { readonly includeAbove?: boolean },
  ): Promise<ExportedFile> {
    const { file, path = ROOT_PATH, includeAbove = false, signal } = options
    const counts = { operations: 0, bodies: 0 }
    const records = exportSnapshot(this.#hosted, {
      path,
      includeAbove,
      nowMs: this.#now(),
      onProgress: nowAndThen(options.onProgress),
    })
    const counted = async function* () {
      for await (const record of records) {
        signal?.throwIfAborted()
        if (record.kind === 'end')
          Object.assign(counts, { operations: record.operations, bodies: record.bodies })
        yield record
      }
    }
    const bytes = await writeWholeFile(file, packSnapshot(counted()), false)
    return { ...counts, bytes }
  }
}

/** Passes on what is told, but not more often than every PROGRESS_MS. */
export function nowAndThen(
  onProgress: OnProgress | undefined,
): (done: number, total: number) => Promise<void> {
  let toldMs = 0
  return async (done, total) => {
    const nowMs = performance.now()
    if (onProgress === undefined || nowMs - toldMs < PROGRESS_MS) return
    toldMs = nowMs
    await onProgress(done, total)
  }
}

/** Characters written at a time. */
const CHUNK_CHARACTERS = 64 * 1024

/** Texts joined, so that a file is not written line by line. */
async function* inChunks(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = ''
  for await (const text of texts) {
    chunk += text
    if (chunk.length < CHUNK_CHARACTERS) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
