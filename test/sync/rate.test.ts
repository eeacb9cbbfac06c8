import type { GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import { GOSSIP_MESSAGES_BURST_MAX, LINKS_OPENED_BURST_MAX } from '../../src/core/limits.ts'
import { encodeOperation } from '../../src/core/operation/operation.ts'
import { gossipTopic, SpaceGossip } from '../../src/node/network/gossip.ts'
import { createFederation } from '../node/federation.ts'
import { startRawPeer } from './raw-peer.ts'

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

test('a peer that gossips without end is refused with RATE from one past the burst on', async () => {
  const alice = await federation.start('alice')
  const space = alice.createSpace({ name: 'the square' })
  const mallory = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const blamed: string[] = []
  const { pubsub, validate } = fakePubsub(gossipTopic(space.hosted))
  new SpaceGossip(pubsub, space.hosted, {
    now: () => 0,
    isWelcome: () => true,
    onRefused: (_, code) => blamed.push(code),
    onMissing: () => {},
  }).start()
  // The cheapest message there is: an operation everybody has.
  const known = encodeOperation(space.hosted.operation(0))
  for (let i = 0; i < GOSSIP_MESSAGES_BURST_MAX; i++) await validate(mallory, known)
  expect(blamed).toEqual([])
  expect(await validate(mallory, known)).toBe('ignore')
  expect(blamed).toEqual(['RATE'])
  expect(space.status().refused).toEqual({ RATE: 1 })
})

/** As much of gossipsub as a space's gossip touches, with the validator in the test's hands. */
function fakePubsub(topic: string) {
  const topicValidators = new Map<
    string,
    (peer: PeerId, message: { data: Uint8Array }) => Promise<TopicValidatorResult>
  >()
  const pubsub = {
    topicValidators,
    subscribe: () => {},
    opts: { scoreParams: { topics: {} } },
  } as unknown as GossipSub
  const validate = async (peer: PeerId, data: Uint8Array) =>
    await topicValidators.get(topic)?.(peer, { data })
  return { pubsub, validate }
}
