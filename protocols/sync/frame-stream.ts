import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Stream } from '@libp2p/interface'
import { decode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { concatBytes } from '../../src/core/bytes.ts'
import { FRAME_BYTES_MAX, STREAM_READ_BUFFER_BYTES } from '../../src/core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../src/core/result.ts'

/** The first byte of a frame says how the rest is packed. docs/protocol.md §4.1. */
const PLAIN = 0
const ZSTD = 1
/** A number of bytes that nothing packs, which are the last of the message, and then the rest of it as a zstd frame. */
const ZSTD_AND_PLAIN = 2
/** Largest window a frame may ask the decompressor to allocate, as a power of two: twice FRAME_BYTES_MAX. */
const ZSTD_WINDOW_LOG_MAX = 21
/** Messages that wait are written together up to so many bytes before packing. */
const WRITE_TOGETHER_BYTES_MAX = 64 * 1024
/** Below this many bytes compression costs more than it saves. */
const COMPRESS_FROM_BYTES = 256
/**
 * Up to so many bytes are packed harder: of a hundred operations that leaves a twentieth less for half a millisecond more. Larger frames are
 * those of a long transfer, where what is short is time.
 */
const COMPRESS_HARD_TO_BYTES = 64 * 1024
const HARD = { params: { [constants.ZSTD_c_compressionLevel]: 12 } }

/** An encoded message. */
export interface Payload {
  readonly payload: Uint8Array
  /** So many at its end look random: packing them with the others would only make those larger. */
  readonly plainBytes: number
}

/** Takes the first of the messages that wait, and those after it that are small enough to go out with it. */
export function takeTogether<T extends Payload>(queue: T[]): readonly T[] {
  let bytes = queue[0]?.payload.length ?? 0
  let count = 1
  for (; count < queue.length; count++) {
    bytes += (queue[count] as T).payload.length
    if (bytes > WRITE_TOGETHER_BYTES_MAX) break
  }
  return queue.splice(0, count)
}

export type FrameFault = Fault<'FRAME_TOO_LARGE' | 'NON_CANONICAL'>

/** A stream of the sync protocol as frames, with back-pressure both ways. */
export interface FrameStream {
  /**
   * Frames until the peer closes its side. A fault ends the sequence: after one there is no telling where the next frame begins.
   * Never more than STREAM_READ_BUFFER_BYTES, and what libp2p's window lets through, are ahead of the reader. Throws when
   * the stream fails.
   */
  frames(): AsyncIterable<Result<Uint8Array, FrameFault>>
  /**
   * Sends messages, a frame each, in one write: what goes out alone has some 30 bytes of the muxer and the encryption to itself. Resolves when
   * the peer has taken enough that there is room for more. Throws when the stream is gone.
   */
  write(messages: readonly Payload[], signal: AbortSignal): Promise<FrameSize>
  /** Bytes taken from the stream so far, as they came over the wire. */
  readonly bytesReceived: number
}

/** Bytes of frames on the stream, with their length prefixes. */
export type FrameSize = number

/**
 * Frames over a libp2p stream. Attach it before the first message can arrive. `frameBytesMax`: asked for every frame that is
 * announced; at most FRAME_BYTES_MAX.
 */
export function createFrameStream(
  stream: Stream,
  frameBytesMax: () => number = () => FRAME_BYTES_MAX,
): FrameStream {
  const source = new BoundedSource(stream)
  return {
    get bytesReceived() {
      return source.bytes
    },
    frames: () =>
      pipe(
        source.chunks(),
        (chunks) =>
          decode(chunks, {
            maxDataLength: FRAME_BYTES_MAX,
            onLength: (bytes) => {
              if (bytes > frameBytesMax()) throw new FrameLengthError()
            },
          }),
        unpackFrames,
      ),
    async write(messages, signal) {
      const frames = new Uint8ArrayList(...messages.map(pack))
      if (!stream.send(frames)) await drained(stream, signal)
      return frames.byteLength
    },
  }
}

async function* unpackFrames(
  frames: AsyncIterable<Uint8ArrayList>,
): AsyncGenerator<Result<Uint8Array, FrameFault>> {
  try {
    for await (const frame of frames) {
      const unpacked = unpack(frame.subarray())
      yield unpacked
      if (!unpacked.ok) return
    }
  } catch (error) {
    if (!isLengthError(error)) throw error
    yield fail('FRAME_TOO_LARGE', 'a frame longer than it may be here was announced')
  }
}

class FrameLengthError extends Error {}

/** it-length-prefixed does not export its error classes; their names are part of its interface. */
function isLengthError(error: unknown): boolean {
  if (error instanceof FrameLengthError) return true
  return error instanceof Error && /^Invalid(Data|Message)Length(Length)?Error$/.test(error.name)
}

function pack({ payload, plainBytes }: Payload): Uint8ArrayList {
  const content = packed({ payload, plainBytes })
  return content !== null && content.length <= payload.length
    ? new Uint8ArrayList(encodeLength(content.length), content)
    : new Uint8ArrayList(encodeLength(1 + payload.length), Uint8Array.of(PLAIN), payload)
}

/** Packing and content; null where there is too little to pack. */
function packed({ payload, plainBytes }: Payload): Uint8Array | null {
  const end = payload.length - plainBytes
  if (end < COMPRESS_FROM_BYTES) return null
  const zstd = zstdCompressSync(payload.subarray(0, end), end <= COMPRESS_HARD_TO_BYTES ? HARD : undefined)
  return plainBytes === 0
    ? concatBytes(Uint8Array.of(ZSTD), zstd)
    : concatBytes(Uint8Array.of(ZSTD_AND_PLAIN), encodeLength(plainBytes), payload.subarray(end), zstd)
}

/** Bytes of a length that a frame can have. */
const LENGTH_BYTES_MAX = 3

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

function unpack(frame: Uint8Array): Result<Uint8Array, FrameFault> {
  const content = frame.subarray(1)
  if (frame[0] === PLAIN) return ok(content)
  if (frame[0] === ZSTD) return unzip(content, FRAME_BYTES_MAX)
  if (frame[0] !== ZSTD_AND_PLAIN) return fail('NON_CANONICAL', `a frame packed in way ${frame[0] ?? 'none'}`)
  const plain = plainPart(content)
  if (plain === null) return fail('NON_CANONICAL', 'a frame with more plain bytes than it has')
  const zipped = unzip(
    content.subarray(plain.byteOffset - content.byteOffset + plain.length),
    FRAME_BYTES_MAX - plain.length,
  )
  return zipped.ok ? ok(concatBytes(zipped.value, plain)) : zipped
}

/** The bytes at the beginning whose number is said before them; null where there are not so many. */
function plainPart(content: Uint8Array): Uint8Array | null {
  let length = 0
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    const byte = content[i] ?? 0
    length += (byte & 0x7f) * 0x80 ** i
    if (byte >= 0x80) continue
    // Shortest form: the last byte of a length of several is not 0.
    const isLength = (i === 0 || byte > 0) && i + 1 + length <= content.length
    return isLength ? content.subarray(i + 1, i + 1 + length) : null
  }
  return null
}

/** `bytesMax`: at least 1. */
function unzip(zstd: Uint8Array, bytesMax: number): Result<Uint8Array, FrameFault> {
  const options = {
    maxOutputLength: bytesMax,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
  }
  try {
    return ok(new Uint8Array(zstdDecompressSync(zstd, options)))
  } catch (error) {
    return error instanceof RangeError
      ? fail('FRAME_TOO_LARGE', `a frame that unpacks to more than ${FRAME_BYTES_MAX} bytes`)
      : fail('NON_CANONICAL', 'a frame that does not unpack')
  }
}

/** Waits until the write buffer is empty. (The stream's own onDrain answers at once after its first use, utils 7.4.1.) */
async function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (stream.status !== 'open') throw new Error('the stream is gone')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onDrain = () => resolve()
  const onClose = () => reject(new Error('the stream closed while data waited to be sent'))
  const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
  stream.addEventListener('drain', onDrain)
  stream.addEventListener('close', onClose)
  signal.addEventListener('abort', onAbort)
  try {
    if (stream.writableNeedsDrain) await promise
  } finally {
    stream.removeEventListener('drain', onDrain)
    stream.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * The bytes of a stream with real back-pressure: the stream is paused while STREAM_READ_BUFFER_BYTES wait to be read. (Iterating
 * the stream itself buffers without bound.)
 */
class BoundedSource {
  readonly #stream: Stream
  readonly #chunks: (Uint8Array | Uint8ArrayList)[] = []
  #buffered = 0
  #ended = false
  #error: Error | null = null
  #wake: (() => void) | null = null
  bytes = 0

  constructor(stream: Stream) {
    this.#stream = stream
    // A stream that ended before anybody listened tells nobody any more.
    this.#ended = stream.status === 'closed' || stream.status === 'aborted' || stream.status === 'reset'
    stream.addEventListener('message', (event) => {
      this.#chunks.push(event.data)
      this.#buffered += event.data.byteLength
      this.bytes += event.data.byteLength
      if (this.#buffered >= STREAM_READ_BUFFER_BYTES) stream.pause()
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
