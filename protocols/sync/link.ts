import { randomBytes } from 'node:crypto'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { equalBytes } from '../../src/core/bytes.ts'
import {
  FRAME_BYTES_MAX,
  HANDSHAKE_FRAME_BYTES_MAX,
  LINK_QUEUE_BYTES_MAX,
  SYNC_IDLE_TIMEOUT_MS,
  SYNC_RUN_MS_MAX,
} from '../../src/core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'
import { knowledgeOfSpace, NONCE_BYTES } from '../../src/core/sync/handshake.ts'
import type { SyncEffect, SyncProgress, SyncReport } from '../../src/core/sync/session-events.ts'
import { SyncSession } from '../../src/core/sync/session.ts'
import type { SyncView } from '../../src/core/sync/view.ts'
import { BatchesAhead } from './batches-ahead.ts'
import { createFrameStream, type FrameStream, type Payload, takeTogether } from './frame-stream.ts'
import { type LinkBudget, QUEUED_OVERHEAD_BYTES, type QueueHolder, RunBound } from './link-budget.ts'
import { decodeMessage, encodeMessage, plainBytesOf, type WireMessage } from './message-codec.ts'
import type { SyncHost, SyncSpace } from './host.ts'
import { type AcceptedReceipt, LinkReading, protocolFault } from './link-reading.ts'

/** Why a link ended. `LINK_CLOSED` is the peer's or the network's doing, and nobody's fault. */
export type LinkFault = Fault

/** What a link moved over the wire, in bytes, all runs together. */
export interface LinkTraffic {
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** What a link tells its owner. */
export interface LinkObserver {
  /** The handshake is through: the peer may read this space. */
  onOpen(link: SyncLink): void
  onFinished(link: SyncLink, report: SyncReport): void
  onProgress(link: SyncLink, progress: SyncProgress): void
  /** After a run that ended in sync: the peer has signed that it holds the clock root. */
  onReceipt(link: SyncLink, receipt: AcceptedReceipt): void
  /** Called once, also for links that never opened. `fault` is null where this side closed it. */
  onClose(link: SyncLink, fault: LinkFault | null): void
}

/**
 * One stream of `/hanse/sync/1.0.0` to one peer about one space: the handshake, and then as many runs of the session as either
 * side starts, for as long as the connection lasts. The link reads and writes; the session (src/core/sync) decides. Invariants:
 * 1. to a peer that does not show that it knows the space's id, nothing goes out but the topic it asked about; to one that has not
 *    proved that it may read, nothing more than this node's own read chain;
 * 2. while a run or a handshake is under way, a silence of SYNC_IDLE_TIMEOUT_MS ends the link;
 * 3. at most LINK_QUEUE_BYTES_MAX wait to be sent, LINKS_QUEUE_BYTES_MAX on all links; a peer that asks on without reading is dropped;
 * 4. a run ends, and the link with it, after SYNC_RUN_MS_MAX or SYNC_RUN_FRAMES_MAX, however lawful each message is;
 * 5. nothing of a session is said to a peer whose right to read has ended: the link ends as soon as this node knows.
 */
export class SyncLink {
  readonly peer: PeerId
  readonly connection: Connection
  /** True where this side opened the stream. */
  readonly isOutbound: boolean
  readonly openedAtMs: number
  readonly #stream: Stream
  readonly #frames: FrameStream
  readonly #host: SyncHost
  readonly #observer: LinkObserver
  readonly #budget: LinkBudget
  readonly #bound = new RunBound()
  readonly #abort = new AbortController()
  #space: SyncSpace | null
  #session: SyncSession | null = null
  #view: SyncView | null = null
  readonly #queued: QueueHolder
  /** Who reads on the other end; null until the peer has named a space we share. */
  #reading: LinkReading | null = null
  readonly #queue: (Payload & { readonly size: number })[] = []
  #isWriting = false
  readonly #ahead = new BatchesAhead()
  #admissions: Promise<void> = Promise.resolve()
  #silence: NodeJS.Timeout | null = null
  #bytesSent = 0
  #isClosed = false

  /** `space`: the one to ask about, for the side that opens; null for the side that is asked. */
  constructor(
    stream: Stream,
    connection: Connection,
    space: SyncSpace | null,
    host: SyncHost,
    observer: LinkObserver,
    budget: LinkBudget,
  ) {
    this.peer = connection.remotePeer
    this.connection = connection
    this.isOutbound = space !== null
    this.openedAtMs = host.now()
    this.#stream = stream
    this.#frames = createFrameStream(stream, () =>
      this.#session === null ? HANDSHAKE_FRAME_BYTES_MAX : FRAME_BYTES_MAX,
    )
    this.#budget = budget
    const drop = () => this.#end(protocolFault('the peer asks on without reading'))
    this.#queued = budget.hold({ peer: this.peer.toString(), bytes: 0, drop })
    this.#host = host
    this.#observer = observer
    this.#space = space
  }

  /** The space this link is about; null until the peer has named one we share. */
  get space(): SyncSpace | null {
    return this.#space
  }

  /** True once the peer has proved that it may read the space, until the link ends. */
  get isOpen(): boolean {
    return this.#session !== null && !this.#isClosed
  }

  /** True between runs. */
  get isIdle(): boolean {
    return this.#session?.isIdle ?? false
  }

  /** True while the peer has proved that it may read what is at that path. */
  mayRead(path: string): boolean {
    return this.isOpen && this.#view?.mayRead(path) === true
  }

  /** True where this node could prove something else by now: a new link would show it. */
  get isOutdated(): boolean {
    return this.#reading?.isOutdated ?? false
  }

  get traffic(): LinkTraffic {
    return { bytesSent: this.#bytesSent, bytesReceived: this.#frames.bytesReceived }
  }

  /** Runs the link until it ends; never rejects. */
  async run(): Promise<void> {
    let fault: LinkFault | null = null
    try {
      const ended = await this.#converse()
      fault = ended.ok ? { code: 'LINK_CLOSED', detail: 'the peer ended the stream' } : ended.fault
    } catch (error) {
      fault = { code: 'LINK_CLOSED', detail: error instanceof Error ? error.message : String(error) }
    }
    this.#end(fault)
  }

  /** Starts a run, unless one is under way. */
  start(): void {
    if (this.#session !== null) this.#perform(this.#session.step({ kind: 'start' }))
  }

  /** Ends the link from this side. */
  close(): void {
    this.#end(null)
  }

  async #converse(): Promise<Result<void>> {
    this.#watchSilence()
    const ownNonce = new Uint8Array(randomBytes(NONCE_BYTES))
    if (this.#space !== null) this.#sayHello(this.#space, ownNonce)
    let theirNonce: Uint8Array | null = null
    for await (const frame of this.#frames.frames()) {
      if (!frame.ok) return this.#blame(frame.fault, new Uint8Array())
      await this.#budget.turn(this.peer.toString(), frame.value.length, this.#host.now())
      await this.#ahead.room()
      if (!this.#bound.takeFrame()) return this.#blame(protocolFault('too many frames in a run'), frame.value)
      if (this.#isClosed) return ok(undefined)
      const spaceId = this.#session === null ? null : (this.#space?.spaceId ?? null)
      const decoded = decodeMessage(frame.value, spaceId, this.#session?.listed)
      if (!decoded.ok) return this.#blame(decoded.fault, frame.value)
      const message = decoded.value
      this.#watchSilence()
      if (message.kind === 'bye') return fail(message.code, 'the peer ended the link with this code')
      if (message.kind === 'hello') {
        if (theirNonce !== null) return this.#blame(protocolFault('a second hello'), frame.value)
        theirNonce = message.nonce
        const greeted = this.#onHello(message, ownNonce)
        if (!greeted.ok) return greeted
      } else if (message.kind === 'proof') {
        if (theirNonce === null || this.#session !== null)
          return this.#blame(protocolFault('a proof out of turn'), frame.value)
        const opened = this.#onProof(message, ownNonce, theirNonce)
        if (!opened.ok) return opened
      } else if (this.#session !== null) {
        const reading = this.#reading as LinkReading
        const may = reading.check()
        if (!may.ok) return this.#bye(may.fault.code, may.fault.detail)
        if (message.kind === 'receipt') {
          const accepted = reading.onReceipt(message.receipt)
          if (!accepted.ok) return this.#blame(accepted.fault, frame.value)
          this.#observer.onReceipt(this, accepted.value)
        } else this.#perform(this.#session.step({ kind: 'message', message }))
      }
    }
    return ok(undefined)
  }

  #sayHello(space: SyncSpace, ownNonce: Uint8Array): void {
    const knowledge = knowledgeOfSpace({ spaceId: space.spaceId, ...this.#peers(), signerNonce: ownNonce })
    this.#send({ kind: 'hello', topic: space.topic, nonce: ownNonce, knowledge })
  }

  /** The side that is asked answers with its own hello and proof, if it has that space and the peer knows its id. */
  #onHello(
    { topic, nonce, knowledge }: Extract<WireMessage, { kind: 'hello' }>,
    ownNonce: Uint8Array,
  ): Result<void> {
    const space = this.#space ?? this.#host.spaceByTopic(topic)
    if (space === undefined)
      return this.#bye('UNKNOWN_SPACE', 'the peer asked for a space this node does not hold')
    const { signerPeer, otherPeer } = this.#peers()
    const expected = knowledgeOfSpace({
      spaceId: space.spaceId,
      signerPeer: otherPeer,
      otherPeer: signerPeer,
      signerNonce: nonce,
    })
    if (!equalBytes(expected, knowledge)) {
      // The same answer as for a space that is not here.
      const stranger = fail('UNKNOWN_SPACE', 'the peer knows the topic of the space, and not its id')
      this.#host.onFault(this.peer, space, stranger.fault, knowledge)
      return this.#bye('UNKNOWN_SPACE', stranger.fault.detail)
    }
    this.#reading = new LinkReading(space, this.#host)
    if (this.isOutbound) return ok(undefined)
    this.#space = space
    this.#sayHello(space, ownNonce)
    return this.#prove(space, ownNonce, nonce)
  }

  /** Both ends as this side's signature names them. */
  #peers(): { readonly signerPeer: Uint8Array; readonly otherPeer: Uint8Array } {
    return { signerPeer: this.#host.peerId.toMultihash().bytes, otherPeer: this.peer.toMultihash().bytes }
  }

  #onProof(
    message: Extract<WireMessage, { kind: 'proof' }>,
    ownNonce: Uint8Array,
    theirNonce: Uint8Array,
  ): Result<void> {
    const space = this.#space as SyncSpace
    const { signerPeer: otherPeer, otherPeer: signerPeer } = this.#peers()
    const { spaceId } = space
    const binding = { spaceId, signerPeer, otherPeer, signerNonce: theirNonce, otherNonce: ownNonce }
    const reading = this.#reading as LinkReading
    const accepted = reading.accept(message.proof, binding)
    if (!accepted.ok) {
      this.#host.onFault(this.peer, space, accepted.fault, message.proof.signature)
      return this.#bye(accepted.fault.code, accepted.fault.detail)
    }
    if (this.isOutbound) {
      const proved = this.#prove(space, ownNonce, theirNonce)
      if (!proved.ok) return proved
    }
    this.#view = space.createView(reading.scopes)
    this.#session = new SyncSession(this.#view)
    reading.watch((fault) => {
      this.#bye(fault.code, fault.detail)
      this.#end(fault)
    })
    this.#watchSilence()
    this.#observer.onOpen(this)
    return ok(undefined)
  }

  #prove(space: SyncSpace, ownNonce: Uint8Array, theirNonce: Uint8Array): Result<void> {
    const binding = {
      spaceId: space.spaceId,
      ...this.#peers(),
      signerNonce: ownNonce,
      otherNonce: theirNonce,
    }
    const proof = (this.#reading as LinkReading).prove(binding)
    if (proof === null) return this.#bye('CAP_MISSING', 'this node holds no read capability for the space')
    this.#send({ kind: 'proof', proof })
    return ok(undefined)
  }

  #perform(effects: readonly SyncEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#send(effect.message)
          break
        case 'admit':
          this.#admit(effect)
          break
        case 'finished':
          this.#watchSilence()
          for (const message of this.#reading?.acknowledge(effect.report) ?? []) this.#send(message)
          this.#observer.onFinished(this, effect.report)
          break
        case 'violation':
          this.#blame(effect.fault, new Uint8Array())
          this.#end(effect.fault)
          break
      }
    }
    if (this.#session === null || this.#session.isIdle) return
    // The step may have begun a run; one that was under way goes on being watched as it is.
    if (this.#silence === null) this.#watchSilence()
    this.#observer.onProgress(this, this.#session.progress)
  }

  /** Batches are admitted in the order they came; the next one is being verified meanwhile. */
  #admit({ operations, faults }: Extract<SyncEffect, { kind: 'admit' }>): void {
    const space = this.#space as SyncSpace
    const admitted = space.admit(operations, faults, this.peer)
    this.#ahead.add(admitted)
    this.#admissions = this.#admissions.then(async () => {
      if (this.#isClosed) return
      try {
        const gained = await admitted
        this.#watchSilence()
        if (this.#session !== null && !this.#isClosed)
          this.#perform(this.#session.step({ kind: 'admitted', gained }))
      } catch (error) {
        this.#end({ code: 'STORAGE', detail: error instanceof Error ? error.message : String(error) })
      }
    })
  }

  #send(message: WireMessage): void {
    if (this.#isClosed) return
    const encoded = { payload: encodeMessage(message), plainBytes: plainBytesOf(message) }
    const size = encoded.payload.length + QUEUED_OVERHEAD_BYTES
    this.#queue.push({ ...encoded, size })
    this.#queued.bytes += size
    if (this.#queued.bytes > LINK_QUEUE_BYTES_MAX) this.#queued.drop()
    else this.#budget.makeRoom()
    if (!this.#isWriting && !this.#isClosed) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    try {
      // What is said in one step goes out together.
      await Promise.resolve()
      for (let next = takeTogether(this.#queue); next.length > 0; next = takeTogether(this.#queue)) {
        this.#bytesSent += await this.#frames.write(next, this.#abort.signal)
        for (const { size } of next) this.#queued.bytes -= size
      }
    } catch (error) {
      this.#end({ code: 'LINK_CLOSED', detail: error instanceof Error ? error.message : String(error) })
    } finally {
      this.#isWriting = false
    }
  }

  #blame(fault: Fault, bytes: Uint8Array): Result<never> {
    this.#host.onFault(this.peer, this.#space, fault, bytes)
    return this.#bye(fault.code, fault.detail)
  }

  #bye(code: string, detail: string): Result<never> {
    this.#send({ kind: 'bye', code })
    return fail(code, detail)
  }

  /** Ends the link when the peer falls silent in the middle of something. Between runs silence is fine. */
  #watchSilence(): void {
    if (this.#silence !== null) clearTimeout(this.#silence)
    this.#silence = null
    this.#bound.update(this.#session === null || !this.#session.isIdle, this.#host.now())
    if (this.#isClosed || (this.#session !== null && this.#session.isIdle)) return
    const leftMs = this.#bound.remainingMs(this.#host.now())
    const [afterMs, detail] =
      leftMs < SYNC_IDLE_TIMEOUT_MS
        ? [leftMs, `the run took longer than ${SYNC_RUN_MS_MAX} ms`]
        : [SYNC_IDLE_TIMEOUT_MS, `the peer was silent for ${SYNC_IDLE_TIMEOUT_MS} ms in the middle of a run`]
    this.#silence = setTimeout(() => this.#end({ code: 'TIMEOUT', detail }), afterMs)
    this.#silence.unref()
  }

  #end(fault: LinkFault | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#view?.release()
    this.#budget.letGo(this.#queued)
    if (this.#silence !== null) clearTimeout(this.#silence)
    this.#reading?.close()
    // A last `bye` may still be on its way: close the write side in order, and reset only if that does not work at once.
    const isOrderly = fault === null || (fault.code !== 'LINK_CLOSED' && fault.code !== 'TIMEOUT')
    void this.#closeStream(isOrderly)
    this.#observer.onClose(this, fault)
  }

  async #closeStream(isOrderly: boolean): Promise<void> {
    // Until what was said in this step has gone out.
    await Promise.resolve()
    try {
      if (isOrderly) await this.#stream.close({ signal: AbortSignal.timeout(1_000) })
    } catch {
      // The stream is gone already, or the peer does not read: it is reset below.
    }
    this.#abort.abort(new Error('the link has ended'))
    this.#stream.abort(new Error('the link has ended'))
  }
}
