import { setImmediate as breathe } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { Asked } from '../../../protocols/blobs/index.ts'
import { BLOB_LACKED_IN_A_ROW_MAX, BLOB_PEERS_PER_FETCH_MAX, BLOB_WINDOW } from '../../core/limits.ts'
import type { Fault } from '../../core/result.ts'
import type { BlobId } from '../../core/types/blob/piece.ts'
import { BlobPlan, type WantedPiece } from '../../core/types/blob/plan.ts'
import type { BlobStore } from '../../storage/blob-store.ts'

/** What came of asking one peer for pieces of one blob. */
export interface AskedPeer {
  readonly peer: string
  /** Pieces it gave. */
  readonly pieces: number
  /**
   * Why it was not asked for more: it does not have more for us (`LACKS`), could not be reached or went (`UNREACHABLE`), lied (`BAD_PIECE` and
   * what else is held against it), or has too much to do (`BUSY`). Null where there was no need, or it goes on.
   */
  readonly code: string | null
}

/** How far a fetch is. */
export interface FetchProgress {
  /** Bytes of content here. */
  readonly doneBytes: number
  readonly totalBytes: number
}

interface Asking {
  readonly peer: PeerId
  pieces: number
  code: string | null
}

export interface BlobFetchInit {
  readonly id: BlobId
  readonly store: BlobStore
  /** Asks a peer for a piece and checks it; never rejects. */
  readonly ask: (peer: PeerId, wanted: WantedPiece) => Promise<Asked>
  readonly onProgress: (progress: FetchProgress) => void
}

/**
 * One blob on its way here, from several peers at a time. Every piece is stored as soon as it has come, so that whatever ends this, the next
 * fetch goes on from there. Invariants:
 * 1. at most BLOB_PEERS_PER_FETCH_MAX peers are asked at a time, each for at most BLOB_WINDOW pieces;
 * 2. a peer is left when it lies, goes, or lacks BLOB_LACKED_IN_A_ROW_MAX pieces in a row; its pieces are asked of others;
 * 3. it ends when the blob is whole, when nobody who was named has any of what is missing, when storing fails, or when it is stopped.
 */
export class BlobFetch {
  readonly #init: BlobFetchInit
  readonly #plan: BlobPlan
  readonly #askings = new Map<string, Asking>()
  readonly #queue: Asking[] = []
  readonly #end = Promise.withResolvers<void>()
  /** Why it was stopped. */
  #fault: Fault | null = null
  #isStarted = false
  #isOver = false
  #active = 0
  #inFlight = 0
  #changed = Promise.withResolvers<void>()

  constructor(init: BlobFetchInit) {
    this.#init = init
    this.#plan = new BlobPlan(init.id, init.store)
  }

  get progress(): FetchProgress {
    return { doneBytes: this.#plan.doneBytes, totalBytes: this.#init.id.size }
  }

  /** Everybody who was asked, and what came of it. */
  get asked(): readonly AskedPeer[] {
    return [...this.#askings.values()].map(({ peer, pieces, code }) => ({
      peer: peer.toString(),
      pieces,
      code,
    }))
  }

  /** Another peer that may have it. Each is asked once in one fetch. */
  join(peer: PeerId): void {
    const name = peer.toString()
    if (this.#isOver || this.#askings.has(name)) return
    const asking: Asking = { peer, pieces: 0, code: null }
    this.#askings.set(name, asking)
    this.#queue.push(asking)
    if (this.#isStarted) this.#begin()
  }

  /** Stops asking; what is on its way is not taken any more. */
  stop(fault: Fault): void {
    this.#fault ??= fault
    this.#finish()
  }

  /** Runs to the end. `fault`: why it was stopped before, storing that fails included. */
  async run(): Promise<{ readonly isComplete: boolean; readonly fault: Fault | null }> {
    // What is here already needs nobody: a blob may be whole because its pieces came with others.
    const first = await this.#next('')
    if (first !== null) this.#plan.returned(first, null)
    this.#isStarted = true
    if (this.#plan.isComplete) this.#finish()
    else if (this.#askings.size === 0) this.#finish()
    else this.#begin()
    await this.#end.promise
    const isComplete = this.#fault === null && this.#plan.isComplete
    if (isComplete) this.#init.store.transaction('process', (writer) => writer.putComplete(this.#init.id))
    return { isComplete, fault: this.#fault }
  }

  #begin(): void {
    while (!this.#isOver && this.#active < BLOB_PEERS_PER_FETCH_MAX) {
      const asking = this.#queue.shift()
      if (asking === undefined) return
      this.#active++
      void this.#from(asking)
    }
  }

  async #from(asking: Asking): Promise<void> {
    const own = { inFlight: 0, lackedInARow: 0 }
    const name = asking.peer.toString()
    while (!this.#isOver && asking.code === null) {
      const wanted = own.inFlight < BLOB_WINDOW ? await this.#next(name) : null
      if (wanted !== null) {
        own.inFlight++
        this.#inFlight++
        void this.#fetch(asking, wanted, own)
        continue
      }
      // Others may bring lists that name more, or give back what they lack.
      if (this.#inFlight === 0) break
      await this.#changed.promise
    }
    this.#active--
    if (this.#plan.isComplete || (this.#active === 0 && this.#queue.length === 0)) this.#finish()
    else this.#begin()
  }

  async #fetch(
    asking: Asking,
    wanted: WantedPiece,
    own: { inFlight: number; lackedInARow: number },
  ): Promise<void> {
    const asked = await this.#init.ask(asking.peer, wanted)
    own.inFlight--
    this.#inFlight--
    if (!this.#isOver) {
      if (!asked.ok) {
        this.#plan.returned(wanted, null)
        asking.code ??= asked.fault.code
      } else if (asked.value === null) {
        this.#plan.returned(wanted, asking.peer.toString())
        own.lackedInARow++
        // Who lacks the root has nothing of it, as far as we may know.
        const isRoot = wanted.span === this.#init.id.size
        if (isRoot || own.lackedInARow >= BLOB_LACKED_IN_A_ROW_MAX) asking.code ??= 'LACKS'
      } else {
        own.lackedInARow = 0
        asking.pieces++
        this.#store(wanted, asked.value)
      }
    }
    this.#change()
  }

  #store(wanted: WantedPiece, piece: Parameters<BlobPlan['arrived']>[1]): void {
    try {
      const stored = this.#init.store.transaction('process', (writer) => writer.putPiece(piece))
      if (!stored.ok) return this.stop(stored.fault)
      this.#plan.arrived(wanted, piece)
      this.#init.onProgress(this.progress)
    } catch (error) {
      this.stop({ code: 'STORAGE', detail: error instanceof Error ? error.message : String(error) })
    }
  }

  /** The next piece for a peer, with breaths between looking at what is here. */
  async #next(peer: string): Promise<WantedPiece | null> {
    for (;;) {
      if (this.#isOver) return null
      const wanted = this.#plan.next(peer)
      if (wanted !== null || !this.#plan.isWalking) return wanted
      await breathe()
    }
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#change()
    this.#end.resolve()
  }
}
