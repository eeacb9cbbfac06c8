import { promisify } from 'node:util'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Connection } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SyncHost, SyncSpace } from '../../protocols/sync/index.ts'
import { type LinkObserver, SyncLink } from '../../protocols/sync/link.ts'
import { LinkBudget } from '../../protocols/sync/link-budget.ts'
import type { AcceptedReceipt } from '../../protocols/sync/link-reading.ts'
import { toHex } from '../../src/core/bytes.ts'
import {
  BATCH_WINDOW,
  BATCHES_AHEAD_MAX,
  HANDSHAKE_FRAME_BYTES_MAX,
  LINK_FRAMES_BURST_MAX,
  LINK_FRAMES_PER_SECOND_MAX,
  LINK_QUEUE_BYTES_MAX,
  STREAM_READ_BUFFER_BYTES,
  SYNC_IDLE_TIMEOUT_MS,
  SYNC_RUN_MS_MAX,
} from '../../src/core/limits.ts'
import type { Fault } from '../../src/core/result.ts'
import { handshakeBytes, knowledgeOfSpace } from '../../src/core/sync/handshake.ts'
import type { Signer } from '../../src/core/signature.ts'
import { type Receipt, receiptBytes } from '../../src/core/sync/receipt.ts'
import type { SyncReport } from '../../src/core/sync/session.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import { readingOf } from '../../src/node/network/sync-reading.ts'
import {
  alice,
  bob,
  bobToken,
  carol,
  createHome,
  delegate,
  forge,
  type Home,
  NOW_MS,
  ownerToken,
  spaceId,
  spaceKey,
  verifier,
} from '../cast.ts'
import { createStreamPair, type FakeStream } from './fake-stream.ts'
import { createRawLink, frameOf, lengthOf, type RawLink } from './raw-peer.ts'

const hers = peerIdFromString('12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB')
const his = peerIdFromString('12D3KooWBGVPV6aRAyxtvTksSfPZAdP3gy6hxF6Vdhv2Cy365z48')

/** Alice's end of a link, asked by bob. */
interface Setting {
  readonly end: FakeStream
  readonly raw: RawLink
  readonly link: SyncLink
  readonly faults: string[]
  readonly closed: (string | null)[]
  readonly reports: SyncReport[]
  readonly receipts: AcceptedReceipt[]
  readonly home: Home
  readonly running: Promise<void>
  admissions: number
  /** What alice's clock is ahead of her home's. */
  aheadMs: number
  /** By whose key alice's node reads. */
  reader: Signer
}

async function createSetting(
  admit?: SyncSpace['admit'],
  budget: LinkBudget = new LinkBudget(),
): Promise<Setting> {
  const home = await createHome([forge({ author: bob })])
  const { ends, streams } = createStreamPair()
  const faults: string[] = []
  const closed: (string | null)[] = []
  const reports: SyncReport[] = []
  const receipts: AcceptedReceipt[] = []
  const space: SyncSpace = {
    spaceId,
    spaceKey: spaceKey.publicKey,
    topic: home.hosted.topic,
    ...readingOf(
      home.hosted,
      () => setting.reader,
      () => home.nowMs,
    ),
    admit:
      admit ??
      (async (operations) => {
        setting.admissions++
        return (await home.hosted.replica.receive(operations, 'bob')).filter(
          ({ kind }) => kind === 'admitted',
        ).length
      }),
  }
  // The link asks for the time while it is made.
  let aheadMs = () => 0
  const host: SyncHost = {
    peerId: hers,
    verify: verifier.verifySync,
    now: () => home.nowMs + aheadMs(),
    spaceByTopic: (topic) => (toHex(topic) === toHex(home.hosted.topic) ? space : undefined),
    onFault: (_peer, _space, fault: Fault) => faults.push(fault.code),
  }
  const observer: LinkObserver = {
    onOpen: () => {},
    onProgress: () => {},
    onReceipt: (_link, receipt) => receipts.push(receipt),
    onFinished: (_link, report) => reports.push(report),
    onClose: (_link, fault) => closed.push(fault === null ? null : fault.code),
  }
  const link = new SyncLink(
    streams[0],
    { remotePeer: his } as unknown as Connection,
    null,
    host,
    observer,
    budget,
  )
  const setting: Setting = {
    end: ends[0],
    raw: createRawLink(streams[1]),
    link,
    faults,
    closed,
    reports,
    receipts,
    home,
    running: Promise.resolve(),
    admissions: 0,
    aheadMs: 0,
    reader: alice,
  }
  aheadMs = () => setting.aheadMs
  return Object.assign(setting, { running: link.run() })
}

/** Bob's part of the handshake. */
async function prove({ raw, home }: Setting, tokens = [ownerToken, bobToken]): Promise<void> {
  const nonce = new Uint8Array(32).fill(1)
  const binding = {
    spaceId,
    signerPeer: his.toMultihash().bytes,
    otherPeer: hers.toMultihash().bytes,
    signerNonce: nonce,
  }
  raw.say({ kind: 'hello', topic: home.hosted.topic, nonce, knowledge: knowledgeOfSpace(binding) })
  const hello = await raw.next()
  if (hello?.kind !== 'hello') throw new Error('no hello')
  await raw.next()
  const signature = bob.sign(handshakeBytes({ ...binding, otherNonce: hello.nonce }))
  raw.say({ kind: 'proof', proof: { tokens: tokens.map(({ bytes }) => bytes), signature } })
  raw.say({ kind: 'probe', probe: 0, ids: [] })
  await raw.next()
}

/** Lets whatever is ready run. */
function standingOf({ hosted }: Home) {
  const view = hosted.view()
  return { ...view.standing(), stateRoot: view.stateRoot() }
}

const turn = promisify(setImmediate)

const compare = {
  kind: 'compare',
  round: 0,
  admitted: 0,
  answers: false,
  standing: {
    clockRoot: new Uint8Array(32),
    stateRoot: new Uint8Array(32),
    authors: 1,
    operations: 1,
    absentBodies: 0,
  },
} as const

describe('a link', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => vi.useRealTimers())

  test('ends with a peer that says nothing at all, after the bound and not before', async () => {
    const { closed } = await createSetting()
    await vi.advanceTimersByTimeAsync(SYNC_IDLE_TIMEOUT_MS - 1)
    expect(closed).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(closed).toEqual(['TIMEOUT'])
  })

  test('ends with a peer that stalls between hello and proof', async () => {
    const { raw, home, closed } = await createSetting()
    const nonce = new Uint8Array(32)
    const binding = {
      spaceId,
      signerPeer: his.toMultihash().bytes,
      otherPeer: hers.toMultihash().bytes,
      signerNonce: nonce,
    }
    raw.say({ kind: 'hello', topic: home.hosted.topic, nonce, knowledge: knowledgeOfSpace(binding) })
    await raw.next()
    await vi.advanceTimersByTimeAsync(SYNC_IDLE_TIMEOUT_MS)
    expect(closed).toEqual(['TIMEOUT'])
  })

  test('ends with a peer that stalls in the middle of a run, and lets silence between runs be', async () => {
    const setting = await createSetting()
    await prove(setting)
    await vi.advanceTimersByTimeAsync(100 * SYNC_IDLE_TIMEOUT_MS)
    expect(setting.closed).toEqual([])
    setting.raw.say(compare)
    await setting.raw.next()
    await vi.advanceTimersByTimeAsync(SYNC_IDLE_TIMEOUT_MS)
    expect(setting.closed).toEqual(['TIMEOUT'])
  })

  test('ends with a peer that never answers the run this side began, however often this side wishes for one', async () => {
    const setting = await createSetting()
    await prove(setting)
    setting.link.start()
    await vi.advanceTimersByTimeAsync(SYNC_IDLE_TIMEOUT_MS - 1)
    setting.link.start()
    expect(setting.closed).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(setting.closed).toEqual(['TIMEOUT'])
  })

  test('ends with a peer that asks on without reading once the queue is full, and keeps no more than that', async () => {
    // Frames as fast as she likes: it is her reading that is looked at here.
    const setting = await createSetting(
      undefined,
      new LinkBudget({ frames: { burst: 1_000_000, perSecond: 1 } }),
    )
    await prove(setting)
    setting.end.isStuck = true
    const ask = frameOf(Uint8Array.of(0x83, 7, 0, 0x80))
    let asked = 0
    while (setting.closed.length === 0 && asked < 200_000) {
      setting.end.deliver(ask)
      if (++asked % 100 === 0) await turn()
    }
    expect(setting.closed).toEqual(['PROTOCOL'])
    expect(setting.end.stuckBytes).toBeLessThan(64)
    // Each answer has four bytes and takes up some more: the queue held its bound and hardly one answer more.
    expect(asked).toBeGreaterThan(LINK_QUEUE_BYTES_MAX / 256)
    expect(asked).toBeLessThan(LINK_QUEUE_BYTES_MAX / 64)
  })

  test('ends with a peer that keeps a run open with lawful messages, after the bound of a run and not before', async () => {
    const setting = await createSetting()
    await prove(setting)
    setting.raw.say(compare)
    await setting.raw.next()
    const pauseMs = SYNC_IDLE_TIMEOUT_MS - 1_000
    for (let probe = 1; setting.aheadMs + pauseMs < SYNC_RUN_MS_MAX; probe++) {
      setting.aheadMs += pauseMs
      await vi.advanceTimersByTimeAsync(pauseMs)
      setting.raw.say({ kind: 'probe', probe, ids: [] })
      // Alice's own part of the comparison comes in between.
      for (
        let message = await setting.raw.next();
        message?.kind !== 'probed';
        message = await setting.raw.next()
      )
        expect(message).not.toBeNull()
    }
    await vi.advanceTimersByTimeAsync(SYNC_RUN_MS_MAX - setting.aheadMs - 1)
    expect(setting.closed).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(setting.closed).toEqual(['TIMEOUT'])
    expect(setting.faults).toEqual([])
  })

  test('slows a peer down that sends more frames than its rate, and blames it for nothing', async () => {
    const setting = await createSetting()
    await prove(setting)
    // The handshake and its probe were three.
    for (let probe = 4; probe <= LINK_FRAMES_BURST_MAX; probe++) {
      setting.raw.say({ kind: 'probe', probe, ids: [] })
      expect(await setting.raw.next()).toMatchObject({ kind: 'probed', probe })
    }
    setting.raw.say({ kind: 'probe', probe: 1, ids: [] })
    const late = setting.raw.next()
    await turn()
    expect(setting.raw.received.at(-1)).toMatchObject({ probe: LINK_FRAMES_BURST_MAX })
    await vi.advanceTimersByTimeAsync(1_000 / LINK_FRAMES_PER_SECOND_MAX)
    await vi.advanceTimersByTimeAsync(1)
    expect(await late).toMatchObject({ kind: 'probed', probe: 1 })
    expect([setting.faults, setting.closed]).toEqual([[], []])
  })

  test('takes no frame of a stranger that is larger than a handshake needs, and larger ones after it', async () => {
    const stranger = await createSetting()
    stranger.raw.sayBytes(lengthOf(HANDSHAKE_FRAME_BYTES_MAX + 1))
    await stranger.raw.rest()
    expect(stranger.faults).toEqual(['FRAME_TOO_LARGE'])
    const setting = await createSetting()
    await prove(setting)
    setting.raw.sayBytes(lengthOf(HANDSHAKE_FRAME_BYTES_MAX + 1))
    await turn()
    expect([setting.faults, setting.closed]).toEqual([[], []])
  })

  test('acknowledges a batch only when it is admitted', async () => {
    const admitted = Promise.withResolvers<number>()
    const setting = await createSetting(async () => await admitted.promise)
    await prove(setting)
    setting.raw.say(compare)
    // Nothing differs of the handful of authors that are listed.
    setting.raw.say({ kind: 'nodes', differing: Uint8Array.of(0), listing: new Uint8Array() })
    setting.raw.say({ kind: 'entries', entries: [], bodies: [], last: true })
    setting.raw.say({
      kind: 'operations',
      operations: [forge({ author: bob, header: { path: 'x' } })],
      faults: [],
    })
    setting.raw.say({ kind: 'probe', probe: 1, ids: [] })
    const before: string[] = []
    for (
      let message = await setting.raw.next();
      message !== null && message.kind !== 'probed';
      message = await setting.raw.next()
    )
      before.push(message.kind)
    expect(before).toEqual(['compare', 'nodes', 'entries', 'offer', 'eose'])
    admitted.resolve(1)
    expect((await setting.raw.next())?.kind).toBe('ack')
  })

  test('gives the next batch to be verified while one is being admitted, leaves the rest as it came, and acknowledges in order', async () => {
    const given: PromiseWithResolvers<number>[] = []
    const setting = await createSetting(async () => {
      const admission = Promise.withResolvers<number>()
      given.push(admission)
      return await admission.promise
    })
    await prove(setting)
    setting.raw.say(compare)
    setting.raw.say({ kind: 'nodes', differing: Uint8Array.of(0), listing: new Uint8Array() })
    setting.raw.say({ kind: 'entries', entries: [], bodies: [], last: true })
    const say = (batches: number, probe: number) => {
      for (let i = 0; i < batches; i++) setting.raw.say({ kind: 'operations', operations: [], faults: [] })
      setting.raw.say({ kind: 'probe', probe, ids: [] })
    }
    say(BATCHES_AHEAD_MAX - 1, 1)
    const kinds = async (until: string) => {
      const heard: string[] = []
      for (let message = await setting.raw.next(); message !== null; message = await setting.raw.next()) {
        if (message.kind === until) return heard
        heard.push(message.kind)
      }
      throw new Error(`no ${until}`)
    }
    expect(await kinds('probed')).not.toContain('ack')
    say(BATCH_WINDOW - BATCHES_AHEAD_MAX + 1, 2)
    while (given.length < BATCHES_AHEAD_MAX) await turn()
    await turn()
    expect(given).toHaveLength(BATCHES_AHEAD_MAX)
    // Stored after those before it, and room for one more.
    given[1]?.resolve(1)
    while (given.length < BATCHES_AHEAD_MAX + 1) await turn()
    given[0]?.resolve(1)
    expect(await kinds('ack')).toEqual([])
    expect(await kinds('ack')).toEqual([])
    while (given.length < BATCH_WINDOW) await turn()
    given[2]?.resolve(1)
    expect(await kinds('probed')).toEqual(['ack'])
  })

  test('ends without an acknowledgement when storing fails', async () => {
    const setting = await createSetting(async () => await Promise.reject(new Error('disk full')))
    await prove(setting)
    setting.raw.say(compare)
    // Nothing differs of the handful of authors that are listed.
    setting.raw.say({ kind: 'nodes', differing: Uint8Array.of(0), listing: new Uint8Array() })
    setting.raw.say({ kind: 'entries', entries: [], bodies: [], last: true })
    setting.raw.say({
      kind: 'operations',
      operations: [forge({ author: bob, header: { path: 'x' } })],
      faults: [],
    })
    expect((await setting.raw.rest()).map(({ kind }) => kind)).toEqual([
      'compare',
      'nodes',
      'entries',
      'offer',
      'eose',
    ])
    expect(setting.closed).toEqual(['STORAGE'])
  })

  test('reads no further ahead than its buffer while frames wait to be handled', async () => {
    const setting = await createSetting()
    await prove(setting)
    const chunk = new Uint8Array(64 * 1024)
    setting.end.deliver(lengthOf(1024 * 1024))
    let taken = 0
    while (setting.end.readStatus === 'readable' && taken < 100) {
      setting.end.deliver(chunk)
      taken++
    }
    expect(taken * chunk.length).toBeLessThanOrEqual(STREAM_READ_BUFFER_BYTES + chunk.length)
  })

  test('reports a run that both sides agree on, once', async () => {
    const setting = await createSetting()
    await prove(setting)
    const standing = standingOf(setting.home)
    setting.raw.say({ kind: 'compare', round: 0, admitted: 0, answers: false, standing })
    expect((await setting.raw.next())?.kind).toBe('compare')
    expect(setting.reports.map(({ inSync }) => inSync)).toEqual([true])
    setting.link.close()
    await setting.running
    expect(setting.closed).toEqual([null])
  })

  describe('whose peer’s right to read ends', () => {
    const expiring = delegate(alice, bob, { command: '/op/read', expiresSeconds: NOW_MS / 1_000 })

    test('ends with CAP_TIME at the next message', async () => {
      const setting = await createSetting()
      await prove(setting, [ownerToken, expiring])
      setting.home.nowMs += 1
      setting.raw.say(compare)
      expect(await setting.raw.rest()).toMatchObject([{ kind: 'bye', code: 'CAP_TIME' }])
      expect([setting.closed, setting.faults]).toEqual([['CAP_TIME'], []])
    })

    test('ends by itself, without a message, within a second', async () => {
      const setting = await createSetting()
      await prove(setting, [ownerToken, expiring])
      setting.home.nowMs += 1
      await vi.advanceTimersByTimeAsync(999)
      expect(setting.closed).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(setting.closed).toEqual(['CAP_TIME'])
    })

    test('goes on while another of its chains is good', async () => {
      const setting = await createSetting()
      await prove(setting, [ownerToken, expiring, ownerToken, bobToken])
      setting.home.nowMs += 1
      setting.raw.say(compare)
      expect((await setting.raw.next())?.kind).toBe('compare')
      expect(setting.closed).toEqual([])
    })

    test('is not opened once it is over, nor for less than everything where all members read everything', async () => {
      const limited = delegate(alice, bob, { command: '/op/read', policy: pathPolicy('public') })
      const late = await createSetting()
      late.home.nowMs += 1
      await prove(late, [ownerToken, expiring])
      const narrow = await createSetting()
      await prove(narrow, [ownerToken, limited])
      expect([late.closed, narrow.closed]).toEqual([['CAP_TIME'], ['CAP_POLICY']])
      expect([late.faults, narrow.faults]).toEqual([['CAP_TIME'], ['CAP_POLICY']])
    })
  })

  describe('after a run that ended in sync', () => {
    /** As far as alice's receipt, and bob's for the same root. */
    async function afterRun(setting: Setting): Promise<Receipt> {
      await prove(setting)
      return await afterRunAgain(setting)
    }

    async function afterRunAgain(setting: Setting): Promise<Receipt> {
      setting.raw.say({
        kind: 'compare',
        round: 0,
        admitted: 0,
        answers: false,
        standing: standingOf(setting.home),
      })
      await setting.raw.next()
      const message = await setting.raw.next()
      if (message?.kind !== 'receipt') throw new Error(`no receipt but ${message?.kind}`)
      const { clockRoot, timeMs } = message.receipt
      expect(
        verifier.verifySync(
          message.receipt.signature,
          receiptBytes(spaceId, clockRoot, timeMs),
          alice.publicKey,
        ),
      ).toBe(true)
      return { clockRoot, timeMs, signature: bob.sign(receiptBytes(spaceId, clockRoot, timeMs)) }
    }

    test('both sides sign the root, and this side keeps what the other has signed', async () => {
      const setting = await createSetting()
      const receipt = await afterRun(setting)
      setting.raw.say({ kind: 'receipt', receipt })
      setting.raw.say({ kind: 'probe', probe: 0, ids: [] })
      await setting.raw.next()
      expect(setting.receipts).toMatchObject([{ ...receipt, reader: bob.publicKey }])
      expect([setting.closed, setting.faults]).toEqual([[], []])
    })

    test('what was signed is not signed again while the root is the same', async () => {
      const setting = await createSetting()
      const receipt = await afterRun(setting)
      setting.raw.say({ kind: 'receipt', receipt })
      const standing = standingOf(setting.home)
      setting.raw.say({ kind: 'compare', round: 0, admitted: 0, answers: false, standing })
      setting.raw.say({ kind: 'probe', probe: 0, ids: [] })
      const kinds = [await setting.raw.next(), await setting.raw.next()].map((message) => message?.kind)
      expect(kinds).toEqual(['compare', 'probed'])
      expect(setting.reports).toMatchObject([{ inSync: true }, { inSync: true }])
      const outcomes = await setting.home.hosted.replica.receive([forge({ author: carol })], 'elsewhere')
      expect(outcomes).toMatchObject([{ kind: 'admitted' }])
      expect((await afterRunAgain(setting)).clockRoot).toEqual(setting.home.hosted.replica.clockRoot())
    })

    test('this side signs nothing by another key than the one it has shown on the link', async () => {
      const setting = await createSetting()
      await prove(setting)
      setting.reader = carol
      const standing = standingOf(setting.home)
      setting.raw.say({ kind: 'compare', round: 0, admitted: 0, answers: false, standing })
      setting.raw.say({ kind: 'probe', probe: 0, ids: [] })
      const kinds = [await setting.raw.next(), await setting.raw.next()].map((message) => message?.kind)
      expect(kinds).toEqual(['compare', 'probed'])
      expect(setting.reports).toMatchObject([{ inSync: true }])
      expect(setting.link.isOutdated).toBe(true)
    })

    test('a receipt with a wrong signature, for another root, or given twice ends the link', async () => {
      const other = new Uint8Array(32)
      const cases: readonly (readonly [string, (receipt: Receipt) => readonly Receipt[]])[] = [
        ['BAD_SIGNATURE', (receipt) => [{ ...receipt, signature: new Uint8Array(64) }]],
        ['BAD_SIGNATURE', (receipt) => [{ ...receipt, timeMs: receipt.timeMs + 1 }]],
        [
          'PROTOCOL',
          ({ timeMs }) => [
            { clockRoot: other, timeMs, signature: bob.sign(receiptBytes(spaceId, other, timeMs)) },
          ],
        ],
        ['PROTOCOL', (receipt) => [receipt, receipt]],
      ]
      for (const [code, say] of cases) {
        const setting = await createSetting()
        for (const receipt of say(await afterRun(setting))) setting.raw.say({ kind: 'receipt', receipt })
        await setting.raw.rest()
        expect(setting.faults).toEqual([code])
      }
    })

    test('that did not, no receipt is given, and none is taken', async () => {
      const setting = await createSetting()
      await prove(setting)
      const clockRoot = setting.home.hosted.replica.clockRoot()
      const receipt = { clockRoot, timeMs: 0, signature: bob.sign(receiptBytes(spaceId, clockRoot, 0)) }
      setting.raw.say({ kind: 'receipt', receipt })
      expect(await setting.raw.rest()).toMatchObject([{ kind: 'bye', code: 'PROTOCOL' }])
    })
  })
})
