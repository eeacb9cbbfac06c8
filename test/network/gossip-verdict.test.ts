import { TopicValidatorResult as Verdict } from '@libp2p/gossipsub'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { encodeOffer } from '../../src/core/gossip-message.ts'
import { GOSSIP_PATIENCE_MS } from '../../src/core/limits.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { bob, createHome, forge, type Home, mallory as malloryKey } from '../cast.ts'
import { carol, createGossip, dave, idsIn, mallory, together } from './gossip-cast.ts'

const first = forge({ author: bob, body: [setRegister('docs/a', 1)] })
const second = forge({ author: bob, prev: first, body: [setRegister('docs/a', 2)] })
const third = forge({ author: bob, prev: second, body: [setRegister('docs/a', 3)] })

let home: Home
let scene: ReturnType<typeof createGossip>

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  home = await createHome()
  scene = createGossip(home)
})
afterEach(() => {
  vi.useRealTimers()
})

const isHere = ({ id }: { readonly id: Uint8Array }) => home.hosted.store.find(id) !== undefined

test('gossip passes on what this node has admitted, once, and leaves nothing to gossipsub', async () => {
  expect(await scene.take(first)).toBe(Verdict.Ignore)
  expect(isHere(first)).toBe(true)
  expect(scene.sent.map(({ to, data }) => [to, idsIn(data)])).toEqual([[[carol.toString()], [first.id]]])
  expect(await scene.take(first, carol)).toBe(Verdict.Ignore)
  await vi.advanceTimersByTimeAsync(100)
  expect(scene.sent).toHaveLength(1)
  expect(scene.told).toEqual([])
})

test('gossip passes on what came by another door a moment before', async () => {
  await home.hosted.replica.receive([first], 'carol')
  await scene.take(first)
  expect(scene.sent.map(({ data }) => idsIn(data))).toEqual([[first.id]])
})

test('gossip does not pass on what waits for its parents: it has them fetched, unless they come by themselves, and passes both on', async () => {
  expect(await scene.take(second)).toBe(Verdict.Ignore)
  await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS - 1)
  expect([scene.told, scene.sent]).toEqual([[], []])
  await vi.advanceTimersByTimeAsync(1)
  expect(scene.told).toEqual(['missing: mallory'])
  await scene.take(third)
  home.hosted.replica.addEventListener('admitted', ({ detail }) => {
    for (const ordinal of detail.promoted) scene.gossip.passOnEarly(home.hosted.store.at(ordinal))
  })
  await scene.take(first, carol)
  await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
  expect([isHere(second), isHere(third), scene.told]).toEqual([true, true, ['missing: mallory']])
  const toCarol = scene.sent
    .filter(({ to }) => to.includes(carol.toString()))
    .flatMap(({ data }) => idsIn(data))
  expect(toCarol).toEqual([second.id, third.id])
})

test('what comes too early from one peer in the moment in which another brings its parent is passed on, and nothing is fetched', async () => {
  const toldOf: boolean[] = []
  home.hosted.replica.addEventListener('admitted', ({ detail }) => {
    for (const ordinal of detail.promoted)
      toldOf.push(scene.gossip.passOnEarly(home.hosted.store.at(ordinal)))
  })
  const verdicts = await Promise.all([scene.take(second), scene.take(first, carol)])
  await vi.advanceTimersByTimeAsync(2 * GOSSIP_PATIENCE_MS)
  expect([verdicts, toldOf, scene.told]).toEqual([[Verdict.Ignore, Verdict.Ignore], [true], []])
  expect(scene.sent.map(({ to, data }) => [to, idsIn(data)])).toEqual([
    [[carol.toString()], [second.id]],
    [[mallory.toString()], [first.id]],
  ])
})

test('a copy with a forged signature is not passed on, whether the operation is here, waits, or is just being admitted', async () => {
  home.hosted.replica.addEventListener('admitted', ({ detail }) => {
    for (const ordinal of detail.promoted) scene.gossip.passOnEarly(home.hosted.store.at(ordinal))
  })
  const forged = (operation: typeof first) => ({ ...operation, signature: new Uint8Array(64) })
  await home.hosted.replica.receive([second], 'carol')
  expect(await scene.take(forged(second))).toBe(Verdict.Reject)
  expect(
    await Promise.all([scene.take(forged(second)), home.hosted.replica.receive([first], 'carol')]),
  ).toMatchObject([Verdict.Reject, [{ kind: 'admitted' }]])
  expect(await scene.take(forged(first))).toBe(Verdict.Ignore)
  await vi.advanceTimersByTimeAsync(2 * GOSSIP_PATIENCE_MS)
  expect([isHere(first), isHere(second), scene.sent]).toEqual([true, true, []])
  expect(new Set(scene.told)).toEqual(new Set(['BAD_SIGNATURE']))
})

test('gossip rejects what this node refuses, and holds it against the sender', async () => {
  expect(await scene.take(forge({ author: malloryKey, header: { lamport: 99 } }))).toBe(Verdict.Reject)
  expect(await scene.take({ ...first, signature: new Uint8Array(64) })).toBe(Verdict.Reject)
  expect(await scene.take(new Uint8Array(200).fill(0xee))).toBe(Verdict.Reject)
  expect(scene.told).toEqual(['LAMPORT', 'BAD_SIGNATURE', 'NON_CANONICAL'])
  expect(scene.sent).toEqual([])
})

test('one bad operation among several keeps none of the others out, and only they are passed on', async () => {
  const bad = forge({ author: malloryKey, header: { lamport: 99 } })
  expect(await scene.take(together([first, bad, second], [dave]))).toBe(Verdict.Reject)
  expect([isHere(first), isHere(bad), isHere(second), scene.told]).toEqual([true, false, true, ['LAMPORT']])
  await vi.advanceTimersByTimeAsync(100)
  expect(scene.sent.flatMap(({ data }) => idsIn(data))).toEqual([first.id, second.id])
})

test('gossip of a peer that is not welcome is not even looked at, and such a peer is told nothing', async () => {
  const isWelcome = (_space: unknown, peer: { equals(other: unknown): boolean }) => !peer.equals(mallory)
  scene = createGossip(home, { isWelcome })
  expect(await scene.take(first)).toBe(Verdict.Ignore)
  expect(await scene.take(new Uint8Array(200).fill(0xee))).toBe(Verdict.Ignore)
  expect([scene.told, isHere(first)]).toEqual([[], false])
  await scene.take(first, dave)
  expect(scene.sent.map(({ to }) => to)).toEqual([[carol.toString()]])
})

test('gossip of a peer beyond its operations is not looked at', async () => {
  scene = createGossip(home, { isWithinRate: () => false })
  expect(await scene.take(first)).toBe(Verdict.Ignore)
  expect([isHere(first), scene.sent, scene.told]).toEqual([false, [], []])
})

test('gossip leaves a forked author’s further operations to reconciliation, but passes on the one that proves the fork', async () => {
  const root = forge({ author: malloryKey })
  const left = forge({ author: malloryKey, prev: root, body: [setRegister('mallory/x', 1)] })
  const right = forge({ author: malloryKey, prev: root, body: [setRegister('mallory/x', 2)] })
  const further = forge({ author: malloryKey, prev: left })
  for (const operation of [root, left, right, further]) await scene.take(operation)
  await vi.advanceTimersByTimeAsync(100)
  expect(scene.sent.flatMap(({ data }) => idsIn(data))).toEqual([root.id, left.id, right.id])
  expect(isHere(further)).toBe(false)
})

test('what a forked author wrote after the proof is not passed on either where it comes in one message with it', async () => {
  const root = forge({ author: malloryKey })
  const left = forge({ author: malloryKey, prev: root, body: [setRegister('mallory/x', 1)] })
  const right = forge({ author: malloryKey, prev: root, body: [setRegister('mallory/x', 2)] })
  const further = forge({ author: malloryKey, prev: left })
  await scene.take(together([root, left, right, further], [dave]))
  await vi.advanceTimersByTimeAsync(100)
  expect(scene.sent.flatMap(({ data }) => idsIn(data))).toEqual([root.id, left.id, right.id])
})

test('whoever is offered what it lacks has it fetched from who offers, and nothing where it lacks nothing', async () => {
  await scene.take(first)
  expect(await scene.take(encodeOffer([first.id]))).toBe(Verdict.Ignore)
  await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
  expect(await scene.take(encodeOffer([first.id, second.id]), carol)).toBe(Verdict.Ignore)
  expect(scene.told).toEqual([])
  await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
  expect(scene.told).toEqual(['missing: carol'])
  // It came by itself in time.
  await scene.take(encodeOffer([second.id]), carol)
  await scene.take(second)
  await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
  expect(scene.told).toEqual(['missing: carol'])
})

test('a node that is behind with reading has nothing fetched that may lie there unread, until it has caught up', async () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0)
  try {
    await scene.take(second)
    clock.mockReturnValue(2 * GOSSIP_PATIENCE_MS + 1)
    await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
    expect(scene.told).toEqual([])
    clock.mockReturnValue(3 * GOSSIP_PATIENCE_MS + 1)
    await vi.advanceTimersByTimeAsync(GOSSIP_PATIENCE_MS)
    expect(scene.told).toEqual(['missing: mallory'])
  } finally {
    clock.mockRestore()
  }
})

/** Once something has been admitted, the space cannot be asked what became of it. */
const breakOnAdmission = (also: () => void = () => {}) => {
  const { store, replica } = home.hosted
  const onAdmitted = () => {
    replica.removeEventListener('admitted', onAdmitted)
    also()
    vi.spyOn(store, 'mask').mockImplementationOnce(() => {
      throw new Error('the space is closed')
    })
  }
  replica.addEventListener('admitted', onAdmitted)
}

test('what is admitted while the node stops is not judged: its space may be closed by then', async () => {
  breakOnAdmission(() => scene.gossip.end())
  expect(await scene.take(first)).toBe(Verdict.Ignore)
  expect([isHere(first), scene.sent, scene.told]).toEqual([true, [], []])
})

test('what waits for its parents when the node stops is not fetched, nor looked for in a space that is closed', async () => {
  await scene.take(second)
  scene.gossip.end()
  const looks = vi.spyOn(home.hosted.store, 'find')
  await vi.advanceTimersByTimeAsync(2 * GOSSIP_PATIENCE_MS)
  expect([looks.mock.calls, scene.told]).toEqual([[], []])
})

test('a failure of our own to judge reaches who asked, and what comes after it is judged', async () => {
  breakOnAdmission()
  await expect(scene.take(first)).rejects.toThrow('the space is closed')
  expect(await scene.take(second)).toBe(Verdict.Ignore)
  expect(scene.sent.map(({ data }) => idsIn(data))).toEqual([[second.id]])
})
