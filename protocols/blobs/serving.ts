import type { PeerId, Stream } from '@libp2p/interface'
import { setTimeout as wait } from 'node:timers/promises'
import {
  BLOB_IDLE_TIMEOUT_MS,
  BLOB_PROGRESS_TIMEOUT_MS,
  BLOB_REQUEST_BYTES_MAX,
} from '../../src/core/limits.ts'
import type { TokenBuckets } from '../../src/core/token-bucket.ts'
import { decodePieceRequest, encodePieceAnswer } from './codec.ts'
import { createFrameStream } from './frame-stream.ts'
import type { BlobHost } from './host.ts'

/**
 * Answers one peer on one stream, each request in its turn; the next is read when the answer to the one before has been taken, so a peer
 * that asks without reading costs one piece and STREAM_READ_BUFFER_BYTES. Ends when the peer does, asks nothing for BLOB_IDLE_TIMEOUT_MS,
 * moves nothing for BLOB_PROGRESS_TIMEOUT_MS, or sends what is no request. Rejects only for failures of the stream.
 */
export async function servePeer(
  stream: Stream,
  peer: PeerId,
  host: BlobHost,
  rate: TokenBuckets,
  signal: AbortSignal,
): Promise<void> {
  const watch = new Watch((why) => stream.abort(new Error(why)))
  const onStop = () => stream.abort(new Error('the node stops'))
  signal.addEventListener('abort', onStop)
  const frames = createFrameStream(stream, BLOB_REQUEST_BYTES_MAX, () => {})
  try {
    watch.begin(BLOB_IDLE_TIMEOUT_MS, 'the peer asks nothing any more')
    for await (const frame of frames.frames()) {
      watch.end()
      const request = frame.ok ? decodePieceRequest(frame.value) : frame
      if (!request.ok) {
        host.onFault(peer, request.fault)
        stream.abort(new Error(request.fault.code))
        return
      }
      const debtMs = rate.owe(peer.toString(), host.now(), 1)
      if (debtMs > 0) await wait(debtMs, undefined, { signal })
      await frames.write(encodePieceAnswer(host.serve(peer, request.value)))
      watch.begin(BLOB_IDLE_TIMEOUT_MS, 'the peer asks nothing any more')
    }
    await stream.close({ signal: AbortSignal.timeout(BLOB_PROGRESS_TIMEOUT_MS) })
  } finally {
    watch.end()
    signal.removeEventListener('abort', onStop)
  }
}

/** One bound of a wait at a time. */
export class Watch {
  readonly #onOver: (why: string) => void
  #timer: NodeJS.Timeout | null = null

  constructor(onOver: (why: string) => void) {
    this.#onOver = onOver
  }

  begin(ms: number, why: string): void {
    this.end()
    this.#timer = setTimeout(() => this.#onOver(why), ms)
    this.#timer.unref()
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
