import { setImmediate as breathe } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PeerAsking } from '../../protocols/blobs/asking.ts'
import {
  decodePieceRequest,
  encodePieceAnswer,
  encodePieceRequest,
  type PieceRequest,
} from '../../protocols/blobs/codec.ts'
import { createFrameStream } from '../../protocols/blobs/frame-stream.ts'
import { blobs } from '../../protocols/blobs/index.ts'
import { servePeer } from '../../protocols/blobs/serving.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import {
  BLOB_ANSWER_BYTES_MAX,
  BLOB_CHUNK_BYTES,
  BLOB_IDLE_TIMEOUT_MS,
  BLOB_PROGRESS_TIMEOUT_MS,
  BLOB_QUEUE_MAX,
  BLOB_REQUEST_BYTES_MAX,
  BLOB_REQUESTS_BURST_MAX,
  BLOB_REQUESTS_PER_SECOND_MAX,
  BLOB_STREAMS_MAX,
  BLOB_STREAMS_PER_CONNECTION_MAX,
  BLOB_WINDOW,
} from '../../src/core/limits.ts'
import type { Fault } from '../../src/core/result.ts'
import { TokenBuckets } from '../../src/core/token-bucket.ts'
import { makePiece, type PiecePlace } from '../../src/core/types/blob/piece.ts'
import { createStreamPair, type FakeStream } from '../sync/fake-stream.ts'

const mallory = { toString: () => 'mallory' } as PeerId
const chunk = makePiece(0, BLOB_CHUNK_BYTES, new Uint8Array(BLOB_CHUNK_BYTES).fill(3))
const place: PiecePlace = { level: 0, span: chunk.span, hash: chunk.hash }
const request: PieceRequest = {
  topic: new Uint8Array(32).fill(1),
  hash: chunk.hash,
  size: chunk.span,
  level: 0,
  index: 0,
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Lets what is under way happen; timers stand still. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await breathe()
}

/** Everything that arrives at one end, as frames. */
function framesAt(end: FakeStream, bytesMax: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  void (async () => {
    for await (const frame of createFrameStream(end as never, bytesMax, () => {}).frames())
      if (frame.ok) frames.push(frame.value)
  })().catch(() => {})
  return frames
}

function frameOf(payload: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let rest = payload.length
  for (; rest >= 0x80; rest >>>= 7) prefix.push((rest & 0x7f) | 0x80)
  return Uint8Array.from([...prefix, rest, ...payload])
}

describe('the side that asks', () => {
  function ask() {
    const { ends, streams } = createStreamPair()
    const faults: Fault[] = []
    let isEnded = false
    const asking = new PeerAsking(
      mallory,
      async () => streams[0],
      (fault) => faults.push(fault),
      () => (isEnded = true),
    )
    return { asking, far: ends[1], near: ends[0], faults, isEnded: () => isEnded }
  }

  test('has a window of requests on the way, and the next goes out when an answer has come', async () => {
    const { asking, far } = ask()
    const requests = framesAt(far, BLOB_REQUEST_BYTES_MAX)
    const asked = Array.from({ length: BLOB_WINDOW + 3 }, async () => asking.ask(request, place))
    await settle()
    expect(requests).toHaveLength(BLOB_WINDOW)
    expect(decodePieceRequest(requests[0] as Uint8Array)).toEqual({ ok: true, value: request })
    far.send(frameOf(encodePieceAnswer(chunk.bytes)))
    far.send(frameOf(encodePieceAnswer(null)))
    expect(await asked[0]).toMatchObject({ ok: true, value: { hash: chunk.hash } })
    expect(await asked[1]).toEqual({ ok: true, value: null })
    await settle()
    expect(requests).toHaveLength(BLOB_WINDOW + 2)
  })

  test('takes as many askings as may wait, and not one more', async () => {
    const { asking } = ask()
    await settle()
    const all = Array.from({ length: BLOB_WINDOW + BLOB_QUEUE_MAX }, async () => asking.ask(request, place))
    expect(await asking.ask(request, place)).toMatchObject({ ok: false, fault: { code: 'BUSY' } })
    asking.close()
    expect((await Promise.all(all)).every((one) => !one.ok && one.fault.code === 'UNREACHABLE')).toBe(true)
  })

  test.each([
    ['other bytes', encodePieceAnswer(new Uint8Array(BLOB_CHUNK_BYTES)), 'BAD_PIECE'],
    ['too few bytes', encodePieceAnswer(chunk.bytes.subarray(1)), 'BAD_PIECE'],
    ['no answer at all', encodeCanonical([2]), 'BAD_FIELD'],
    ['what is not canonical', Uint8Array.of(0x82, 0x00), 'NON_CANONICAL'],
  ])(
    'ends the stream at %s, and holds it against the peer; everybody who waits is told',
    async (_what, bytes, code) => {
      const { asking, far, faults, isEnded } = ask()
      const asked = [asking.ask(request, place), asking.ask(request, place)]
      await settle()
      far.send(frameOf(bytes))
      for (const one of asked) expect(await one).toMatchObject({ ok: false, fault: { code } })
      expect([faults.map((fault) => fault.code), isEnded()]).toEqual([[code], true])
      expect(await asking.ask(request, place)).toMatchObject({ ok: false, fault: { code: 'UNREACHABLE' } })
    },
  )

  test('refuses a frame that is announced one byte too long, and an answer that nobody asked for', async () => {
    const first = ask()
    const asked = first.asking.ask(request, place)
    await settle()
    first.far.send(frameOf(new Uint8Array(BLOB_ANSWER_BYTES_MAX + 1)))
    expect(await asked).toMatchObject({ ok: false, fault: { code: 'FRAME_TOO_LARGE' } })
    const second = ask()
    await settle()
    second.far.send(frameOf(encodePieceAnswer(null)))
    await settle()
    expect(second.faults).toMatchObject([{ code: 'BAD_FIELD' }])
  })

  test('waits while bytes keep coming, and not longer than may be when they stop; that is nobody’s fault', async () => {
    const { asking, far, faults } = ask()
    const asked = asking.ask(request, place)
    await settle()
    const bytes = frameOf(encodePieceAnswer(chunk.bytes))
    for (let at = 0; at < 3; at++) {
      far.send(bytes.subarray(at * 1_000, (at + 1) * 1_000))
      await settle()
      vi.advanceTimersByTime(BLOB_PROGRESS_TIMEOUT_MS - 1)
    }
    let isOver = false
    void asked.then(() => (isOver = true))
    await settle()
    expect(isOver).toBe(false)
    vi.advanceTimersByTime(1)
    expect(await asked).toMatchObject({ ok: false, fault: { code: 'UNREACHABLE' } })
    expect(faults).toEqual([])
  })

  test('closes a stream on which nothing is asked any more', async () => {
    const { asking, far, isEnded } = ask()
    const asked = asking.ask(request, place)
    await settle()
    far.send(frameOf(encodePieceAnswer(null)))
    await asked
    await settle()
    vi.advanceTimersByTime(BLOB_IDLE_TIMEOUT_MS - 1)
    expect(isEnded()).toBe(false)
    vi.advanceTimersByTime(1)
    expect(isEnded()).toBe(true)
  })
})

describe('the side that answers', () => {
  function serve(
    answer: () => Uint8Array | null = () => chunk.bytes,
    perSecond = BLOB_REQUESTS_PER_SECOND_MAX,
  ) {
    const { ends, streams } = createStreamPair()
    const faults: Fault[] = []
    const served: PieceRequest[] = []
    const stop = new AbortController()
    const rate = { burst: BLOB_REQUESTS_BURST_MAX, perSecond }
    const host = {
      now: () => 0,
      serve: (_peer: PeerId, one: PieceRequest) => {
        served.push(one)
        return answer()
      },
      onFault: (_peer: PeerId, fault: Fault) => void faults.push(fault),
    }
    const ended = servePeer(streams[1], mallory, host, new TokenBuckets(rate, 9), stop.signal).catch(() => {})
    return { far: ends[0], near: ends[1], faults, served, ended, stop }
  }

  test('answers each request in its turn', async () => {
    const { far, served } = serve()
    const answers = framesAt(far, BLOB_ANSWER_BYTES_MAX)
    far.send(frameOf(encodePieceRequest(request)))
    far.send(frameOf(encodePieceRequest(request)))
    await settle()
    expect([served.length, answers.length]).toEqual([2, 2])
    expect(Buffer.compare(answers[1] as Uint8Array, encodePieceAnswer(chunk.bytes))).toBe(0)
  })

  test.each([
    [
      'a piece that the blob does not have',
      encodeCanonical([request.topic, request.hash, 5, 0, 1]),
      'BAD_FIELD',
    ],
    [
      'a level that the blob does not have',
      encodeCanonical([request.topic, request.hash, 5, 1, 0]),
      'BAD_FIELD',
    ],
    ['a short hash', encodeCanonical([request.topic, new Uint8Array(31), 5, 0, 0]), 'BAD_FIELD'],
    ['a negative size', encodeCanonical([request.topic, request.hash, -1, 0, 0]), 'BAD_FIELD'],
    ['a sixth field', encodeCanonical([request.topic, request.hash, 5, 0, 0, 0]), 'BAD_FIELD'],
    ['what is not canonical', Uint8Array.of(0x18, 0x01), 'NON_CANONICAL'],
    ['a frame one byte too long', new Uint8Array(BLOB_REQUEST_BYTES_MAX + 1), 'FRAME_TOO_LARGE'],
  ])('ends the stream at %s, serves nothing, and holds it against the peer', async (_what, bytes, code) => {
    const { far, near, faults, served, ended } = serve()
    far.send(frameOf(bytes))
    await ended
    expect([faults.map((fault) => fault.code), served, near.status]).toEqual([[code], [], 'aborted'])
  })

  test('reads no further request while the peer does not take the answer, and gives up after a while', async () => {
    const { far, near, served, ended } = serve()
    near.isStuck = true
    for (let i = 0; i < 50; i++) far.send(frameOf(encodePieceRequest(request)))
    await settle()
    expect(served).toHaveLength(1)
    expect(near.stuckBytes).toBeLessThan(BLOB_CHUNK_BYTES)
    vi.advanceTimersByTime(BLOB_PROGRESS_TIMEOUT_MS)
    await ended
    expect(served).toHaveLength(1)
  })

  test('lets a peer that asks faster than it may wait for its turn', async () => {
    // So few that the turn of the next one does not come while this runs.
    const { far, served, stop } = serve(() => null, 0.01)
    for (let i = 0; i < BLOB_REQUESTS_BURST_MAX + 5; i++) far.send(frameOf(encodePieceRequest(request)))
    while (served.length < BLOB_REQUESTS_BURST_MAX) await settle()
    await settle()
    expect(served).toHaveLength(BLOB_REQUESTS_BURST_MAX)
    stop.abort()
  })

  test('ends when nothing is asked for long, and when the node stops', async () => {
    const idle = serve()
    await settle()
    vi.advanceTimersByTime(BLOB_IDLE_TIMEOUT_MS)
    await idle.ended
    expect(idle.near.status).toBe('aborted')
    const stopping = serve()
    await settle()
    stopping.stop.abort()
    await stopping.ended
    expect(stopping.near.status).toBe('aborted')
  })
})

describe('the service', () => {
  test('serves as many streams at a time as it may, and resets one more; the limit of one connection is libp2p’s to keep', async () => {
    let handler: (stream: unknown, connection: unknown) => Promise<void> = async () => {}
    let options: unknown
    const registrar = {
      handle: async (_protocol: string, handle: typeof handler, how: unknown) => {
        handler = handle
        options = how
      },
      unhandle: async () => {},
    }
    const host = { now: () => 0, serve: () => null, onFault: () => {} }
    const service = blobs(host)({ registrar, connectionManager: {} } as never)
    await service.start()
    const ends = Array.from({ length: BLOB_STREAMS_MAX + 1 }, () => {
      const pair = createStreamPair()
      void handler(pair.streams[1], { remotePeer: mallory })
      return pair.ends[1]
    })
    await settle()
    expect(ends.map(({ status }) => status)).toEqual([
      ...Array.from({ length: BLOB_STREAMS_MAX }, () => 'open'),
      'aborted',
    ])
    expect(options).toMatchObject({ maxInboundStreams: BLOB_STREAMS_PER_CONNECTION_MAX })
    await service.stop()
    await settle()
    expect(ends.every(({ status }) => status === 'aborted')).toBe(true)
  })
})
