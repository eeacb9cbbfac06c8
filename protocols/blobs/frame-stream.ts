import type { Stream } from '@libp2p/interface'
import { decode } from 'it-length-prefixed'
import { Uint8ArrayList } from 'uint8arraylist'
import { BLOB_PROGRESS_TIMEOUT_MS, STREAM_READ_BUFFER_BYTES } from '../../src/core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'

/** How much of a frame is handed to the stream at a time: as long as that keeps moving, the peer is slow and not stuck. */
const SLICE_BYTES = 64 * 1024

/** A stream as frames (an unsigned LEB128 length, then as many bytes), with back-pressure both ways and nothing that waits for ever. */
export interface FrameStream {
  /**
   * Frames until the peer closes its side; a fault ends the sequence. Not more than STREAM_READ_BUFFER_BYTES, and what libp2p's
   * window lets through, are ahead of the reader. Throws when the stream fails.
   */
  frames(): AsyncIterable<Result<Uint8Array, Fault<'FRAME_TOO_LARGE'>>>
  /** Sends a frame; resolves when the peer has taken it. Throws when the stream is gone, or takes nothing for BLOB_PROGRESS_TIMEOUT_MS. */
  write(payload: Uint8Array): Promise<void>
}

/** Frames over a libp2p stream. Attach it before the first message can arrive. `onBytes`: something has come. */
export function createFrameStream(stream: Stream, frameBytesMax: number, onBytes: () => void): FrameStream {
  const source = new BoundedSource(stream, onBytes)
  return {
    frames: () => framesOf(source.chunks(), frameBytesMax),
    async write(payload) {
      const prefix = encodeLength(payload.length)
      for (let at = 0; at === 0 || at < payload.length; at += SLICE_BYTES) {
        const slice = payload.subarray(at, at + SLICE_BYTES)
        if (!stream.send(at === 0 ? new Uint8ArrayList(prefix, slice) : slice)) await drained(stream)
      }
    },
  }
}

async function* framesOf(
  chunks: AsyncGenerator<Uint8Array | Uint8ArrayList>,
  frameBytesMax: number,
): AsyncGenerator<Result<Uint8Array, Fault<'FRAME_TOO_LARGE'>>> {
  try {
    for await (const frame of decode(chunks, { maxDataLength: frameBytesMax })) yield ok(frame.subarray())
  } catch (error) {
    // it-length-prefixed does not export its error classes; their names are part of its interface.
    if (!(error instanceof Error) || !/^Invalid(Data|Message)Length(Length)?Error$/.test(error.name))
      throw error
    yield fail('FRAME_TOO_LARGE', `a frame of more than ${frameBytesMax} bytes was announced`)
  }
}

/** Length as an unsigned varint (multiformats), little end first. */
function encodeLength(length: number): Uint8Array {
  const bytes: number[] = []
  let rest = length
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** Waits until the write buffer is empty. (The stream's own onDrain answers at once after its first use, utils 7.4.1.) */
async function drained(stream: Stream): Promise<void> {
  if (stream.status !== 'open') throw new Error('the stream is gone')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onDrain = () => resolve()
  const onClose = () => reject(new Error('the stream closed while data waited to be sent'))
  const onStuck = () => reject(new Error(`the peer has taken nothing for ${BLOB_PROGRESS_TIMEOUT_MS} ms`))
  const timer = setTimeout(onStuck, BLOB_PROGRESS_TIMEOUT_MS)
  stream.addEventListener('drain', onDrain)
  stream.addEventListener('close', onClose)
  try {
    if (stream.writableNeedsDrain) await promise
  } finally {
    clearTimeout(timer)
    stream.removeEventListener('drain', onDrain)
    stream.removeEventListener('close', onClose)
  }
}

/** The bytes of a stream with real back-pressure: paused while STREAM_READ_BUFFER_BYTES wait. (Iterating it buffers without bound.) */
class BoundedSource {
  readonly #stream: Stream
  readonly #chunks: (Uint8Array | Uint8ArrayList)[] = []
  #buffered = 0
  #ended: boolean
  #error: Error | null = null
  #wake: (() => void) | null = null

  constructor(stream: Stream, onBytes: () => void) {
    this.#stream = stream
    // A stream that ended before anybody listened tells nobody any more.
    this.#ended = stream.status === 'closed' || stream.status === 'aborted' || stream.status === 'reset'
    stream.addEventListener('message', (event) => {
      this.#chunks.push(event.data)
      this.#buffered += event.data.byteLength
      if (this.#buffered >= STREAM_READ_BUFFER_BYTES) stream.pause()
      onBytes()
      this.#wake?.()
    })
    const end = () => {
      this.#ended = true
      this.#wake?.()
    }
    stream.addEventListener('end', end)
    stream.addEventListener('remoteCloseWrite', end)
    stream.addEventListener('close', (event) => {
      this.#error ??= event.error ?? null
      end()
    })
  }

  async *chunks(): AsyncGenerator<Uint8Array | Uint8ArrayList> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#buffered -= chunk.byteLength
        yield chunk
        if (this.#buffered < STREAM_READ_BUFFER_BYTES && this.#stream.readStatus === 'paused')
          this.#stream.resume()
        continue
      }
      if (this.#error !== null) throw this.#error
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }
}
