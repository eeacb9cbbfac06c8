import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  GOSSIP_AT_ONCE_MAX,
  GOSSIP_BACKLOG_BYTES_MAX,
  GOSSIP_FANOUT_MAX,
  GOSSIP_GATHER_BUSY_MS,
  GOSSIP_GATHER_IDLE_MS,
  GOSSIP_GATHER_QUIET_MS,
  GOSSIP_MESSAGE_BYTES,
  GOSSIP_MESSAGE_OPERATIONS_MAX,
  GOSSIP_OFFER_MS,
  GOSSIP_OFFER_PEERS_MAX,
  GOSSIP_REACHED_MAX,
} from '../../src/core/limits.ts'
import type { Operation } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { tagOf } from '../../src/node/network/gossip-outbox.ts'
import { bob, createHome, forge, type Home } from '../cast.ts'
import {
  carol,
  createGossip,
  dave,
  idsIn,
  mallory,
  messageOf,
  self,
  strangers,
  together,
} from './gossip-cast.ts'

let home: Home
let scene: ReturnType<typeof createGossip>

beforeEach(async () => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  })
  home = await createHome()
  scene = createGossip(home)
  home.hosted.replica.addEventListener('admitted', ({ detail }) => {
    scene.gossip.publish(detail.own)
  })
})
afterEach(() => {
  vi.useRealTimers()
})

let written = 0
const write = (value: unknown = 1) =>
  home.hosted.write([{ kind: 'put', path: `docs/${written++}`, value }], { author: bob, timeMs: home.nowMs })
    .id
/** As many as go out without a pause after a rest. */
const writeAtOnce = () => Array.from({ length: GOSSIP_AT_ONCE_MAX }, () => write())
const texts = (peers: readonly PeerId[]) => peers.map(String).toSorted()
const reachedBy = (data: Uint8Array) => {
  const message = messageOf(data)
  return message.kind === 'offer' ? null : message.reached
}
const hexOf = (peers: readonly PeerId[]) => peers.map(tagOf).toSorted()

test('an operation goes out at once, to everybody, and says whom it has reached', () => {
  const id = write()
  expect(scene.sent.map(({ to, data }) => [to, idsIn(data), reachedBy(data)])).toEqual([
    [texts([mallory, carol]), [id], hexOf([self, mallory, carol])],
  ])
})

test('what is written together goes out as one message', () => {
  const ids = home.hosted.replica.together(() => [write(), write(), write(), write()])
  expect(scene.sent.map(({ data }) => idsIn(data))).toEqual([ids])
})

test('what follows a moment later goes out together, in order: the sooner while the node has time, however much it is', async () => {
  const ids = [...writeAtOnce(), write(), write()]
  for (let round = 0; round < 6; round++) {
    await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_IDLE_MS - 1)
    const before = scene.sent.length
    await vi.advanceTimersByTimeAsync(1)
    expect(scene.sent).toHaveLength(before + 1)
    expect(idsIn((scene.sent.at(-1) as { readonly data: Uint8Array }).data)).toEqual(ids.slice(-2))
    ids.push(write(), write())
  }
})

test('what a busy node gathers goes out together, in order; the more it is, the longer it is gathered, up to a bound', async () => {
  scene.scene.load = 1
  const ids = [...writeAtOnce(), write(), write()]
  expect(scene.sent).toHaveLength(GOSSIP_AT_ONCE_MAX)
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_QUIET_MS)
  const singly = ids.slice(0, GOSSIP_AT_ONCE_MAX).map((id) => [id])
  expect(scene.sent.map(({ data }) => idsIn(data))).toEqual([...singly, ids.slice(GOSSIP_AT_ONCE_MAX)])
  // From here on two are always waiting when the pause is over.
  const pauses: number[] = []
  for (let round = 0; round < 6; round++) {
    write()
    write()
    const before = scene.sent.length
    let pauseMs = 0
    while (scene.sent.length === before) {
      await vi.advanceTimersByTimeAsync(1)
      pauseMs++
    }
    pauses.push(pauseMs)
  }
  expect(pauses.at(0)).toBe(2 * GOSSIP_GATHER_QUIET_MS)
  expect(pauses.at(-1)).toBe(GOSSIP_GATHER_BUSY_MS)
  // Once it has time again, it waits no longer than anybody who has.
  scene.scene.load = 0
  write()
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_BUSY_MS - 1)
  write()
  const early = scene.sent.length
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_IDLE_MS)
  expect(scene.sent.length).toBeGreaterThan(early)
  // After a rest it is as at the beginning.
  await vi.advanceTimersByTimeAsync(10 * GOSSIP_GATHER_BUSY_MS)
  const before = scene.sent.length
  write()
  expect(scene.sent).toHaveLength(before + 1)
})

test('what waits longer than the pause goes out with the next write, although timers get no turn', () => {
  writeAtOnce()
  const early = write()
  expect(scene.sent).toHaveLength(GOSSIP_AT_ONCE_MAX)
  const nowMs = performance.now()
  const clock = vi.spyOn(performance, 'now').mockReturnValue(nowMs + GOSSIP_GATHER_QUIET_MS)
  const late = write()
  expect(scene.sent.slice(GOSSIP_AT_ONCE_MAX).map(({ data }) => idsIn(data))).toEqual([[early, late]])
  write()
  expect(scene.sent).toHaveLength(GOSSIP_AT_ONCE_MAX + 1)
  clock.mockRestore()
})

test('a message has at most so many operations, and another is begun from so many bytes on', async () => {
  scene.scene.load = 1
  const first = writeAtOnce()
  const ids = [...first, ...Array.from({ length: GOSSIP_MESSAGE_OPERATIONS_MAX + 1 }, () => write())]
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_QUIET_MS)
  const singly = first.map(() => 1)
  expect(scene.sent.map(({ data }) => idsIn(data).length)).toEqual([
    ...singly,
    GOSSIP_MESSAGE_OPERATIONS_MAX,
    1,
  ])
  expect(scene.sent.flatMap(({ data }) => idsIn(data))).toEqual(ids)
  scene.sent.length = 0
  for (let i = 0; i < 4; i++) write('x'.repeat(GOSSIP_MESSAGE_BYTES / 3))
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_BUSY_MS)
  expect(scene.sent.map(({ data }) => idsIn(data).length)).toEqual([2, 2])
})

test('our own goes to so many at most, the mesh first; what is passed on to the mesh alone, and to nobody who has it', async () => {
  const crowd = await strangers(GOSSIP_FANOUT_MAX + 4)
  scene.scene.listeners = crowd
  scene.scene.mesh = crowd.slice(-3)
  write()
  const [own] = scene.sent
  expect(own?.to).toHaveLength(GOSSIP_FANOUT_MAX)
  expect(own?.to).toEqual(expect.arrayContaining(texts(crowd.slice(-3))))
  await vi.advanceTimersByTimeAsync(GOSSIP_GATHER_BUSY_MS)
  const theirs = forge({ author: bob, body: [setRegister('docs/a', 1)] })
  const [nearest, near, other] = crowd.slice(-3) as [PeerId, PeerId, PeerId]
  scene = createGossip(await createHome())
  scene.scene.listeners = crowd
  scene.scene.mesh = [nearest, near, other]
  await scene.take(together([theirs], [near, dave]), nearest)
  expect(scene.sent.map(({ to, data }) => [to, idsIn(data), reachedBy(data)])).toEqual([
    [texts([other]), [theirs.id], hexOf([self, nearest, near, other, dave])],
  ])
})

test('what all neighbours have already is not passed on, and keeps nothing of our own waiting', async () => {
  await scene.take(together([forge({ author: bob })], [carol]))
  expect(scene.sent).toEqual([])
  write()
  expect(scene.sent).toHaveLength(1)
})

test('who begins to listen after something was had by all is passed on what comes then', async () => {
  const [first, second] = [1, 2].map((seq) => forge({ author: bob, body: [setRegister('docs/a', seq)] }))
  await scene.take(together([first as Operation], [carol]))
  scene.scene.listeners = [mallory, carol, dave]
  await scene.take(together([second as Operation], [carol]))
  expect(scene.sent.map(({ to, data }) => [to, idsIn(data)])).toEqual([
    [texts([dave]), [(second as Operation).id]],
  ])
})

test('a message says of so many peers at most that it has reached them, those of whom this node knows first', async () => {
  const crowd = await strangers(GOSSIP_REACHED_MAX)
  await scene.take(together([forge({ author: bob })], crowd))
  const [message] = scene.sent
  const reached = reachedBy(message?.data as Uint8Array) ?? []
  expect(reached).toHaveLength(GOSSIP_REACHED_MAX)
  expect(reached).toEqual(expect.arrayContaining([...hexOf([self, mallory, carol])]))
})

test('nothing waits for a peer that reads slowly: it is left to sync', () => {
  scene.scene.backlog.set(carol.toString(), GOSSIP_BACKLOG_BYTES_MAX)
  write()
  expect([scene.sent[0]?.to, scene.told]).toEqual([texts([mallory, carol]), []])
  scene = createGossip(home)
  scene.scene.backlog.set(carol.toString(), GOSSIP_BACKLOG_BYTES_MAX + 1)
  write()
  expect([scene.sent[0]?.to, scene.told]).toEqual([[mallory.toString()], ['missing: carol']])
})

test('what goes out to nobody, or is more than may be said, is offered by sync', () => {
  scene.scene.listeners = []
  write()
  expect([scene.sent, scene.told]).toEqual([[], ['unheard']])
  scene = createGossip(home, { mayPublish: () => false })
  write()
  expect([scene.sent, scene.told]).toEqual([[], ['unheard']])
})

test('what went round is offered to a few, in turn, once it has had time to come; while nothing goes round nothing is said', async () => {
  const crowd = await strangers(GOSSIP_OFFER_PEERS_MAX * 2)
  scene.scene.listeners = crowd
  const id = write()
  await vi.advanceTimersByTimeAsync(2 * GOSSIP_OFFER_MS - 1)
  expect(scene.sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(scene.sent.slice(1).map(({ to, data }) => [to, idsIn(data)])).toEqual([
    [texts(crowd.slice(0, GOSSIP_OFFER_PEERS_MAX)), [id]],
  ])
  await vi.advanceTimersByTimeAsync(10 * GOSSIP_OFFER_MS)
  expect(scene.sent).toHaveLength(2)
  write()
  await vi.advanceTimersByTimeAsync(2 * GOSSIP_OFFER_MS)
  expect(scene.sent.at(-1)?.to).toEqual(texts(crowd.slice(GOSSIP_OFFER_PEERS_MAX)))
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1)
})
