import { setImmediate as breathe } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { BlobHost, PieceRequest } from '../../../protocols/blobs/index.ts'
import { toHex } from '../../core/bytes.ts'
import {
  BLOB_FETCHES_MAX,
  BLOB_RETRY_LONGEST_MS,
  BLOB_RETRY_MS,
  BLOB_WANTS_PER_SPACE_MAX,
} from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import type { BlobId } from '../../core/types/blob/piece.ts'
import type { BlobStore, BlobUsage, BlobWant } from '../../storage/blob-store.ts'
import { FaultError } from '../fault-error.ts'
import type { HostedSpace } from '../space/hosted-space.ts'
import { BlobContent } from './blob-content.ts'
import { BlobIndex } from './blob-index.ts'
import type { BlobNetwork } from './blob-network.ts'
import { servePiece } from './blob-serving.ts'
import { type AskedPeer, BlobFetch, type FetchProgress } from './fetch-blob.ts'

/** What the blobs of a node need of the node around them. */
export interface NodeBlobsInit {
  /** Opens the store; called once, when it is first needed. */
  readonly open: () => BlobStore
  /** Largest blob that is fetched without being asked for, in bytes. */
  readonly fetchBytesMax: number
  now(): number
  log(message: string): void
}

/** A space that takes part. */
interface Member {
  readonly hosted: HostedSpace
  readonly index: BlobIndex
  readonly observer: BlobObserver
}

/** What a space is told of its blobs. */
export interface BlobObserver {
  onProgress(id: BlobId, progress: FetchProgress): void
  /** A blob that the space wanted is here whole. */
  onArrived(id: BlobId, asked: readonly AskedPeer[]): void
}

/** A fetch under way, and whoever waits for it. */
interface Running {
  readonly member: Member
  readonly fetch: BlobFetch
  readonly ended: Promise<FetchEnd>
}

/** How a fetch ended. */
export interface FetchEnd {
  readonly isComplete: boolean
  /** Why it was stopped; null where it came to its own end. */
  readonly fault: Fault | null
  readonly asked: readonly AskedPeer[]
}

/**
 * The blobs of a node: the one store, what its spaces refer to, the want-list and its worker, and what is served. Invariants:
 * 1. every blob that a space refers to is either here whole, or counted as missing; those up to `fetchBytesMax`, and those that somebody
 *    asked for, are on the want-list until they are here, across restarts;
 * 2. the worker fetches BLOB_FETCHES_MAX at a time, in rounds: each want once with the peers of its space, the next round when a peer comes, or
 *    after BLOB_RETRY_MS, doubled up to BLOB_RETRY_LONGEST_MS; a fetch that somebody waits for does not wait for its turn;
 * 3. a peer is served a piece only while it may read a path at which that space shows that blob; all other answers are the same;
 * 4. while pruning, nothing is fetched or put.
 */
export class NodeBlobs {
  readonly #init: NodeBlobsInit
  readonly #members = new Map<string, Member>()
  readonly #byTopic = new Map<string, Member>()
  readonly #running = new Map<string, Running>()
  #queue: BlobWant[] = []
  #open: { readonly store: BlobStore; readonly content: BlobContent } | null = null
  #network: BlobNetwork | null = null
  #isRoundDue = false
  #retryMs = BLOB_RETRY_MS
  #retry: NodeJS.Timeout | null = null
  #puts = 0
  #pruning: Promise<void> | null = null
  #isClosed = false
  readonly #arrivals = new Set<() => void>()

  constructor(init: NodeBlobsInit) {
    this.#init = init
  }

  /** What the network serves and reports. */
  get host(): BlobHost {
    return {
      now: () => this.#init.now(),
      serve: (peer, request) => this.#serve(peer, request),
      onFault: (peer, fault) => this.#network?.blame(peer, fault),
    }
  }

  get store(): BlobStore {
    return this.#opened().store
  }

  get content(): BlobContent {
    return this.#opened().content
  }

  /** A space is open: its references are followed from now on. Whoever closes the space calls `remove` before. */
  add(hosted: HostedSpace, observer: BlobObserver): BlobIndex {
    const { store } = this
    const index = new BlobIndex(
      hosted.store,
      store,
      (ids) => this.#onReferenced(hosted, ids),
      (error) => this.#onError(error),
    )
    const member = { hosted, index, observer }
    this.#members.set(toHex(hosted.id), member)
    this.#byTopic.set(toHex(hosted.topic), member)
    return index
  }

  remove(hosted: HostedSpace): void {
    const member = this.#members.get(toHex(hosted.id))
    if (member === undefined) return
    this.#stopFetches((one) => one.member === member)
    member.index.close()
    this.#members.delete(toHex(hosted.id))
    this.#byTopic.delete(toHex(hosted.topic))
  }

  /** The node is online: from now on blobs are fetched. */
  connect(network: BlobNetwork): void {
    this.#network = network
    this.#round()
  }

  /** A peer has proved that it may read a space. */
  onPeer(peer: PeerId, spaceId: Uint8Array): void {
    for (const { member, fetch } of this.#running.values())
      if (toHex(member.hosted.id) === toHex(spaceId)) fetch.join(peer)
    this.#retryMs = BLOB_RETRY_MS
    this.#round()
    for (const wake of this.#arrivals) wake()
  }

  /** Resolves when a peer has come, or after so many ms. */
  async peerWithin(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => resolve(), { once: true })
    this.#arrivals.add(resolve)
    await promise
    clearTimeout(timer)
    this.#arrivals.delete(resolve)
  }

  /** Peers of a space that can be asked now. */
  peersOf(spaceId: Uint8Array): readonly PeerId[] {
    return this.#network?.provenPeers(spaceId) ?? []
  }

  /** True while the node has a network to fetch over. */
  get isOnline(): boolean {
    return this.#network !== null
  }

  /** Puts a blob on the want-list because somebody asked for it, at its head. */
  want(spaceId: Uint8Array, id: BlobId): void {
    const { store } = this
    const known = store.want(spaceId, id)
    if (store.isComplete(id) || known?.isAsked === true) return
    const want = { space: spaceId, id, sinceMs: known?.sinceMs ?? this.#init.now(), isAsked: true }
    store.transaction('process', (writer) => writer.putWant(want))
    this.#queue.unshift(want)
    this.#pump()
  }

  /** Takes a blob off the want-list, and ends what is under way for it. What has arrived stays. */
  unwant(spaceId: Uint8Array, id: BlobId): boolean {
    if (this.store.want(spaceId, id) === undefined) return false
    this.store.transaction('process', (writer) => writer.dropWant(spaceId, id))
    this.#running
      .get(nameOf(spaceId, id))
      ?.fetch.stop({ code: 'UNWANTED', detail: 'it is not wanted any more' })
    return true
  }

  /** One fetch of a wanted blob, or the one that is under way, to its end; whoever waits sees the progress. */
  async fetch(
    spaceId: Uint8Array,
    id: BlobId,
    onProgress: (progress: FetchProgress) => void,
    signal: AbortSignal,
  ): Promise<FetchEnd> {
    await this.#pruning
    signal.throwIfAborted()
    const member = this.#members.get(toHex(spaceId))
    if (member === undefined || this.#isClosed)
      throw new FaultError({ code: 'STOPPED', detail: 'the node has stopped: what has arrived is kept' })
    const running = this.#running.get(nameOf(spaceId, id)) ?? this.#start(member, id)
    const watcher = setInterval(() => onProgress(running.fetch.progress), PROGRESS_EVERY_MS)
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([running.ended, aborted])
    } finally {
      clearInterval(watcher)
      signal.removeEventListener('abort', onAbort)
      onProgress(running.fetch.progress)
    }
  }

  /** Runs `work`, which stores pieces that nothing refers to yet, while nobody prunes. */
  async putting<T>(work: () => Promise<T>): Promise<T> {
    while (this.#pruning !== null) await this.#pruning
    this.#puts++
    try {
      return await work()
    } finally {
      this.#puts--
    }
  }

  /** Removes what no space refers to. Throws `BUSY` while something is being put, and `NOT_READY` where references are not known yet. */
  async prune(onStep: () => void): Promise<BlobUsage> {
    for (const { index } of this.#members.values()) await index.ready
    if ([...this.#members.values()].some(({ index }) => !index.isTrue))
      throw new FaultError({
        code: 'NOT_READY',
        detail: 'what a space refers to could not be read: restart the node',
      })
    if (this.#puts > 0 || this.#pruning !== null)
      throw new FaultError({
        code: 'BUSY',
        detail: 'blobs are being put or pruned just now: try again when that is done',
      })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#pruning = promise
    try {
      this.#stopFetches(() => true)
      const pruning = this.store.prune()
      while (!this.#isClosed && !pruning.step()) {
        onStep()
        await breathe()
      }
      return pruning.removed
    } finally {
      this.#pruning = null
      resolve()
      // What was referred to meanwhile may have gone.
      for (const { hosted } of this.#members.values()) this.#wantUnwanted(hosted)
      this.#round()
    }
  }

  /** After the spaces, before the process ends. */
  close(): void {
    this.#isClosed = true
    this.#network = null
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#stopFetches(() => true)
    this.#open?.store.close()
    this.#open = null
  }

  #opened(): { readonly store: BlobStore; readonly content: BlobContent } {
    if (this.#isClosed) throw new Error('bug: blobs of a node that has stopped')
    if (this.#open !== null) return this.#open
    const store = this.#init.open()
    const onDamaged = (id: BlobId) => {
      this.#init.log(`a piece of the blob ${toHex(id.hash)} was damaged on this disk, and is missing now`)
      for (const { hosted } of this.#members.values())
        if (store.pathsOf(hosted.id, id, null, 1).length > 0) this.#onReferenced(hosted, [id], true)
    }
    this.#open = { store, content: new BlobContent(store, onDamaged) }
    return this.#open
  }

  #serve(peer: PeerId, request: PieceRequest): Uint8Array | null {
    const member = this.#byTopic.get(toHex(request.topic))
    if (member === undefined || this.#isClosed || this.#network === null) return null
    const { store, content } = this.#opened()
    return servePiece(peer, member.hosted.id, request, { store, content, network: this.#network })
  }

  /** Policy: what is small enough is wanted as soon as it is referred to. `always`: whatever its size. */
  #onReferenced({ id: space }: HostedSpace, ids: readonly BlobId[], always = false): void {
    const { store } = this
    const fresh = ids.filter(
      (id) =>
        (always || id.size <= this.#init.fetchBytesMax) &&
        !store.isComplete(id) &&
        store.want(space, id) === undefined,
    )
    if (fresh.length === 0) return
    const room = Math.max(0, BLOB_WANTS_PER_SPACE_MAX - store.counts(space).wanted)
    const wants = fresh
      .slice(0, room)
      .map((id) => ({ space, id, sinceMs: this.#init.now(), isAsked: always }))
    store.transaction('process', (writer) => {
      for (const want of wants) writer.putWant(want)
    })
    this.#queue.push(...wants)
    this.#pump()
  }

  #wantUnwanted(hosted: HostedSpace): void {
    if (this.#isClosed) return
    const ids = this.store.unwanted(hosted.id, this.#init.fetchBytesMax, BLOB_WANTS_PER_SPACE_MAX)
    this.#onReferenced(hosted, ids)
  }

  /** Every want once more, soon: several reasons to do so make one round. */
  #round(): void {
    if (this.#network === null || this.#isRoundDue) return
    this.#isRoundDue = true
    setImmediate(() => {
      this.#isRoundDue = false
      if (this.#isClosed) return
      this.#queue = [...this.store.wants(BLOB_WANTS_PER_SPACE_MAX)]
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#network === null || this.#pruning !== null || this.#isClosed) return
    while (this.#running.size < BLOB_FETCHES_MAX) {
      const want = this.#queue.shift()
      if (want === undefined) return this.#rest()
      const member = this.#members.get(toHex(want.space))
      if (member === undefined || this.#running.has(nameOf(want.space, want.id))) continue
      if (this.store.want(want.space, want.id) === undefined) continue
      if (this.peersOf(want.space).length > 0) this.#start(member, want.id)
    }
  }

  /** Nothing to do but what has been tried. */
  #rest(): void {
    if (this.#retry !== null || this.#running.size > 0 || this.store.wants(1).length === 0) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#round()
    }, this.#retryMs)
    this.#retry.unref()
    this.#retryMs = Math.min(2 * this.#retryMs, BLOB_RETRY_LONGEST_MS)
  }

  #start(member: Member, id: BlobId): Running {
    const { topic, id: spaceId } = member.hosted
    const fetch = new BlobFetch({
      id,
      store: this.store,
      ask: async (peer, { level, index, ...place }) =>
        this.#network === null
          ? { ok: false, fault: { code: 'UNREACHABLE', detail: 'this node is offline' } }
          : await this.#network.ask(peer, { topic, ...id, level, index }, { level, ...place }),
      onProgress: (progress) => member.observer.onProgress(id, progress),
    })
    for (const peer of this.peersOf(spaceId)) fetch.join(peer)
    const running: Running = { member, fetch, ended: this.#run(member, id, fetch) }
    this.#running.set(nameOf(spaceId, id), running)
    return running
  }

  async #run(member: Member, id: BlobId, fetch: BlobFetch): Promise<FetchEnd> {
    let end: Awaited<ReturnType<BlobFetch['run']>>
    try {
      end = await fetch.run()
    } catch (error) {
      this.#onError(error)
      end = { isComplete: false, fault: { code: 'STORAGE', detail: String(error) } }
    }
    this.#running.delete(nameOf(member.hosted.id, id))
    if (end.fault !== null && end.fault.code === 'BLOB_QUOTA') this.#init.log(end.fault.detail)
    if (end.isComplete)
      for (const one of this.#members.values())
        if (this.store.pathsOf(one.hosted.id, id, null, 1).length > 0)
          one.observer.onArrived(id, one === member ? fetch.asked : [])
    this.#pump()
    return { ...end, asked: fetch.asked }
  }

  #stopFetches(which: (running: Running) => boolean): void {
    for (const running of this.#running.values())
      if (which(running))
        running.fetch.stop({ code: 'STOPPED', detail: 'the node has stopped fetching for now' })
  }

  #onError(error: unknown): void {
    this.#init.log(`blobs: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Pause between two reports of progress to somebody who waits, in ms. */
const PROGRESS_EVERY_MS = 100

const nameOf = (spaceId: Uint8Array, { hash, size }: BlobId): string =>
  `${toHex(spaceId)} ${toHex(hash)} ${size}`
