import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { toHex } from '../../core/bytes.ts'
import { CONTROL_PAGE_ITEMS } from '../../core/limits.ts'
import type { AskedPeer } from '../../node/blobs/fetch-blob.ts'
import type { BlobInfo, WantInfo } from '../../node/blobs/space-blobs.ts'
import { FaultError } from '../../node/fault-error.ts'
import { defineAction } from '../control/action.ts'
import { chooseSpace, requireGenesis } from './choose-space.ts'

/** How far it is, in bytes of content. */
export interface BlobProgress {
  readonly kind: 'progress'
  readonly done: number
  readonly total: number
}

/** A part of the content, in its order: base64. */
interface BlobPart {
  readonly kind: 'content'
  readonly base64: string
}

export interface BlobWritten {
  /** The operation. */
  readonly id: string
  readonly path: string
  readonly hash: string
  readonly size: number
  readonly mediaType: string | null
  readonly name: string | null
}

export interface BlobGot extends BlobInfo {
  /** Peers it came from just now, with the pieces each gave; none where it was here. */
  readonly from: readonly Pick<AskedPeer, 'peer' | 'pieces'>[]
}

/** Shortest pause between two reports of progress, in ms. */
const PROGRESS_EVERY_MS = 100

export const blobPutAction = defineAction<
  {
    readonly space: 'text?'
    readonly path: 'text'
    readonly file: 'text'
    readonly mediaType: 'text?'
    readonly name: 'text?'
  },
  BlobWritten,
  BlobProgress
>({
  name: 'blob-put',
  shape: { space: 'text?', path: 'text', file: 'text', mediaType: 'text?', name: 'text?' },
  run: async ({ node, signal, emit }, { space: given, path, file, mediaType, name }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    const total = await sizeOf(file)
    let toldMs = Date.now()
    const { id, reference } = await space.blobs.put(path, contentOf(file), {
      mediaType,
      name,
      signal,
      onProgress: async (done) => {
        if (Date.now() - toldMs < PROGRESS_EVERY_MS) return
        toldMs = Date.now()
        await emit({ kind: 'progress', done, total })
      },
    })
    return {
      id,
      path,
      hash: toHex(reference.hash),
      size: reference.size,
      mediaType: reference.mediaType ?? null,
      name: reference.name ?? null,
    }
  },
})

/** What is said of a blob; nothing is fetched. */
export const blobShowAction = defineAction({
  name: 'blob-show',
  shape: { space: 'text?', path: 'text' },
  run: ({ node }, { space: given, path }): BlobInfo => {
    const space = chooseSpace(node, given)
    const info = space.blobs.get(path)
    if (info !== undefined) return info
    requireGenesis(space)
    throw new FaultError({
      code: 'NOT_FOUND',
      detail: `there is no blob at ${JSON.stringify(path)}: see "hanse blob list"`,
    })
  },
})

export const blobGetAction = defineAction<
  { readonly space: 'text?'; readonly path: 'text'; readonly timeoutMs: 'integer' },
  BlobGot,
  BlobProgress | BlobPart
>({
  name: 'blob-get',
  shape: { space: 'text?', path: 'text', timeoutMs: 'integer' },
  run: async ({ node, signal, emit }, { space: given, path, timeoutMs }) => {
    const space = chooseSpace(node, given)
    let sending = Promise.resolve()
    const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) => {
      // A reader that is gone ends the action by its signal.
      const told = async () => await emit({ kind: 'progress', done: doneBytes, total: totalBytes })
      sending = sending.then(told).catch(() => {})
    }
    const { asked } = await space.blobs.fetch(path, { signal, silenceMs: timeoutMs, onProgress })
    await sending
    for (const chunk of space.blobs.read(path)) {
      signal.throwIfAborted()
      await emit({ kind: 'content', base64: Buffer.from(chunk).toString('base64') })
    }
    const from = asked.filter(({ pieces }) => pieces > 0).map(({ peer, pieces }) => ({ peer, pieces }))
    return { ...(space.blobs.get(path) as BlobInfo), from }
  },
})

export const blobListAction = defineAction<
  { readonly space: 'text?'; readonly prefix: 'text' },
  { readonly blobs: number },
  readonly BlobInfo[]
>({
  name: 'blob-list',
  shape: { space: 'text?', prefix: 'text' },
  run: async ({ node, signal, emit }, { space: given, prefix }) => {
    const space = chooseSpace(node, given)
    requireGenesis(space)
    await space.blobs.ready()
    let page: BlobInfo[] = []
    let blobs = 0
    for (const info of space.blobs.list(prefix)) {
      page.push(info)
      blobs++
      if (page.length < CONTROL_PAGE_ITEMS) continue
      signal.throwIfAborted()
      await emit(page)
      page = []
    }
    if (page.length > 0) await emit(page)
    return { blobs }
  },
})

export const blobWantsAction = defineAction({
  name: 'blob-wants',
  /** `drop`: paths whose blobs are to be taken off first. */
  shape: { space: 'text?', drop: 'texts', limit: 'integer' },
  run: async ({ node }, { space: given, drop, limit }): Promise<readonly WantInfo[]> => {
    const space = chooseSpace(node, given)
    await space.blobs.ready()
    for (const path of drop) {
      if (space.blobs.unwant(path)) continue
      const detail = `the blob at ${JSON.stringify(path)} is not on the want-list: see "hanse blob wants"`
      throw new FaultError({ code: 'NOT_FOUND', detail })
    }
    return space.blobs.wants(limit)
  },
})

export const blobPruneAction = defineAction({
  name: 'blob-prune',
  shape: {},
  run: async ({ node, signal }) => await node.blobs.prune(() => signal.throwIfAborted()),
})

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file)
    if (!found.isDirectory()) return found.size
  } catch (error) {
    throw unreadable(file, error)
  }
  throw new FaultError({ code: 'BAD_FILE', detail: `${file} is a folder: give a file` })
}

async function* contentOf(file: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(file, { highWaterMark: 1 << 20 })
  try {
    for await (const part of stream as AsyncIterable<Uint8Array>) yield part
  } catch (error) {
    throw 'syscall' in (error as object) ? unreadable(file, error) : error
  }
}

function unreadable(file: string, error: unknown): FaultError {
  const why = error instanceof Error ? error.message : String(error)
  return new FaultError({ code: 'BAD_FILE', detail: `${file} cannot be read: ${why}` })
}
