import { describe, expect, test } from 'vitest'
import { createFrameStream } from '../../protocols/sync/frame-stream.ts'
import { createStreamPair } from './fake-stream.ts'

/** What lies in the frame: an acknowledgement. */
const CONTENT = [0x81, 0x0b]

/** A zstd frame of one raw block that asks for a window of 2^log bytes (RFC 8878 §3.1.1), packed as on the wire. */
function frameWithWindow(log: number): Uint8Array {
  const block = (CONTENT.length << 3) | 1
  const zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, block, 0, 0, ...CONTENT]
  return Uint8Array.from([zstd.length + 1, 1, ...zstd])
}

async function read(bytes: Uint8Array) {
  const { ends, streams } = createStreamPair()
  const frames = createFrameStream(streams[0]).frames()
  ends[0].deliver(bytes)
  ends[0].dispatchEvent(new Event('remoteCloseWrite'))
  for await (const frame of frames) return frame
  throw new Error('no frame')
}

describe('a frame that asks the decompressor for a window', () => {
  test.each([10, 17, 20, 21])('of 2^%i bytes is read', async (log) => {
    expect(await read(frameWithWindow(log))).toEqual({ ok: true, value: Uint8Array.from(CONTENT) })
  })

  test.each([22, 24, 27, 31])('of 2^%i bytes is refused, however small it is itself', async (log) => {
    expect(await read(frameWithWindow(log))).toMatchObject({ ok: false, fault: { code: 'NON_CANONICAL' } })
  })
})
