import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { createFrameStream, takeTogether } from '../../protocols/sync/frame-stream.ts'
import { concatBytes } from '../../src/core/bytes.ts'
import { FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { createStreamPair } from './fake-stream.ts'

/** What lies in the frame: an acknowledgement. */
const CONTENT = [0x81, 0x0b]

/** A zstd frame of one raw block that asks for a window of 2^log bytes (RFC 8878 §3.1.1), packed as on the wire. */
function frameWithWindow(log: number): Uint8Array {
  const block = (CONTENT.length << 3) | 1
  const zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, block, 0, 0, ...CONTENT]
  return Uint8Array.from([zstd.length + 1, 1, ...zstd])
}

/** The whole of a frame in the two ways it may be packed, with its last bytes left plain; `length`: what is said to be plain. */
function splitFrame(packed: Uint8Array, plain: Uint8Array, length: readonly number[]): Uint8Array {
  const content = [2, ...length, ...plain, ...zstdCompressSync(packed)]
  const size =
    content.length < 0x80 ? [content.length] : [(content.length & 0x7f) | 0x80, content.length >> 7]
  return Uint8Array.from([...size, ...content])
}

async function read(bytes: Uint8Array) {
  const { ends, streams } = createStreamPair()
  const frames = createFrameStream(streams[0]).frames()
  ends[0].deliver(bytes)
  ends[0].dispatchEvent(new Event('remoteCloseWrite'))
  return await firstOf(frames)
}

async function firstOf(frames: AsyncIterable<unknown>): Promise<unknown> {
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

describe('a frame with its last bytes left plain', () => {
  const packed = new Uint8Array(300).fill(7)
  const plain = Uint8Array.from({ length: 200 }, (_, i) => i)

  test('is the two together, in their order', async () => {
    const whole = { ok: true, value: concatBytes(packed, plain) }
    expect(await read(splitFrame(packed, plain, [(200 & 0x7f) | 0x80, 1]))).toEqual(whole)
    expect(await read(splitFrame(packed, new Uint8Array(), [0]))).toEqual({ ok: true, value: packed })
  })

  test.each([
    ['of more than there are', [0xff, 0x7f]],
    ['whose number is not in its shortest form', [(200 & 0x7f) | 0x80, 0x81, 0]],
    ['whose number has four bytes', [0x80, 0x80, 0x80, 1]],
    ['of other bytes than are packed after them', [100]],
  ])('is refused where it has plain bytes %s', async (_, length) => {
    expect(await read(splitFrame(packed, plain, length))).toMatchObject({
      ok: false,
      fault: { code: 'NON_CANONICAL' },
    })
  })

  test('is refused where both together are more than a frame may hold', async () => {
    const most = new Uint8Array(FRAME_BYTES_MAX - plain.length)
    const length = [(200 & 0x7f) | 0x80, 1]
    expect(await read(splitFrame(most, plain, length))).toMatchObject({ ok: true })
    expect(await read(splitFrame(new Uint8Array(most.length + 1), plain, length))).toMatchObject({
      ok: false,
      fault: { code: 'FRAME_TOO_LARGE' },
    })
  })

  test('is what a sender makes of bytes that look random after some that do not', async () => {
    const { ends, streams } = createStreamPair()
    const frames = createFrameStream(streams[0]).frames()
    let bytes = 0
    ends[0].addEventListener('message', (event) => {
      bytes += (event as unknown as { readonly data: Uint8Array }).data.length
    })
    const signatures = new Uint8Array(randomBytes(6_400))
    const text = new TextEncoder().encode('one of a few words, and '.repeat(100))
    const payload = concatBytes(text, signatures)
    const sender = createFrameStream(streams[1])
    await sender.write([{ payload, plainBytes: signatures.length }], AbortSignal.timeout(1_000))
    expect(await firstOf(frames)).toEqual({ ok: true, value: payload })
    expect(bytes).toBeLessThan(signatures.length + 100)
  })
})

describe('messages that wait', () => {
  const of = (bytes: number) => ({ payload: new Uint8Array(bytes), plainBytes: 0 })

  test('go out together while they are small, in their order, and a large one alone', () => {
    const queue = [of(10), of(60_000), of(5_526), of(1), of(500_000), of(20), of(30)]
    const taken = () => takeTogether(queue).map(({ payload }) => payload.length)
    expect([taken(), taken(), taken(), taken(), taken()]).toEqual([
      [10, 60_000, 5_526],
      [1],
      [500_000],
      [20, 30],
      [],
    ])
  })

  test('are frames of their own in one write', async () => {
    const { ends, streams } = createStreamPair()
    const frames = createFrameStream(streams[0]).frames()
    let writes = 0
    ends[0].addEventListener('message', () => writes++)
    await createFrameStream(streams[1]).write([of(3), of(400)], AbortSignal.timeout(1_000))
    expect([await firstOf(frames), writes]).toEqual([{ ok: true, value: new Uint8Array(3) }, 1])
  })
})
