import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import {
  GOSSIP_BYTES_ALL_BURST_MAX,
  GOSSIP_BYTES_BURST_MAX,
  GOSSIP_MESSAGES_ALL_BURST_MAX,
  GOSSIP_MESSAGES_BURST_MAX,
  GOSSIP_OPERATIONS_BURST_MAX,
  GOSSIP_OWN_MESSAGES_BURST_MAX,
  GOSSIP_STRANGER_FRAMES_BURST_MAX,
  GOSSIP_SUBSCRIPTIONS_BURST_MAX,
  LINKS_OPENED_BURST_MAX,
  MEMBER_LINKS_OPENED_BURST_MAX,
} from '../../src/core/limits.ts'
import { GossipGuard } from '../../src/node/network/gossip-guard.ts'
import { OwnGossip } from '../../src/node/network/own-gossip.ts'
import { delegate, mallory as mallorySigner, seedNamed, signerNamed } from '../cast.ts'
import { createFederation, until } from '../node/federation.ts'
import { startRawPeer } from './raw-peer.ts'

const mallory = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const bob = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const federation = createFederation()
const stopped: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stopped.splice(0)) await stop()
  await federation.stopAll()
})

test('a peer that opens links without end is refused with RATE from one past the burst on', async () => {
  // A clock that stands still refills nothing.
  const alice = await federation.start('alice', { now: () => 1_800_000_000_000 })
  const liar = await startRawPeer('mallory')
  stopped.push(liar.stop)
  const points = () => alice.network?.standingOf(liar.id).points ?? 0
  // A space that alice does not hold: refused with a word, and nobody's fault.
  const nothing = new Uint8Array(32)
  const ask = async () => {
    const link = await liar.open(alice)
    try {
      link.say({ kind: 'hello', topic: nothing, nonce: nothing, knowledge: nothing })
    } catch {
      // The node was faster: it has reset the stream already.
    }
    return await link.rest()
  }
  for (let i = 0; i < LINKS_OPENED_BURST_MAX; i++)
    expect(await ask()).toEqual([{ kind: 'bye', code: 'UNKNOWN_SPACE' }])
  expect(points()).toBe(0)
  expect(await ask()).toEqual([])
  expect(points()).toBe(1)
})

test('a peer that shares a space may open as many links as it has reason to, and is refused one past that', async () => {
  // A clock that stands still refills nothing; ahead of the tokens' times.
  const alice = await federation.start('alice', { now: () => 1_900_000_000_000 })
  const spaceSeed = seedNamed('a shared space')
  const space = alice.createSpace({ name: 'shared', spaceSeed })
  const [owner] = [...space.hosted.store.tokens()]
  if (owner === undefined) throw new Error('no owner token')
  const subject = signerNamed('a shared space').publicKey
  const token = delegate(alice.author, mallorySigner, { command: '/op/read', subject })
  const liar = await startRawPeer('mallory')
  stopped.push(liar.stop)
  await liar.openProven(alice, space, mallorySigner, [owner.delegation, token])
  const { sync } = alice.network?.libp2p.services ?? {}
  await until(space, () => sync?.isProvenAnywhere(liar.id) === true, 'mallory has proved it')
  const points = () => alice.network?.standingOf(liar.id).points ?? 0
  const nothing = new Uint8Array(32)
  const ask = async () => {
    const link = await liar.open(alice)
    try {
      link.say({ kind: 'hello', topic: nothing, nonce: nothing, knowledge: nothing })
    } catch {
      // The node was faster: it has reset the stream already.
    }
    return await link.rest()
  }
  for (let i = 0; i < MEMBER_LINKS_OPENED_BURST_MAX; i++)
    expect(await ask()).toEqual([{ kind: 'bye', code: 'UNKNOWN_SPACE' }])
  expect(points()).toBe(0)
  expect(await ask()).toEqual([])
  expect(points()).toBe(1)
})

test('a peer that gossips without end is not looked at from one past the burst on, and blamed for nothing', async () => {
  const { guard, excess, deliver, handed } = createGuard()
  guard.allow('a topic')
  const message = { topic: 'a topic', data: new Uint8Array(1) }
  const frame = { subscriptions: [], messages: many(1_024, message) }
  for (let i = 0; i < GOSSIP_MESSAGES_BURST_MAX; i += 1_024) await deliver(mallory, frame)
  expect([handed.length, excess]).toEqual([GOSSIP_MESSAGES_BURST_MAX, []])
  await deliver(mallory, { ...frame, messages: [message] })
  expect([handed.length, excess]).toEqual([GOSSIP_MESSAGES_BURST_MAX, [mallory.toString()]])
  await deliver(bob, { ...frame, messages: [message] })
  expect(handed).toHaveLength(GOSSIP_MESSAGES_BURST_MAX + 1)
})

test('a peer that gossips large messages is not looked at beyond its bytes', async () => {
  const { guard, excess, deliver, handed } = createGuard()
  guard.allow('a topic')
  const messages = [{ topic: 'a topic', data: new Uint8Array(1024 * 1024) }]
  for (let bytes = 0; bytes < GOSSIP_BYTES_BURST_MAX; bytes += 1024 * 1024)
    await deliver(mallory, { subscriptions: [], messages })
  expect(excess).toEqual([])
  await deliver(mallory, { subscriptions: [], messages })
  expect([handed.length, excess.length]).toEqual([GOSSIP_BYTES_BURST_MAX / 1024 / 1024, 1])
})

test('a peer that gossips many operations is not looked at from one past the burst on, however few its messages', () => {
  const { guard, excess } = createGuard()
  expect(guard.takeOperations(mallory, GOSSIP_OPERATIONS_BURST_MAX)).toBe(true)
  expect(guard.takeOperations(mallory, 1)).toBe(false)
  expect(guard.takeOperations(bob, 1)).toBe(true)
  expect(excess).toEqual([mallory.toString()])
})

test('many peers that gossip together are not looked at beyond the messages and bytes of all', async () => {
  const { guard, deliver, handed } = createGuard()
  guard.allow('a topic')
  const crowd = await Promise.all(
    Array.from({ length: 8 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))),
  )
  const messages = many(1_024, { topic: 'a topic', data: new Uint8Array(1) })
  for (const peer of crowd) for (let i = 0; i < 4; i++) await deliver(peer, { subscriptions: [], messages })
  expect(handed).toHaveLength(GOSSIP_MESSAGES_ALL_BURST_MAX)
  const other = createGuard()
  other.guard.allow('a topic')
  const large = many(8, { topic: 'a topic', data: new Uint8Array(1024 * 1024) })
  for (const peer of crowd) await other.deliver(peer, { subscriptions: [], messages: large })
  expect(other.handed).toHaveLength(GOSSIP_BYTES_ALL_BURST_MAX / 1024 / 1024)
})

test('of a stranger, and on topics that are not ours, gossipsub is told nothing it would keep', async () => {
  const { guard, deliver, handed, frames } = createGuard((peer) => peer !== mallory.toString())
  guard.allow('ours')
  const frame = {
    subscriptions: [{ topic: 'ours', subscribe: true }],
    messages: [
      { topic: 'ours', data: new Uint8Array(1) },
      { topic: 'theirs', data: new Uint8Array(1) },
    ],
    control: { ihave: [1], iwant: [2], idontwant: [3], graft: [4], prune: [5] },
  }
  await deliver(mallory, frame)
  expect(frames).toEqual([
    { ...frame, messages: [], control: { ihave: [], iwant: [], idontwant: [], graft: [4], prune: [5] } },
  ])
  await deliver(bob, frame)
  expect(handed.map(({ topic }) => topic)).toEqual(['ours'])
  guard.forbid('ours')
  await deliver(bob, frame)
  expect(handed).toHaveLength(1)
})

test('subscriptions, and frames of a stranger, are an offence from one past their rate on, and told to nobody', async () => {
  const { deliver, floods, frames } = createGuard((peer) => peer !== mallory.toString())
  const empty = { subscriptions: [], messages: [] }
  for (let i = 0; i < GOSSIP_STRANGER_FRAMES_BURST_MAX; i++) await deliver(mallory, empty)
  for (let i = 0; i <= GOSSIP_STRANGER_FRAMES_BURST_MAX; i++) await deliver(bob, empty)
  expect(floods).toEqual([])
  await deliver(mallory, empty)
  expect(floods).toEqual([mallory.toString()])
  const before = frames.length
  const subscriptions = many(GOSSIP_SUBSCRIPTIONS_BURST_MAX, { topic: 'x', subscribe: true })
  await deliver(bob, { subscriptions, messages: [] })
  expect(floods).toHaveLength(1)
  await deliver(bob, { subscriptions: subscriptions.slice(0, 1), messages: [] })
  expect(floods).toEqual([mallory.toString(), bob.toString()])
  expect(frames.slice(before).map(({ subscriptions }) => subscriptions.length)).toEqual([
    GOSSIP_SUBSCRIPTIONS_BURST_MAX,
  ])
})

test('messages go to the topic’s validator and never to gossipsub, which is told of each that is refused', async () => {
  const { guard, deliver, handed, frames, refused, scene } = createGuard()
  guard.allow('ours')
  const message = { topic: 'ours', data: new Uint8Array(1) }
  await deliver(bob, { subscriptions: [], messages: [message, message] })
  expect([handed.length, frames, refused]).toEqual([2, [], []])
  scene.verdict = TopicValidatorResult.Reject
  await deliver(bob, { subscriptions: [], messages: [message] })
  expect([handed.length, refused]).toEqual([3, [[bob.toString(), 'ours']]])
  scene.verdict = TopicValidatorResult.Accept
  for (const odd of [{ signature: message.data }, { seqno: message.data }, { key: message.data }])
    await deliver(bob, { subscriptions: [], messages: [{ ...message, ...odd }] })
  expect([handed.length, refused.length, frames]).toEqual([3, 4, []])
})

test('our own failure with one message is told to gossipsub, held against nobody, and keeps no other message from being heard', async () => {
  const { guard, deliver, handed, refused, scene } = createGuard()
  guard.allow('ours')
  const message = { topic: 'ours', data: new Uint8Array(1) }
  scene.failsAt = 0
  await expect(deliver(bob, { subscriptions: [], messages: [message, message] })).rejects.toThrow('disk full')
  expect([handed.length, refused]).toEqual([2, []])
})

test('a peer whose score is too low is not heard', async () => {
  const { guard, deliver, handed, scene } = createGuard()
  guard.allow('ours')
  scene.isHeard = false
  await deliver(bob, { subscriptions: [], messages: [{ topic: 'ours', data: new Uint8Array(1) }] })
  expect(handed).toEqual([])
})

test('this node says no more by gossip than half of what its peers take, and leaves the rest to sync', async () => {
  const own = new OwnGossip(() => 0)
  for (let i = 0; i < GOSSIP_OWN_MESSAGES_BURST_MAX; i++) expect(own.take()).toBe(true)
  expect(own.take()).toBe(false)
  expect(GOSSIP_OWN_MESSAGES_BURST_MAX).toBeLessThanOrEqual(GOSSIP_MESSAGES_BURST_MAX / 2)
})

const many = <Item>(count: number, item: Item): readonly Item[] => Array.from({ length: count }, () => item)

interface Frame {
  readonly subscriptions: readonly unknown[]
  readonly messages: readonly { readonly topic: string; readonly data: Uint8Array }[]
  readonly control?: Readonly<Record<string, unknown>>
}

/** A guard over as much of gossipsub as it touches, on a clock that stands still. */
function createGuard(isProven: (peer: string) => boolean = () => true) {
  const frames: Frame[] = []
  const handed: Frame['messages'][number][] = []
  const refused: (readonly [string, string])[] = []
  const scene = { verdict: TopicValidatorResult.Ignore, isHeard: true, failsAt: -1 }
  const validate = (_from: PeerId, message: Frame['messages'][number]) => {
    if (handed.push(message) - 1 === scene.failsAt) throw new Error('disk full')
    return scene.verdict
  }
  const pubsub = {
    opts: { scoreParams: { topics: {} } },
    topicValidators: { get: () => validate },
    score: { rejectInvalidMessage: (from: string, topic: string) => void refused.push([from, topic]) },
    acceptFrom: () => scene.isHeard,
    handleReceivedRpc: async (_from: PeerId, frame: Frame) => {
      frames.push(frame)
      await Promise.resolve()
    },
  }
  const excess: string[] = []
  const floods: string[] = []
  const guard = new GossipGuard(pubsub as unknown as GossipSub, {
    now: () => 0,
    isProven,
    onExcess: (peer) => excess.push(peer.toString()),
    onFlood: (peer) => floods.push(peer.toString()),
  })
  return {
    guard,
    excess,
    floods,
    scene,
    /** What reached gossipsub. */
    frames,
    /** Messages that reached the validator of their topic. */
    handed,
    /** Whose messages count against them, and on which topic. */
    refused,
    deliver: async (from: PeerId, frame: Frame) => {
      await pubsub.handleReceivedRpc(from, frame)
      await Promise.resolve()
    },
  }
}
