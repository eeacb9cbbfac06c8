import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** One end of a stream in memory, with what sync links use of libp2p's; the other end is `peer`. */
export class FakeStream extends EventTarget {
  peer: FakeStream | null = null
  status: 'open' | 'closed' | 'aborted' = 'open'
  readStatus: 'readable' | 'paused' = 'readable'
  writableNeedsDrain = false
  /** True while the other end takes nothing: every write asks to wait. */
  isStuck = false
  /** Bytes written while stuck. */
  stuckBytes = 0
  readonly #paused: Uint8Array[] = []

  send(data: Uint8Array | Uint8ArrayList): boolean {
    const bytes = data instanceof Uint8Array ? data : data.subarray()
    if (this.isStuck) {
      this.stuckBytes += bytes.length
      this.writableNeedsDrain = true
      return false
    }
    queueMicrotask(() => this.peer?.deliver(bytes))
    return true
  }

  /** Hands bytes to this end as if the other had sent them. */
  deliver(bytes: Uint8Array): void {
    if (this.readStatus === 'paused') this.#paused.push(bytes)
    else this.dispatchEvent(Object.assign(new Event('message'), { data: bytes }))
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  resume(): void {
    this.readStatus = 'readable'
    for (const bytes of this.#paused.splice(0)) this.deliver(bytes)
  }

  async close(): Promise<void> {
    queueMicrotask(() => this.peer?.dispatchEvent(new Event('remoteCloseWrite')))
  }

  abort(error: Error): void {
    if (this.status !== 'open') return
    this.status = 'aborted'
    this.dispatchEvent(Object.assign(new Event('close'), { error }))
    queueMicrotask(() => this.peer?.abort(error))
  }
}

/** Two ends of one stream, as libp2p's type. */
export function createStreamPair(): {
  readonly ends: readonly [FakeStream, FakeStream]
  readonly streams: readonly [Stream, Stream]
} {
  const ends = [new FakeStream(), new FakeStream()] as const
  ends[0].peer = ends[1]
  ends[1].peer = ends[0]
  return { ends, streams: ends as unknown as readonly [Stream, Stream] }
}
