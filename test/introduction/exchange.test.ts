import type { DialTarget, Libp2p, ServiceMap, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  decodeResponse,
  encodeRequest,
  encodeResponse,
  INTRODUCTION_PROTOCOL,
  type IntroductionResponse,
} from '../../protocols/introduction/codec.ts'
import { introductionClient, introductionServer } from '../../protocols/introduction/index.ts'
import { sealRecord } from '../../protocols/introduction/record.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { INTRODUCTION_RESPONSE_BYTES_MAX } from '../../src/core/limits.ts'
import { createMemoryNodes, type MemoryNode } from './memory-nodes.ts'

const nodes = createMemoryNodes()
const { signal } = new AbortController()
const space = new Uint8Array(32).fill(1)
const home = multiaddr('/ip4/192.0.2.1/tcp/4001')

afterEach(() => nodes.stopAll())

function client(init?: Parameters<typeof introductionClient>[0]): {
  introductions: ReturnType<typeof introductionClient>
} {
  return { introductions: introductionClient(init) }
}

function server(init?: Parameters<typeof introductionServer>[0]): {
  introduction: ReturnType<typeof introductionServer>
} {
  return { introduction: introductionServer(init) }
}

function addressOf(node: { readonly libp2p: Libp2p }): DialTarget {
  return node.libp2p.getMultiaddrs()
}

function codeOf(
  outcome: { readonly ok: true } | { readonly ok: false; readonly fault: { readonly code: string } },
): string {
  return outcome.ok ? 'ok' : outcome.fault.code
}

/** Resolves when the stream has ended. */
function closeOf(stream: Stream): Promise<void> {
  return new Promise((resolve) => {
    stream.addEventListener('close', () => resolve())
  })
}

/** Sends one raw frame and reads one response. */
async function ask(from: Libp2p, to: DialTarget, frame: Uint8Array): Promise<IntroductionResponse> {
  const stream = await from.dialProtocol(to, INTRODUCTION_PROTOCOL)
  const frames = lpStream(stream)
  await frames.write(frame)
  const response = decodeResponse((await frames.read({ signal: AbortSignal.timeout(5_000) })).subarray())
  await stream.close()
  if (!response.ok) throw new Error(response.fault.detail)
  return response.value
}

/** Starts a node that answers every request the same way, whatever it is. */
async function startLiar(answer: (stream: Stream) => void | Promise<void>): Promise<MemoryNode<ServiceMap>> {
  const node = await nodes.start({})
  await node.libp2p.handle(INTRODUCTION_PROTOCOL, answer)
  return node
}

function answering(response: Uint8Array): (stream: Stream) => Promise<void> {
  return async (stream) => {
    const frames = lpStream(stream)
    await frames.read()
    await frames.write(response)
    await stream.close()
  }
}

describe('introduction between honest nodes', () => {
  it('lets bob find the address that alice registered', async () => {
    const introducer = await nodes.start(server())
    const alice = await nodes.start(client())
    const bob = await nodes.start(client())
    const registered = await alice.libp2p.services.introductions.register(
      addressOf(introducer),
      [space],
      signal,
    )
    expect(registered.map(({ outcome }) => outcome)).toEqual([{ ok: true, value: 7_200 }])
    const answer = await bob.libp2p.services.introductions.query(addressOf(introducer), space, { signal })
    if (!answer.ok) throw new Error(answer.fault.detail)
    expect(answer.value.bad).toBe(0)
    expect(answer.value.peers.map((peer) => peer.peerId.toString())).toEqual([alice.libp2p.peerId.toString()])
    const [found] = answer.value.peers
    await bob.libp2p.dial([...(found?.multiaddrs ?? [])])
    expect(bob.libp2p.getPeers().some((peer) => peer.equals(alice.libp2p.peerId))).toBe(true)
    expect(introducer.libp2p.services.introduction.status()).toMatchObject({
      topics: 1,
      peers: 1,
      registrations: 1,
      registered: 1,
      queried: 1,
      refused: {},
      brokenOff: 0,
    })
  })

  it('keeps topics apart and leaves the asker out unless it wants to see itself', async () => {
    const introducer = await nodes.start(server())
    const alice = await nodes.start(client())
    const { introductions } = alice.libp2p.services
    await introductions.register(addressOf(introducer), [space], signal)
    const other = await introductions.query(addressOf(introducer), new Uint8Array(32), { signal })
    const without = await introductions.query(addressOf(introducer), space, { signal })
    const withSelf = await introductions.query(addressOf(introducer), space, { signal, includeSelf: true })
    expect([other, without, withSelf].map((answer) => answer.ok && answer.value.peers.length)).toEqual([
      0, 0, 1,
    ])
  })

  it('registers several topics at once and renews with a higher record', async () => {
    const introducer = await nodes.start(server())
    const alice = await nodes.start(client({ nowMs: () => 1_000 }))
    const topics = [1, 2, 3].map((n) => new Uint8Array(32).fill(n))
    for (const round of [1, 2]) {
      const outcomes = await alice.libp2p.services.introductions.register(
        addressOf(introducer),
        topics,
        signal,
      )
      expect(
        outcomes.map(({ outcome }) => codeOf(outcome)),
        `round ${round}`,
      ).toEqual(['ok', 'ok', 'ok'])
    }
    expect(introducer.libp2p.services.introduction.status()).toMatchObject({
      topics: 3,
      peers: 1,
      registered: 6,
    })
  })

  it('answers with no more than was asked for', async () => {
    const introducer = await nodes.start(server())
    for (let n = 0; n < 4; n++) {
      const peer = await nodes.start(client())
      await peer.libp2p.services.introductions.register(addressOf(introducer), [space], signal)
    }
    const bob = await nodes.start(client())
    const answer = await bob.libp2p.services.introductions.query(addressOf(introducer), space, {
      limit: 3,
      signal,
    })
    expect(answer.ok && answer.value.peers.length).toBe(3)
  })

  it('never names a peer whose time is over', async () => {
    let nowMs = 0
    const introducer = await nodes.start(server({ nowMs: () => nowMs }))
    const alice = await nodes.start(client({ ttlSeconds: 10 }))
    const bob = await nodes.start(client())
    await alice.libp2p.services.introductions.register(addressOf(introducer), [space], signal)
    const namedAt = async (atMs: number): Promise<number> => {
      nowMs = atMs
      const answer = await bob.libp2p.services.introductions.query(addressOf(introducer), space, { signal })
      return answer.ok ? answer.value.peers.length : -1
    }
    expect([await namedAt(9_999), await namedAt(10_000)]).toEqual([1, 0])
  })

  it('tells a node without addresses that there is nothing to register', async () => {
    const introducer = await nodes.start(server())
    const alice = await nodes.start(client(), { listen: [] })
    const [registered] = await alice.libp2p.services.introductions.register(
      addressOf(introducer),
      [space],
      signal,
    )
    expect(registered && codeOf(registered.outcome)).toBe('NO_ADDRESS')
  })

  it('says so when the introducer is not there, does not speak the protocol, or the caller aborts', async () => {
    const bob = await nodes.start(client())
    const stranger = await nodes.start({})
    const { introductions } = bob.libp2p.services
    const nobody = await introductions.query(multiaddr('/memory/nobody'), space, { signal })
    const other = await introductions.query(addressOf(stranger), space, { signal })
    const aborted = await introductions.query(addressOf(stranger), space, { signal: AbortSignal.abort() })
    expect([nobody, other, aborted].map(codeOf)).toEqual(['UNREACHABLE', 'UNREACHABLE', 'UNREACHABLE'])
    const outcomes = await introductions.register(
      multiaddr('/memory/nobody'),
      [space, space],
      AbortSignal.abort(),
    )
    expect(outcomes.map(({ outcome }) => codeOf(outcome))).toEqual(['UNREACHABLE', 'UNREACHABLE'])
  })
})

describe('introducer against mallory', () => {
  it('refuses the record of somebody else, whoever signed it', async () => {
    const introducer = await nodes.start(server())
    const alice = await nodes.start({})
    const mallory = await nodes.start({})
    const stolen = (await sealRecord(alice.privateKey, [home], 1n, signal)) as Uint8Array
    const forged = await RecordEnvelope.seal(
      new PeerRecord({ peerId: alice.libp2p.peerId, multiaddrs: [home] }),
      mallory.privateKey,
    )
    for (const record of [stolen, forged.marshal(), new Uint8Array([1, 2, 3])]) {
      const request = encodeRequest({ kind: 'register', topic: space, record, ttlSeconds: 60 })
      expect(await ask(mallory.libp2p, addressOf(introducer), request)).toEqual({
        kind: 'refused',
        code: 'BAD_RECORD',
      })
    }
    expect(introducer.libp2p.services.introduction.status()).toMatchObject({
      peers: 0,
      refused: { BAD_RECORD: 3 },
    })
  })

  it('answers garbage, foreign values and oversized frames with a code, and goes on serving', async () => {
    const introducer = await nodes.start(server())
    const mallory = await nodes.start({})
    const to = addressOf(introducer)
    const codes = []
    for (const frame of [
      new Uint8Array([0xff, 0xff]),
      new Uint8Array(),
      encodeCanonical({ no: 'list' }),
      encodeCanonical([2, space, 33]),
      new Uint8Array(1024 * 1024),
    ]) {
      const response = await ask(mallory.libp2p, to, frame).catch((error: unknown) => String(error))
      codes.push(
        typeof response === 'string' ? response : response.kind === 'refused' ? response.code : response.kind,
      )
    }
    expect(codes.slice(0, 4)).toEqual(['NON_CANONICAL', 'NON_CANONICAL', 'BAD_FIELD', 'LIMIT'])
    // The answer may be lost when the rest of the frame overflows the reader, which ends the stream; the refusal is counted then too.
    await vi.waitFor(() => {
      expect(introducer.libp2p.services.introduction.status().refused).toMatchObject({ FRAME_TOO_LARGE: 1 })
    })
    const alice = await nodes.start(client())
    expect(codeOf(await alice.libp2p.services.introductions.query(to, space, { signal }))).toBe('ok')
  })

  it('refuses a length that never ends or is not in its shortest form', async () => {
    const introducer = await nodes.start(server())
    const mallory = await nodes.start({})
    for (const prefix of [
      [0x80, 0x80, 0x80, 0x80],
      [0x81, 0x00],
    ]) {
      const stream = await mallory.libp2p.dialProtocol(addressOf(introducer), INTRODUCTION_PROTOCOL)
      const frames = lpStream(stream)
      stream.send(new Uint8Array(prefix))
      const response = decodeResponse((await frames.read({ signal: AbortSignal.timeout(5_000) })).subarray())
      expect(response).toEqual({ ok: true, value: { kind: 'refused', code: 'FRAME_TOO_LARGE' } })
      await stream.close()
    }
  })

  it('ends the stream of a peer that says nothing, says half, or never closes', async () => {
    const introducer = await nodes.start(server({ exchangeTimeoutMs: 100 }))
    const mallory = await nodes.start({})
    const query = encodeRequest({ kind: 'query', topic: space, limit: 1 })
    const openings = [[], [query.length], [query.length, ...query]]
    for (const bytes of openings) {
      const stream = await mallory.libp2p.dialProtocol(addressOf(introducer), INTRODUCTION_PROTOCOL)
      const closed = closeOf(stream)
      stream.addEventListener('message', () => undefined)
      if (bytes.length > 0) stream.send(new Uint8Array(bytes))
      await closed
      expect(stream.status).toBe('reset')
    }
    expect(introducer.libp2p.services.introduction.status()).toMatchObject({ queried: 1, brokenOff: 3 })
  })

  it('refuses one request past a peer’s rate, forgives with time, and serves others meanwhile', async () => {
    let nowMs = 0
    const introducer = await nodes.start(server({ nowMs: () => nowMs, peerRate: { burst: 2, perSecond: 1 } }))
    const mallory = await nodes.start(client())
    const bob = await nodes.start(client())
    const queryBy = async (node: typeof bob): Promise<string> =>
      codeOf(await node.libp2p.services.introductions.query(addressOf(introducer), space, { signal }))
    expect([await queryBy(mallory), await queryBy(mallory), await queryBy(mallory)]).toEqual([
      'ok',
      'ok',
      'RATE',
    ])
    expect(await queryBy(bob)).toBe('ok')
    nowMs = 1_000
    expect([await queryBy(mallory), await queryBy(mallory)]).toEqual(['ok', 'RATE'])
    const outcomes = await mallory.libp2p.services.introductions.register(
      addressOf(introducer),
      [space, space],
      signal,
    )
    expect(outcomes.map(({ outcome }) => codeOf(outcome))).toEqual(['RATE', 'RATE'])
    expect(introducer.libp2p.services.introduction.status().refused).toEqual({ RATE: 3 })
  })

  it('refuses one request past the rate of all peers, and a flooding peer alone does not use that up', async () => {
    const introducer = await nodes.start(
      server({ nowMs: () => 0, peerRate: { burst: 1, perSecond: 0 }, totalRate: { burst: 2, perSecond: 0 } }),
    )
    const outcomes = []
    for (let n = 0; n < 3; n++) {
      const node = await nodes.start(client())
      for (const _ of [1, 2]) {
        const answer = await node.libp2p.services.introductions.query(addressOf(introducer), space, {
          signal,
        })
        outcomes.push(codeOf(answer))
      }
    }
    expect(outcomes).toEqual(['ok', 'RATE', 'ok', 'RATE', 'RATE', 'RATE'])
  })

  it('aborts one exchange past those it serves at a time', async () => {
    const introducer = await nodes.start(server({ streamsMax: 1 }))
    const mallory = await nodes.start(client())
    const idle = await mallory.libp2p.dialProtocol(addressOf(introducer), INTRODUCTION_PROTOCOL)
    const { introductions } = mallory.libp2p.services
    expect(codeOf(await introductions.query(addressOf(introducer), space, { signal }))).toBe('UNREACHABLE')
    idle.abort(new Error('enough'))
    await vi.waitFor(async () => {
      expect(codeOf(await introductions.query(addressOf(introducer), space, { signal }))).toBe('ok')
    })
  })

  it('refuses a peer one topic past its bound and an older record', async () => {
    let nowMs = 5_000
    const introducer = await nodes.start(server({ table: { peerTopicsMax: 1 } }))
    const alice = await nodes.start(client({ nowMs: () => nowMs }))
    const to = addressOf(introducer)
    const outcomes = await alice.libp2p.services.introductions.register(
      to,
      [space, new Uint8Array(32)],
      signal,
    )
    expect(outcomes.map(({ outcome }) => codeOf(outcome))).toEqual(['ok', 'FULL'])
    nowMs = 1
    const record = (await sealRecord(alice.privateKey, [home], 1n, signal)) as Uint8Array
    const request = encodeRequest({ kind: 'register', topic: space, record, ttlSeconds: 60 })
    expect(await ask(alice.libp2p, to, request)).toEqual({ kind: 'refused', code: 'STALE_RECORD' })
  })

  it('ends open exchanges when it stops', async () => {
    const introducer = await nodes.start(server())
    const mallory = await nodes.start({})
    const idle = await mallory.libp2p.dialProtocol(addressOf(introducer), INTRODUCTION_PROTOCOL)
    const closed = closeOf(idle)
    await introducer.libp2p.stop()
    await closed
    expect(idle.status).not.toBe('open')
  })
})

describe('asker against a lying introducer', () => {
  it('keeps only records their own peers signed, the newest of each', async () => {
    const alice = await nodes.start({})
    const carol = await nodes.start({})
    const mallory = await nodes.start({})
    const moved = multiaddr('/ip4/192.0.2.2/tcp/4002')
    const forged = await RecordEnvelope.seal(
      new PeerRecord({ peerId: peerIdFromPrivateKey(alice.privateKey), multiaddrs: [home] }),
      mallory.privateKey,
    )
    const records = [
      forged.marshal(),
      (await sealRecord(carol.privateKey, [moved], 2n, signal)) as Uint8Array,
      (await sealRecord(carol.privateKey, [home], 1n, signal)) as Uint8Array,
      new Uint8Array([1, 2, 3]),
    ]
    const introducer = await startLiar(answering(encodeResponse({ kind: 'introductions', records })))
    const bob = await nodes.start(client())
    const answer = await bob.libp2p.services.introductions.query(addressOf(introducer), space, { signal })
    if (!answer.ok) throw new Error(answer.fault.detail)
    expect(answer.value.bad).toBe(2)
    expect(answer.value.peers.map((peer) => [peer.peerId.toString(), peer.multiaddrs.map(String)])).toEqual([
      [carol.libp2p.peerId.toString(), [moved.toString()]],
    ])
  })

  it('refuses answers that the protocol does not allow', async () => {
    const bob = await nodes.start(client())
    const record = (await sealRecord(bob.privateKey, [home], 1n, signal)) as Uint8Array
    const answers = [
      new Uint8Array([0xff]),
      encodeResponse({ kind: 'registered', ttlSeconds: 1 }),
      encodeResponse({ kind: 'introductions', records: [record, record] }),
      encodeCanonical([0, 'LIES']),
      new Uint8Array(INTRODUCTION_RESPONSE_BYTES_MAX + 1),
    ]
    for (const [n, answer] of answers.entries()) {
      const introducer = await startLiar(answering(answer))
      const outcome = await bob.libp2p.services.introductions.query(addressOf(introducer), space, {
        limit: 1,
        signal,
      })
      expect(codeOf(outcome), `answer ${n}`).toBe('BAD_ANSWER')
    }
  })

  it('gives up on an introducer that stalls, resets, or closes without a word', async () => {
    const bob = await nodes.start(client({ exchangeTimeoutMs: 200 }))
    const behaviours: ((stream: Stream) => void | Promise<void>)[] = [
      () => undefined,
      (stream) => stream.abort(new Error('no')),
      (stream) => stream.close(),
      (stream) => void stream.send(new Uint8Array([5, 1, 2])),
    ]
    for (const [n, behaviour] of behaviours.entries()) {
      const introducer = await startLiar(behaviour)
      const outcome = await bob.libp2p.services.introductions.query(addressOf(introducer), space, { signal })
      expect(codeOf(outcome), `behaviour ${n}`).toBe('UNREACHABLE')
    }
  })
})
