import { TypedEventEmitter } from 'main-event'
import { toHex } from '../../core/bytes.ts'
import { BLOB_MEDIA_TYPE_BYTES_MAX, BLOB_NAME_BYTES_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import type { Signer } from '../../core/signature.ts'
import {
  BLOB,
  type BlobReference,
  decodeBlobReference,
  isMediaType,
  isName,
} from '../../core/types/blob/change.ts'
import { BlobBuilder } from '../../core/types/blob/builder.ts'
import { type BlobId, chunksOf, type VerifiedPiece } from '../../core/types/blob/piece.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import type { ItemEdit } from '../space/item-edit.ts'
import type { AskedPeer, FetchProgress } from './fetch-blob.ts'
import type { BlobIndex } from './blob-index.ts'
import type { NodeBlobs } from './node-blobs.ts'

/** How the blobs of a space stand; each blob counts once, at however many paths it is. */
export interface BlobStatus {
  readonly referenced: number
  /** Of those, how many are here whole. */
  readonly complete: number
  /** Of those, how many are not. */
  readonly missing: number
  /** Blobs on the want-list, and bytes of their content. What is missing and not wanted is fetched when it is asked for. */
  readonly wanted: number
  readonly wantedBytes: number
  /** False while the references are being collected after a crash: the numbers may be too low. */
  readonly counted: boolean
}

/** A blob item. */
export interface BlobInfo {
  readonly path: string
  /** Hexadecimal. */
  readonly hash: string
  readonly size: number
  readonly mediaType: string | null
  readonly name: string | null
  /** True where all of the content is here. */
  readonly complete: boolean
  readonly wanted: boolean
}

/** A blob on the want-list. */
export interface WantInfo {
  readonly hash: string
  readonly size: number
  /** Paths at which it is, the first few of those asked about. */
  readonly paths: readonly string[]
  /** Since when, ms since 1970. */
  readonly sinceMs: number
  /** True where somebody asked for it; false where it is fetched because it is small. */
  readonly asked: boolean
}

export interface BlobPutOptions {
  readonly mediaType?: string | undefined
  readonly name?: string | undefined
  /** Sign with this key rather than the node's own. */
  readonly author?: Signer
  /** Bytes of content stored so far. May make the storing wait. */
  readonly onProgress?: (bytes: number) => void | Promise<void>
  /** Called when all is stored and no operation refers to it yet; where it throws, none will. */
  readonly onStored?: () => void
  readonly signal?: AbortSignal
}

export interface BlobFetchOptions {
  readonly signal: AbortSignal
  /** How long nothing may arrive, and no peer come, before it is given up, in ms. */
  readonly silenceMs: number
  readonly onProgress?: (progress: FetchProgress) => void
}

export interface BlobEvents {
  progress: CustomEvent<{ readonly hash: string } & FetchProgress>
  /** A blob that was missing is here whole. */
  arrived: CustomEvent<{ readonly hash: string; readonly size: number; readonly asked: readonly AskedPeer[] }>
}

/** What the blobs of a space need of the space around them. */
export interface BlobSpace {
  readonly hosted: HostedSpace
  write(edits: readonly ItemEdit[], options: { readonly author?: Signer }): string
}

/** And of the node. */
export interface BlobOwner {
  /** The blobs of all its spaces. */
  readonly blobs: NodeBlobs
  /** The key that signs the node's own operations. */
  readonly author: Signer
  /** The node's clock, ms since 1970. */
  now(): number
}

/** Paths listed with a want. */
const WANT_PATHS_MAX = 4
const PAGE = 256
/** How long others are waited for after everybody who is there has been asked, in ms. */
const OTHERS_WITHIN_MS = 1_000

/** The attachments of one space: putting content in, getting it out, and what is missing. */
export class SpaceBlobs extends TypedEventEmitter<BlobEvents> {
  readonly #space: BlobSpace
  readonly #owner: BlobOwner
  readonly #node: NodeBlobs
  readonly #index: BlobIndex

  constructor(space: BlobSpace, owner: BlobOwner) {
    super()
    this.#space = space
    this.#owner = owner
    this.#node = owner.blobs
    this.#index = owner.blobs.add(space.hosted, {
      onProgress: ({ hash }, progress) =>
        this.safeDispatchEvent('progress', { detail: { hash: toHex(hash), ...progress } }),
      onArrived: ({ hash, size }, asked) =>
        this.safeDispatchEvent('arrived', { detail: { hash: toHex(hash), size, asked } }),
    })
    space.hosted.replica.addEventListener('admitted', ({ detail }) => this.#index.touched(detail.touched))
  }

  /** Resolves when it is known what the space refers to: at once, except after a crash. */
  async ready(): Promise<void> {
    await this.#index.ready
  }

  /**
   * Stores content, however large, and refers to it at a path by one signed operation. Memory stays flat. Throws a FaultError where the
   * author may not write there (before anything is stored), `BLOB_QUOTA` where it does not fit, and what the source throws.
   */
  async put(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: BlobPutOptions = {},
  ): Promise<{ readonly id: string; readonly reference: BlobReference }> {
    const { mediaType, name } = options
    this.#checkWritable(path, options)
    return await this.#node.putting(async () => {
      const id = await this.#store(content instanceof Uint8Array ? [content] : onlyBytes(content), options)
      options.onStored?.()
      const reference: BlobReference = {
        ...id,
        ...(mediaType === undefined ? {} : { mediaType }),
        ...(name === undefined ? {} : { name }),
      }
      const { author } = options
      const edit = { kind: 'attach', path, reference } as const
      return { id: this.#space.write([edit], author === undefined ? {} : { author }), reference }
    })
  }

  /** The blob at a path. Undefined where there is none. */
  get(path: string): BlobInfo | undefined {
    orThrow(parsePath(path))
    const reference = this.#referenceAt(path)
    return reference === undefined ? undefined : this.#describe(path, reference)
  }

  /** The blobs at or below a path, ascending, those after a path alone where one is given; at most PAGE are in memory. */
  *list(prefix = '', options: { readonly after?: string | undefined } = {}): Generator<BlobInfo> {
    orThrow(parsePath(prefix))
    let { after } = options
    for (;;) {
      const page = this.#node.store.references(this.#space.hosted.id, {
        prefix,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      })
      for (const { path } of page) {
        const info = this.get(path)
        if (info !== undefined) yield info
      }
      if (page.length < PAGE) return
      after = page.at(-1)?.path
    }
  }

  /** The content at a path, a chunk at a time, each checked. Throws `NOT_FOUND`, `BLOB_MISSING` or `BLOB_DAMAGED`. */
  read(path: string): Generator<Uint8Array> {
    return this.#node.content.chunks(this.#idAt(path))
  }

  /** A part of the content at a path: from `start` up to `end`, which is not in it. Throws as `read`, `BLOB_MISSING` for damage too. */
  readRange(path: string, start: number, end: number): Generator<Uint8Array> {
    return this.#node.content.range(this.#idAt(path), start, end)
  }

  /**
   * Sees to it that the content at a path is here: asks every peer of the space that may have it, as they come, and goes on where an earlier
   * fetch ended. It is on the want-list from then on, whatever comes of this. Throws `NOT_FOUND`, `OFFLINE`, `NO_PEER`, `BLOB_MISSING` (with who
   * was asked), `BLOB_QUOTA`, and the signal's reason.
   */
  async fetch(
    path: string,
    options: BlobFetchOptions,
  ): Promise<{ readonly id: BlobId; readonly asked: readonly AskedPeer[] }> {
    const id = this.#idAt(path)
    const spaceId = this.#space.hosted.id
    if (this.#node.store.isComplete(id)) return { id, asked: [] }
    this.#node.want(spaceId, id)
    const asked = new Map<string, AskedPeer>()
    let doneBytes = -1
    let movedAtMs = Date.now()
    const onProgress = (progress: FetchProgress) => {
      if (progress.doneBytes !== doneBytes) movedAtMs = Date.now()
      doneBytes = progress.doneBytes
      options.onProgress?.(progress)
    }
    let hasWaited = false
    for (;;) {
      const end = await this.#node.fetch(spaceId, id, onProgress, options.signal)
      for (const one of end.asked) {
        const before = asked.get(one.peer)?.pieces ?? 0
        asked.set(one.peer, { ...one, pieces: before + one.pieces })
      }
      if (end.isComplete) return { id, asked: [...asked.values()] }
      // Stopped for a moment, because of pruning, or for good, which the next try says.
      if (end.fault?.code === 'STOPPED') continue
      if (end.fault !== null) throw new FaultError(end.fault)
      if (!this.#node.isOnline) throw offline(path)
      const others = this.#node.peersOf(spaceId).filter((peer) => !asked.has(peer.toString()))
      if (others.length > 0) continue
      const leftMs = movedAtMs + options.silenceMs - Date.now()
      const waitMs = asked.size > 0 ? Math.min(leftMs, OTHERS_WITHIN_MS) : leftMs
      // A peer that went in the middle may come back; who does not have it is not asked again.
      const isHopeless = hasWaited && [...asked.values()].every(({ code }) => code !== 'UNREACHABLE')
      if (leftMs <= 0 || (asked.size > 0 && isHopeless)) throw nobodyHas(path, [...asked.values()])
      await this.#node.peerWithin(Math.max(1, waitMs), options.signal)
      options.signal.throwIfAborted()
      hasWaited = true
    }
  }

  /** Takes the blob at a path off the want-list; what has arrived of it stays. False where it was not on it. */
  unwant(path: string): boolean {
    return this.#node.unwant(this.#space.hosted.id, this.#idAt(path))
  }

  /** What is wanted and not here, in the order in which it is fetched; only what is at a path that `isShown` lets pass. */
  wants(limit = PAGE, isShown: (path: string) => boolean = () => true): readonly WantInfo[] {
    const wants = this.#node.store.wantsOf(this.#space.hosted.id, limit).map(({ id, sinceMs, isAsked }) => ({
      hash: toHex(id.hash),
      size: id.size,
      paths: this.#pathsOf(id, isShown),
      sinceMs,
      asked: isAsked,
    }))
    return wants.filter(({ paths }) => paths.length > 0)
  }

  status(): BlobStatus {
    const { referenced, complete, wanted, wantedBytes } = this.#node.store.counts(this.#space.hosted.id)
    const counted = this.#index.isTrue
    return { referenced, complete, missing: referenced - complete, wanted, wantedBytes, counted }
  }

  /** Before the space is closed. */
  close(): void {
    this.#node.remove(this.#space.hosted)
  }

  async #store(
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { onProgress, signal }: BlobPutOptions,
  ): Promise<BlobId> {
    const { store } = this.#node
    const builder = new BlobBuilder()
    const keep = (pieces: readonly VerifiedPiece[]) =>
      store.transaction('process', (writer) => {
        for (const piece of pieces) orThrow(writer.putPiece(piece))
      })
    let bytes = 0
    for await (const chunk of chunksOf(content)) {
      signal?.throwIfAborted()
      keep(builder.add(chunk))
      bytes += chunk.length
      await onProgress?.(bytes)
    }
    const { pieces, id } = builder.finish()
    // All of it is on disk before anybody is told of it.
    store.transaction('power', (writer) => {
      for (const piece of pieces) orThrow(writer.putPiece(piece))
      writer.putComplete(id)
    })
    return id
  }

  #checkWritable(path: string, { mediaType, name, author }: BlobPutOptions): void {
    orThrow(parsePath(path))
    if (mediaType !== undefined && !isMediaType(mediaType))
      throw new FaultError({
        code: 'BAD_VALUE',
        detail: `${JSON.stringify(String(mediaType).slice(0, 80))} is not a media type of at most ${BLOB_MEDIA_TYPE_BYTES_MAX} bytes, like image/png`,
      })
    if (name !== undefined && !(isName(name) && name.isWellFormed()))
      throw new FaultError({ code: 'BAD_VALUE', detail: `a name has 1 to ${BLOB_NAME_BYTES_MAX} bytes` })
    const { hosted } = this.#space
    const { publicKey } = author ?? this.#owner.author
    if (toHex(publicKey) === toHex(hosted.spaceKey)) return
    const timeMs = this.#owner.now()
    orThrow(hosted.tokens.find({ invoker: publicKey, command: '/op/write', path, timeMs, bodySize: 0 }))
  }

  #pathsOf(id: BlobId, isShown: (path: string) => boolean): readonly string[] {
    const shown: string[] = []
    let after: string | null = null
    for (;;) {
      const page: readonly string[] = this.#node.store.pathsOf(this.#space.hosted.id, id, after, PAGE)
      shown.push(...page.filter(isShown))
      if (page.length < PAGE || shown.length >= WANT_PATHS_MAX) return shown.slice(0, WANT_PATHS_MAX)
      after = page.at(-1) as string
    }
  }

  #referenceAt(path: string): BlobReference | undefined {
    const cell = this.#space.hosted.store.cell({ path, type: BLOB, field: '' })
    return cell === undefined || cell.removed ? undefined : orThrow(decodeBlobReference(cell.value))
  }

  #idAt(path: string): BlobId {
    orThrow(parsePath(path))
    const reference = this.#referenceAt(path)
    if (reference === undefined)
      throw new FaultError({
        code: 'NOT_FOUND',
        detail: `there is no blob at ${JSON.stringify(path)}: see "hanse blob list"`,
      })
    return { hash: reference.hash, size: reference.size }
  }

  #describe(path: string, reference: BlobReference): BlobInfo {
    const { hash, size, mediaType, name } = reference
    const { store } = this.#node
    return {
      path,
      hash: toHex(hash),
      size,
      mediaType: mediaType ?? null,
      name: name ?? null,
      complete: store.isComplete(reference),
      wanted: store.want(this.#space.hosted.id, reference) !== undefined,
    }
  }
}

function offline(path: string): FaultError {
  const detail = `the blob at ${JSON.stringify(path)} is not here, and this node is offline: it is wanted now, and fetched when the node runs, "hanse up"`
  return new FaultError({ code: 'OFFLINE', detail })
}

const REASONS: Readonly<Record<string, string>> = {
  LACKS: 'does not have it, or not for this node',
  UNREACHABLE: 'could not be reached, or went',
  BUSY: 'is asked for too much already',
}

function nobodyHas(path: string, asked: readonly AskedPeer[]): FaultError {
  const where = JSON.stringify(path)
  if (asked.length === 0)
    return new FaultError({
      code: 'NO_PEER',
      detail: `the blob at ${where} is not here, and no peer of the space was found: it stays on the want-list, "hanse blob wants"`,
    })
  const who = asked
    .map(({ peer, pieces, code }) => {
      const gave = pieces > 0 ? `gave ${pieces} pieces and then ` : ''
      return `${peer} ${gave}${REASONS[code ?? 'LACKS'] ?? `sent what it must not (${code})`}`
    })
    .join('; ')
  return new FaultError({
    code: 'BLOB_MISSING',
    detail: `nobody who is connected has all of the blob at ${where}: ${who}. It stays on the want-list, "hanse blob wants"`,
  })
}

/** Whoever is not held to types could give numbers or texts for chunks, of which nothing would be stored. */
async function* onlyBytes(
  chunks: AsyncIterable<unknown> | Iterable<unknown>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array))
      throw new FaultError({
        code: 'BAD_VALUE',
        detail: 'the content of a blob is bytes, or chunks of bytes',
      })
    yield chunk
  }
}
