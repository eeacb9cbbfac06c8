import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { equalBytes, toHex } from '../../src/core/bytes.ts'
import {
  decodeOperation,
  encodeOperation,
  signOperation,
  type VerifiedOperation,
} from '../../src/core/operation/operation.ts'
import { formatDid } from '../../src/core/principal.ts'
import type { Signer } from '../../src/core/signature.ts'
import { issueDelegation } from '../../src/core/ucan/delegation.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { carol, mallory, seedNamed, signerNamed } from '../cast.ts'
import { createFederation, until } from '../node/federation.ts'
import { frameOf, type RawPeer, startRawPeer } from './raw-peer.ts'

const federation = createFederation()
let alice: HanseNode
let space: Space
let liar: RawPeer
let heard: Uint8Array[]

beforeEach(async () => {
  alice = await federation.start('alice')
  space = alice.createSpace({ name: 'the square', spaceSeed: seedNamed('gossip') })
  space.put('docs/a', 'hers')
  heard = []
  liar = await startRawPeer('mallory', {
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: ({ data }) => sha256(data),
        allowPublishToZeroTopicPeers: true,
        emitSelf: false,
      }),
    },
  })
  pubsub().addEventListener('message', ({ detail }) => heard.push(detail.data))
  pubsub().subscribe(topic())
})

afterEach(async () => {
  await liar.stop()
  await federation.stopAll()
})

const pubsub = () => (liar.libp2p.services as unknown as { readonly pubsub: GossipSub }).pubsub
const topic = () => `/hanse/operations/1/${Buffer.from(space.hosted.topic).toString('hex')}`
/** Connected, and each knows that the other listens. */
const meet = async () => {
  await (await liar.open(alice)).stream.close()
  await until(space, () => pubsub().getSubscribers(topic()).length > 0, 'alice’s subscription is known')
}

async function proveMembership() {
  const [owner] = [...space.hosted.store.tokens()]
  if (owner === undefined) throw new Error('no owner token')
  const issued = issueDelegation({
    signer: alice.author,
    audience: mallory.publicKey,
    subject: signerNamed('gossip').publicKey,
    command: '/op',
    policy: [],
    nonce: new Uint8Array(12),
    expiresSeconds: null,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  const link = await liar.openProven(alice, space, mallory, [owner.delegation, issued.value])
  link.say({ kind: 'probe', probe: 0, ids: [] })
  if ((await link.next())?.kind !== 'probed') throw new Error('not let in')
}

test('a peer that has not passed the handshake is sent nothing, and is sent operations once it has', async () => {
  await meet()
  for (let i = 0; i < 5; i++) space.put('secret', i)
  // An answer over the same connection marks the time by which the messages would have come.
  const stranger = await liar.open(alice)
  stranger.sayBytes(frameOf(new Uint8Array(0)))
  await stranger.rest()
  expect(heard).toEqual([])
  await proveMembership()
  const repeat = setInterval(() => space.put('open', 1), 50)
  // Members may also be told what was said shortly before; that is theirs to read now.
  const isOpen = (data: Uint8Array) => {
    const decoded = decodeOperation(data)
    return decoded.ok && decoded.value.header.path === 'open'
  }
  await until(space, () => heard.some(isOpen), 'a message arrives after the handshake')
  clearInterval(repeat)
})

test('whoever has not passed the handshake is not even listened to', async () => {
  await meet()
  await pubsub().publish(topic(), new Uint8Array(200).fill(0xee))
  await proveMembership()
  await pubsub().publish(topic(), new Uint8Array(200).fill(0xdd))
  await until(space, () => space.status().refused['NON_CANONICAL'] !== undefined, 'the second is refused')
  expect(space.status().refused).toEqual({ NON_CANONICAL: 1 })
})

test('bytes that are not canonical are refused, counted and held against who sent them', async () => {
  await meet()
  await proveMembership()
  await pubsub().publish(topic(), new Uint8Array(200).fill(0xee))
  await until(space, () => space.status().refused['NON_CANONICAL'] === 1, 'the refusal is counted')
  expect(space.status().peers.find(({ peer }) => peer === liar.id)?.refused).toEqual({ NON_CANONICAL: 1 })
  expect(alice.network?.standingOf(liar.id).points).toBeGreaterThan(9)
})

test('an operation that the pipeline refuses is counted by its code, and changes nothing', async () => {
  await meet()
  await proveMembership()
  const [head] = space.hosted.store.heads(alice.author.publicKey)
  if (head === undefined) throw new Error('alice has written')
  const byMallory = signOperation(
    {
      space: space.hosted.id,
      author: mallory.publicKey,
      seq: 0,
      prev: null,
      deps: [head.id],
      lamport: head.lamport + 1,
      time: head.time,
      epoch: 0,
      caps: [head.id],
      command: '/op/write',
      path: '',
    },
    [setRegister('docs/a', 'mine')],
    mallory.sign,
  )
  const before = space.status()
  // Refused for its bytes first: once it is refused by its id, nothing of it is looked at any more.
  await pubsub().publish(topic(), encodeOperation({ ...byMallory, signature: new Uint8Array(64) }))
  await pubsub().publish(topic(), encodeOperation(byMallory))
  await until(space, () => Object.keys(space.status().refused).length === 2, 'the refusals are counted')
  expect(space.status()).toMatchObject({
    clockRoot: before.clockRoot,
    stateRoot: before.stateRoot,
    operations: before.operations,
  })
  expect(space.status().refused).toEqual({ CAP_MISSING: 1, BAD_SIGNATURE: 1 })
})

test('a forked author is heard until the fork is proved, and not by gossip after that', async () => {
  await meet()
  await proveMembership()
  const [digest] = space.grantAll([{ to: formatDid(mallory.publicKey), role: 'writer' }])
  space.grant({ to: formatDid(carol.publicKey), role: 'writer' })
  const [head] = space.hosted.store.heads(alice.author.publicKey)
  const [owner] = space.hosted.store.heads(alice.author.publicKey)[0]?.caps ?? []
  const tokens = [...space.hosted.store.tokens()].map(({ delegation }) => delegation)
  const write = (author: Signer, prev: VerifiedOperation | null, value: number) => {
    const token = tokens.find(({ audience }) => equalBytes(audience, author.publicKey))
    if (head === undefined || owner === undefined || token === undefined) throw new Error('nothing granted')
    const header = {
      space: space.hosted.id,
      author: author.publicKey,
      seq: prev === null ? 0 : prev.header.seq + 1,
      prev: prev?.id ?? null,
      deps: prev === null ? [head.id] : [],
      lamport: (prev?.header.lamport ?? head.lamport) + 1,
      time: head.time,
      epoch: 0,
      caps: [owner, token.digest],
      command: '/op/write',
      path: '',
    }
    return signOperation(header, [setRegister(`docs/${value}`, value)], author.sign)
  }
  expect(tokens.map((token) => toHex(token.digest))).toContain(digest)
  const left = write(mallory, null, 1)
  await pubsub().publish(topic(), encodeOperation(left))
  await pubsub().publish(topic(), encodeOperation(write(mallory, null, 2)))
  await until(space, () => space.status().forkedAuthors.length === 1, 'the fork is proved')
  expect([...space.list('docs')].map(({ path }) => path)).toEqual(['docs/1', 'docs/2', 'docs/a'])
  await pubsub().publish(topic(), encodeOperation(write(mallory, left, 3)))
  // Takes the same way after it, and a longer one.
  await pubsub().publish(topic(), encodeOperation(write(carol, null, 4)))
  await until(space, () => space.get('docs/4') !== undefined, 'carol is heard')
  expect(space.get('docs/3')).toBeUndefined()
})
