import { StreamMessageEvent, type Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { frameStream } from '../../protocols/introduction/frame-stream.ts'

const FRAME_BYTES_MAX = 1_000
/** More than a reader lets a peer be ahead. */
const BEYOND = FRAME_BYTES_MAX + 64 * 1024 + 1

/** Two messages that arrive before the reader wakes, as a muxer gives those that one packet brought. */
function arriveTogether(stream: Stream, ...sizes: readonly number[]): void {
  for (const size of sizes) stream.dispatchEvent(new StreamMessageEvent(new Uint8Array(size)))
}

describe('a peer that is too far ahead of its frame', () => {
  for (const [name, sizes] of [
    ['in one message', [BEYOND]],
    ['in two that arrive together', [1, BEYOND - 1]],
    ['in many', Array.from({ length: 20 }, () => 4_096)],
  ] as const) {
    it(`is refused with a code, ${name}`, async () => {
      const [stream] = await streamPair()
      const reading = frameStream(stream, FRAME_BYTES_MAX).read(AbortSignal.timeout(5_000))
      arriveTogether(stream, ...sizes)
      expect(await reading).toMatchObject({ ok: false, fault: { code: 'FRAME_TOO_LARGE' } })
      expect(stream.status).toBe('aborted')
    })
  }

  it('is refused also where it came before anybody read', async () => {
    const [stream] = await streamPair()
    const frames = frameStream(stream, FRAME_BYTES_MAX)
    arriveTogether(stream, 1, BEYOND - 1)
    expect(await frames.read(AbortSignal.timeout(5_000))).toMatchObject({
      ok: false,
      fault: { code: 'FRAME_TOO_LARGE' },
    })
  })
})

it('a stream that ends within a frame breaks off: that is no refusal', async () => {
  const [stream, peer] = await streamPair()
  const reading = frameStream(stream, FRAME_BYTES_MAX).read(AbortSignal.timeout(5_000))
  peer.send(Uint8Array.of(5, 1, 2))
  await peer.close()
  await expect(reading).rejects.toThrow('EOF')
})
