import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Bytes that may be on their way or unread before a sender is told to wait: yamux's first window. */
export const WINDOW_BYTES = 256 * 1024

/** How bytes get from one end to the other; given by the network. */
export interface Wire {
  /** Takes bytes that leave an end; they arrive by {@link SimulatedStream.arrive}, in order, or never. */
  carry(from: SimulatedStream, bytes: Uint8Array): void
  /** Says on the other side that this end will send no more. */
  closeWrite(from: SimulatedStream): void
  /** Says on the other side that this end is gone. */
  reset(from: SimulatedStream): void
  /** The other side has read so much that there is room again. */
  drained(from: SimulatedStream): void
}

/** One end of a stream in simulated time, with what sync links use of libp2p's. */
export class SimulatedStream extends EventTarget {
  status: 'open' | 'closed' | 'aborted' | 'reset' = 'open'
  readStatus: 'readable' | 'paused' = 'readable'
  writableNeedsDrain = false
  /** True for an end whose owner never reads: what arrives stays in the window. */
  isDeaf = false
  readonly #wire: Wire
  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  #inFlightBytes = 0
  #other: SimulatedStream | null = null

  constructor(wire: Wire) {
    super()
    this.#wire = wire
  }

  /** The other end. */
  get other(): SimulatedStream {
    if (this.#other === null) throw new Error('bug: a stream with one end')
    return this.#other
  }

  /** Bytes of this end that the other has not read. */
  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  /** Both ends of a new stream. */
  static pair(wire: Wire): readonly [SimulatedStream, SimulatedStream] {
    const ends = [new SimulatedStream(wire), new SimulatedStream(wire)] as const
    ends[0].#other = ends[1]
    ends[1].#other = ends[0]
    return ends
  }

  get asStream(): Stream {
    return this as unknown as Stream
  }

  send(data: Uint8Array | Uint8ArrayList): boolean {
    if (this.status !== 'open') throw new Error(`the stream is ${this.status}`)
    const bytes = data instanceof Uint8Array ? data : data.subarray()
    this.#inFlightBytes += bytes.length
    this.#wire.carry(this, bytes)
    this.writableNeedsDrain = this.#inFlightBytes > WINDOW_BYTES
    return !this.writableNeedsDrain
  }

  /** Bytes of the other end arrive here. */
  arrive(bytes: Uint8Array): void {
    if (this.status !== 'open') return
    if (this.readStatus === 'paused' || this.isDeaf) {
      this.#unread.push(bytes)
      this.#unreadBytes += bytes.length
      return
    }
    this.#read(bytes)
  }

  /** Bytes that arrived and wait here unread. */
  get unreadBytes(): number {
    return this.#unreadBytes
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  resume(): void {
    this.readStatus = 'readable'
    for (const bytes of this.#unread.splice(0)) {
      this.#unreadBytes -= bytes.length
      this.arrive(bytes)
    }
  }

  async close(): Promise<void> {
    if (this.status === 'open') this.#wire.closeWrite(this)
  }

  /** The other end sends no more. */
  endReading(): void {
    this.dispatchEvent(new Event('remoteCloseWrite'))
  }

  abort(error: Error): void {
    if (this.status !== 'open') return
    this.#wire.reset(this)
    this.end('aborted', error)
  }

  /** This end is gone, by whoever's doing. */
  end(status: 'aborted' | 'reset', error: Error): void {
    if (this.status !== 'open') return
    this.status = status
    this.dispatchEvent(Object.assign(new Event('close'), { error }))
  }

  #read(bytes: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: bytes }))
    this.other.#taken(bytes.length)
  }

  #taken(bytes: number): void {
    this.#inFlightBytes -= bytes
    if (!this.writableNeedsDrain || this.#inFlightBytes > WINDOW_BYTES / 2) return
    this.#wire.drained(this)
  }

  /** There is room for more. */
  drain(): void {
    if (!this.writableNeedsDrain || this.#inFlightBytes > WINDOW_BYTES / 2) return
    this.writableNeedsDrain = false
    this.dispatchEvent(new Event('drain'))
  }
}
