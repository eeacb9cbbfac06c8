import { type Stream, StreamBufferError } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { type Fault, fail, ok, type Result } from '../../src/core/result.ts'

/** Bytes of a length prefix: three groups of 7 bits reach 2 MiB, beyond any frame of this protocol. */
const LENGTH_BYTES_MAX = 3

/** Bytes a peer may be ahead of our reading before its stream is aborted. */
const READ_AHEAD_BYTES_MAX = 64 * 1024

/** A stream as frames: an unsigned LEB128 length in its shortest form, then that many bytes. */
export interface FrameStream {
  /**
   * Reads one frame; refuses a length beyond the limit, and a peer so far ahead of its frame that the stream is aborted.
   * Throws when the stream ends or fails, or `signal` aborts.
   */
  read(signal: AbortSignal): Promise<Result<Uint8Array, Fault<'FRAME_TOO_LARGE'>>>
  /** Writes one frame and waits while the peer's window is full. Throws when the stream fails or `signal` aborts. */
  write(frame: Uint8Array, signal: AbortSignal): Promise<void>
}

/**
 * Reads and writes frames on a stream; call it before the first await, or bytes may be missed.
 *
 * @param frameBytesMax - largest frame that is read, 2^21 - 1 at most
 */
export function frameStream(stream: Stream, frameBytesMax: number): FrameStream {
  const prefixed = lpStream(stream, {
    maxBufferSize: frameBytesMax + READ_AHEAD_BYTES_MAX,
    lengthDecoder: (prefix) => decodeLength(prefix, frameBytesMax),
  })
  // A reader that an earlier message has woken sees only that the stream is over: why, it says when it closes.
  let closedBy: Error | undefined
  stream.addEventListener('close', ({ error }) => {
    closedBy = error
  })
  return {
    async read(signal) {
      try {
        const frame = await prefixed.read({ signal })
        return ok(frame.subarray())
      } catch (error) {
        const cause = closedBy instanceof StreamBufferError ? closedBy : error
        if (cause instanceof FrameLengthError || cause instanceof StreamBufferError)
          return fail('FRAME_TOO_LARGE', cause.message)
        throw error
      }
    },
    write: (frame, signal) => prefixed.write(frame, { signal }),
  }
}

/** Waits until a stream whose writing side is closed has ended on the peer's side too. Throws when `signal` aborts first. */
export async function ended(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status !== 'open' && stream.status !== 'closing') return
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onClose = (): void => resolve()
  const onAbort = (): void => reject(new Error('the peer did not close the stream in time'))
  stream.addEventListener('close', onClose)
  signal.addEventListener('abort', onAbort)
  try {
    await promise
  } finally {
    stream.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}

class FrameLengthError extends Error {
  override readonly name = 'FrameLengthError'
}

/**
 * Reads a length prefix. Called with one byte more each time: RangeError asks for the next one. (The decoder of lpStream
 * itself asks on for ever where no byte ends the number.)
 */
function decodeLength(prefix: Uint8ArrayList, frameBytesMax: number): number {
  const last = prefix.get(prefix.length - 1)
  if (last >= 0x80) {
    if (prefix.length >= LENGTH_BYTES_MAX)
      throw new FrameLengthError(`length prefix beyond ${LENGTH_BYTES_MAX} bytes`)
    throw new RangeError('the prefix goes on')
  }
  if (last === 0 && prefix.length > 1) throw new FrameLengthError('length prefix not in its shortest form')
  let length = 0
  for (let i = prefix.length - 1; i >= 0; i--) length = length * 128 + (prefix.get(i) & 0x7f)
  if (length > frameBytesMax) throw new FrameLengthError(`frame of ${length} bytes, at most ${frameBytesMax}`)
  return length
}
