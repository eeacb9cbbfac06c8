import type { PeerId, Stream } from '@libp2p/interface'
import {
  BLOB_ANSWER_BYTES_MAX,
  BLOB_IDLE_TIMEOUT_MS,
  BLOB_PROGRESS_TIMEOUT_MS,
  BLOB_QUEUE_MAX,
  BLOB_WINDOW,
} from '../../src/core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'
import { type PiecePlace, verifyPiece, type VerifiedPiece } from '../../src/core/types/blob/piece.ts'
import { decodePieceAnswer, encodePieceRequest, type PieceRequest } from './codec.ts'
import { createFrameStream, type FrameStream } from './frame-stream.ts'
import { Watch } from './serving.ts'

/** Why a piece did not come: not the peer's saying that it does not have it, which is no fault. */
export type AskFault = Fault<
  | 'BAD_PIECE'
  | 'BAD_FIELD'
  | 'NON_CANONICAL'
  | 'FRAME_TOO_LARGE'
  /** It is too slow, has gone, or could not be reached. Nobody's fault. */
  | 'UNREACHABLE'
  /** BLOB_QUEUE_MAX askings wait for this peer already. */
  | 'BUSY'
>

/** What came of asking a peer for a piece: the piece, checked; or null where the peer does not have it for us. */
export type Asked = Result<VerifiedPiece | null, AskFault>

/** One asking. */
interface Asking {
  readonly request: PieceRequest
  readonly place: PiecePlace
  readonly resolve: (asked: Asked) => void
}

/**
 * This side of one stream to one peer, shared by all that is fetched from it. Invariants:
 * 1. at most BLOB_WINDOW requests are unanswered, and BLOB_QUEUE_MAX wait;
 * 2. every piece is checked before anybody gets it; the first answer that is none ends the stream and is held against the peer;
 * 3. while something is unanswered, BLOB_PROGRESS_TIMEOUT_MS without a byte end it; with nothing asked, BLOB_IDLE_TIMEOUT_MS do;
 * 4. every asking is answered, also when the stream ends.
 */
export class PeerAsking {
  readonly peer: PeerId
  readonly #onFault: (fault: AskFault) => void
  readonly #onEnd: () => void
  readonly #waiting: Asking[] = []
  readonly #unanswered: Asking[] = []
  readonly #watch = new Watch((why) => this.#end(fault('UNREACHABLE', why)))
  #stream: Stream | null = null
  #frames: FrameStream | null = null
  #isEnded = false

  /** `open`: the stream, within a bound. `onFault`: what is held against the peer. */
  constructor(
    peer: PeerId,
    open: () => Promise<Stream>,
    onFault: (fault: AskFault) => void,
    onEnd: () => void,
  ) {
    this.peer = peer
    this.#onFault = onFault
    this.#onEnd = onEnd
    void this.#begin(open)
  }

  /** Asks for a piece. Never rejects. Given up without harm by whoever does not wait for it any more. */
  async ask(request: PieceRequest, place: PiecePlace): Promise<Asked> {
    if (this.#isEnded) return fail('UNREACHABLE', 'the stream has ended')
    if (this.#waiting.length >= BLOB_QUEUE_MAX)
      return fail('BUSY', `${BLOB_QUEUE_MAX} askings wait for this peer`)
    const { promise, resolve } = Promise.withResolvers<Asked>()
    this.#waiting.push({ request, place, resolve })
    this.#send()
    return await promise
  }

  close(): void {
    this.#end(fault('UNREACHABLE', 'this node has closed the stream'))
  }

  async #begin(open: () => Promise<Stream>): Promise<void> {
    try {
      const stream = await open()
      if (this.#isEnded) {
        stream.abort(new Error('not needed any more'))
        return
      }
      this.#stream = stream
      this.#frames = createFrameStream(stream, BLOB_ANSWER_BYTES_MAX, () => this.#onBytes())
      this.#send()
      this.#onBytes()
      for await (const frame of this.#frames.frames()) {
        const taken = frame.ok ? this.#take(frame.value) : frame
        if (taken.ok) continue
        this.#onFault(taken.fault)
        this.#end(taken.fault)
        return
      }
      this.#end(fault('UNREACHABLE', 'the peer ended the stream'))
    } catch (error) {
      this.#end(fault('UNREACHABLE', error instanceof Error ? error.message : String(error)))
    }
  }

  #take(frame: Uint8Array): Result<void, AskFault> {
    const answer = decodePieceAnswer(frame)
    if (!answer.ok) return answer
    const asking = this.#unanswered[0]
    if (asking === undefined) return fail('BAD_FIELD', 'an answer that nobody asked for')
    if (answer.value !== null) {
      const piece = verifyPiece(asking.place, answer.value)
      // The asking stays among the unanswered, which the end of the stream answers.
      if (!piece.ok) return piece
      this.#unanswered.shift()
      asking.resolve(piece)
    } else {
      this.#unanswered.shift()
      asking.resolve(ok(null))
    }
    this.#send()
    this.#onBytes()
    return ok(undefined)
  }

  /** Fills the window. */
  #send(): void {
    while (this.#frames !== null && this.#unanswered.length < BLOB_WINDOW) {
      const asking = this.#waiting.shift()
      if (asking === undefined) return
      if (this.#unanswered.length === 0) this.#watch.begin(BLOB_PROGRESS_TIMEOUT_MS, STALLED)
      this.#unanswered.push(asking)
      this.#frames.write(encodePieceRequest(asking.request)).catch((error: unknown) => {
        this.#end(fault('UNREACHABLE', error instanceof Error ? error.message : String(error)))
      })
    }
  }

  #onBytes(): void {
    if (this.#isEnded) return
    if (this.#unanswered.length > 0) this.#watch.begin(BLOB_PROGRESS_TIMEOUT_MS, STALLED)
    else this.#watch.begin(BLOB_IDLE_TIMEOUT_MS, 'nothing is asked any more')
  }

  #end(why: AskFault): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#watch.end()
    this.#stream?.abort(new Error(why.code))
    this.#onEnd()
    for (const { resolve } of [...this.#unanswered.splice(0), ...this.#waiting.splice(0)])
      resolve({ ok: false, fault: why })
  }
}

const STALLED = `the peer has sent nothing for ${BLOB_PROGRESS_TIMEOUT_MS} ms`

const fault = (code: AskFault['code'], detail: string): AskFault => ({ code, detail })
