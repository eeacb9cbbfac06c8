import { packBits } from '../../src/core/sync/bits.ts'
import { type GossipSub, gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { sha256 } from '../../src/core/hash.ts'
import { decodeOperation, encodeOperation, type Operation } from '../../src/core/operation/operation.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { delegate, mallory, seedNamed, signerNamed } from '../cast.ts'
import { createFederation, until } from '../node/federation.ts'
import { type RawLink, type RawPeer, startRawPeer } from './raw-peer.ts'

const SECRET = 'what mallory may not read'
const OPEN = 'what mallory may read'
const federation = createFederation()
const spaceSigner = signerNamed('the space of secrets')
let alice: HanseNode
let space: Space
let liar: RawPeer
let chain: readonly VerifiedDelegation[]
let heard: Uint8Array[]

beforeEach(async () => {
  alice = await federation.start('alice')
  space = alice.createSpace({
    name: 'the council',
    openReading: false,
    spaceSeed: seedNamed('the space of secrets'),
  })
  space.put('private/a', SECRET)
  space.put('public/a', OPEN)
  space.edit('private/b', { field: SECRET })
  const [owner] = [...space.hosted.store.tokens()]
  if (owner === undefined) throw new Error('no owner token')
  const subject = spaceSigner.publicKey
  const token = delegate(alice.author, mallory, { command: '/op', policy: pathPolicy('public'), subject })
  chain = [owner.delegation, token]
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
const has = (bytes: readonly Uint8Array[], text: string) => Buffer.concat(bytes).includes(text)

/** Waits for a message of a kind. */
async function next(link: RawLink, kind: string): Promise<(typeof link.received)[number]> {
  for (let message = await link.next(); message !== null; message = await link.next())
    if (message.kind === kind) return message
  throw new Error(`no ${kind}: ${link.received.map((message) => message.kind).join(', ')}`)
}

/** A run in which mallory asks for everything there is: first for every head, then for every body by its id. */
async function askForEverything(link: RawLink): Promise<readonly Operation[]> {
  const compare = (round: number, clockRoot: Uint8Array, authors: number, absentBodies: number) => {
    const standing = { clockRoot, stateRoot: new Uint8Array(32), authors, operations: 0, absentBodies }
    link.say({ kind: 'compare', round, standing, admitted: round, answers: round > 0 })
  }
  compare(0, new Uint8Array(32), 0, 0)
  const theirs = await next(link, 'compare')
  const answers = theirs.kind === 'compare' && theirs.answers
  // Where both began at once it is hers to list first: no author at all. Else every one that the node lists differs.
  if (!answers) link.say({ kind: 'nodes', differing: new Uint8Array(), listing: Uint8Array.of(0, 0) })
  const nodes = await next(link, 'nodes')
  const leaves = nodes.kind === 'nodes' && answers ? (nodes.listing[1] as number) : 0
  const differing = packBits(new Array<boolean>(leaves).fill(true))
  if (answers) link.say({ kind: 'nodes', differing, listing: new Uint8Array() })
  // It has more, so she is to list first: nothing. Then it sends her all.
  if (!answers) await next(link, 'spell')
  link.say({ kind: 'entries', entries: [], bodies: [], last: true })
  const batch = await next(link, 'operations')
  const operations = batch.kind === 'operations' ? batch.operations : []
  link.say({ kind: 'ack' })
  link.say({ kind: 'eose', operations: 0 })
  const again = await next(link, 'compare')
  compare(1, again.kind === 'compare' ? again.standing.clockRoot : new Uint8Array(32), leaves, 9)
  await next(link, 'entries')
  link.say({ kind: 'entries', entries: [], bodies: operations.map(({ id }) => id), last: true })
  await next(link, 'eose')
  return operations
}

describe('a member who may read one path, and lies', () => {
  test('gets every header by sync, and not one byte of a body that is not hers, whatever she asks for', async () => {
    const link = await liar.openProven(alice, space, mallory, chain)
    const operations = await askForEverything(link)
    expect(operations.map(({ id }) => toHex(id)).toSorted()).toEqual(
      space
        .log()
        .map(({ id }) => id)
        .toSorted(),
    )
    expect(operations.filter(({ body }) => body !== null).map(({ header }) => header.path)).toEqual([
      '',
      'public/a',
    ])
    expect([has(link.frames, OPEN), has(link.frames, SECRET)]).toEqual([true, false])
    expect(space.status().refused).toEqual({})
  })

  test('hears headers alone by gossip, and asks in vain for the rest of what she hears', async () => {
    const link = await liar.openProven(alice, space, mallory, chain)
    link.say({ kind: 'probe', probe: 0, ids: [] })
    await next(link, 'probed')
    const isHeard = (path: string) =>
      heard.some((data) => {
        const decoded = decodeOperation(data)
        return decoded.ok && decoded.value.header.path === path
      })
    const repeat = setInterval(() => space.put('private/c', SECRET), 50)
    await until(space, () => isHeard('private/c'), 'a header is heard')
    clearInterval(repeat)
    await askForEverything(link)
    expect(has(heard, SECRET)).toBe(false)
    expect(has(link.frames, SECRET)).toBe(false)
  })

  test('cannot use an honest node to spread a body by gossip', async () => {
    const link = await liar.openProven(alice, space, mallory, chain)
    link.say({ kind: 'probe', probe: 0, ids: [] })
    await next(link, 'probed')
    await until(space, () => pubsub().getSubscribers(topic()).length > 0, 'alice listens')
    const [entry] = space.hosted.store.heads(alice.author.publicKey)
    if (entry === undefined) throw new Error('alice has written')
    const whole = space.hosted.operation(entry.ordinal)
    await pubsub().publish(topic(), encodeOperation(whole))
    await until(space, () => space.status().refused['PROTOCOL'] === 1, 'it is refused')
    expect(alice.network?.standingOf(liar.id).points).toBeGreaterThan(9)
  })

  test('loses the link, and gossip with it, when her right is revoked, and gets no new one', async () => {
    const token = chain[1] as VerifiedDelegation
    space.hosted.publish([token], { author: alice.author, timeMs: alice.now() })
    const link = await liar.openProven(alice, space, mallory, chain)
    link.say({ kind: 'probe', probe: 0, ids: [] })
    await next(link, 'probed')
    expect(space.status().peers.find(({ peer }) => peer === liar.id)?.connected).toBe(true)
    space.revoke({ target: toHex(token.digest) })
    const rest = await link.rest()
    expect(rest.at(-1)).toMatchObject({ kind: 'bye', code: 'CAP_REVOKED' })
    expect(space.status().peers.find(({ peer }) => peer === liar.id)).toMatchObject({
      connected: false,
      lastFault: 'CAP_REVOKED',
    })
    const again = await liar.openProven(alice, space, mallory, chain)
    expect((await again.rest()).at(-1)).toMatchObject({ kind: 'bye', code: 'CAP_REVOKED' })
  })
})
