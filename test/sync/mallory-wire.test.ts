import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WireMessage } from '../../protocols/sync/message-codec.ts'
import { toHex } from '../../src/core/bytes.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { signOperation, type VerifiedOperation } from '../../src/core/operation/operation.ts'
import { handshakeBytes } from '../../src/core/sync/handshake.ts'
import { issueDelegation, type VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { mallory, seedNamed, signerNamed } from '../cast.ts'
import { createFederation, until } from '../node/federation.ts'
import { frameOf, helloOf, lengthOf, peersOf, type RawLink, type RawPeer, startRawPeer } from './raw-peer.ts'

const federation = createFederation()
let alice: HanseNode
let space: Space
let liar: RawPeer
/** The chain with which mallory may read: she is a member, and lies. */
let readChain: readonly VerifiedDelegation[]

const spaceSigner = signerNamed('the space of the wire tests')

beforeEach(async () => {
  alice = await federation.start('alice')
  space = alice.createSpace({ name: 'the square', spaceSeed: seedNamed('the space of the wire tests') })
  space.put('secret', 'what only members may read')
  liar = await startRawPeer('mallory')
  const [owner] = [...space.hosted.store.tokens()]
  if (owner === undefined) throw new Error('no owner token')
  readChain = [owner.delegation, tokenFor(mallory.publicKey)]
})

afterEach(async () => {
  await liar.stop()
  await federation.stopAll()
})

function tokenFor(
  audience: Uint8Array,
  command = '/op',
  subject = spaceSigner.publicKey,
): VerifiedDelegation {
  const issued = issueDelegation({
    signer: alice.author,
    audience,
    subject,
    command,
    policy: [],
    nonce: new Uint8Array(12),
    expiresSeconds: null,
  })
  if (!issued.ok) throw new Error(issued.fault.detail)
  return issued.value
}

const kinds = (messages: readonly WireMessage[]) =>
  messages.map((message) => (message.kind === 'bye' ? `bye ${message.code}` : message.kind))
const refused = () => space.status().refused

/** Sends what is given once the handshake is through and waits for the node to end the link. */
async function afterHandshake(act: (link: RawLink) => void): Promise<readonly string[]> {
  const link = await liar.openProven(alice, space, mallory, readChain)
  act(link)
  return kinds(await link.rest())
}

describe('a peer without capability', () => {
  test('that knows only the topic gets a bye, as for a space that is not there', async () => {
    const link = await liar.open(alice)
    const nonce = new Uint8Array(32)
    link.say({ kind: 'hello', topic: space.hosted.topic, nonce, knowledge: new Uint8Array(32) })
    expect(kinds(await link.rest())).toEqual(['bye UNKNOWN_SPACE'])
    const other = await liar.open(alice)
    other.say({ kind: 'hello', topic: new Uint8Array(32), nonce, knowledge: new Uint8Array(32) })
    expect(kinds(await other.rest())).toEqual(['bye UNKNOWN_SPACE'])
    expect(other.bytesReceived).toBe(link.bytesReceived)
  })

  test('cannot use a hello it has heard on another peer’s connection', async () => {
    const eavesdropped = helloOf(
      space,
      { ...peersOf(liar.libp2p, alice), signerPeer: new Uint8Array(36) },
      new Uint8Array(32),
    )
    const link = await liar.open(alice)
    link.say(eavesdropped)
    expect(kinds(await link.rest())).toEqual(['bye UNKNOWN_SPACE'])
  })

  test('that knows the id learns the node’s own read chain, and nothing of what the space holds', async () => {
    const link = await liar.open(alice)
    link.say(helloOf(space, peersOf(liar.libp2p, alice), new Uint8Array(32)))
    link.say({ kind: 'proof', proof: { tokens: [], signature: new Uint8Array(64) } })
    expect(kinds(await link.rest())).toEqual(['hello', 'proof', 'bye CAP_FORM'])
    expect(link.bytesReceived).toBeLessThan(700)
  })

  test('is told which part of its proof is missing, and the node counts it', async () => {
    const stranger = signerNamed('stranger')
    const weak = tokenFor(stranger.publicKey, '/op/write')
    const foreign = tokenFor(stranger.publicKey, '/op', mallory.publicKey)
    const [owner] = readChain as [VerifiedDelegation]
    const forged = new Uint8Array(weak.bytes)
    forged[12] = (forged[12] as number) ^ 1
    const proofs: readonly (readonly [string, readonly VerifiedDelegation[]])[] = [
      ['CAP_COMMAND', [owner, weak]],
      ['CAP_SUBJECT', [owner, foreign]],
      ['CAP_CHAIN', [weak]],
      ['CAP_SIGNATURE', [owner, { ...weak, bytes: forged }]],
      ['CAP_FORM', [owner, { ...weak, bytes: weak.bytes.slice(1) }]],
    ]
    for (const [code, tokens] of proofs) {
      const link = await liar.openProven(alice, space, stranger, tokens)
      expect(kinds(await link.rest())).toEqual([`bye ${code}`])
      expect(refused()[code]).toBe(1)
    }
    expect(space.status().peers.find(({ peer }) => peer === liar.id)).toMatchObject({
      connected: false,
      inSync: false,
    })
  })

  test('cannot show somebody else’s chain, whose key it does not have', async () => {
    const link = await liar.openProven(alice, space, signerNamed('not mallory'), readChain)
    expect(kinds(await link.rest())).toEqual(['bye BAD_SIGNATURE'])
  })

  test('cannot replay a proof on another connection', async () => {
    const first = await liar.open(alice)
    const peers = peersOf(liar.libp2p, alice)
    const ownNonce = new Uint8Array(32).fill(7)
    first.say(helloOf(space, peers, ownNonce))
    const hello = await first.next()
    if (hello?.kind !== 'hello') throw new Error('no hello')
    await first.next()
    const signature = mallory.sign(
      handshakeBytes({ spaceId: space.hosted.id, ...peers, signerNonce: ownNonce, otherNonce: hello.nonce }),
    )
    const proof: WireMessage = {
      kind: 'proof',
      proof: { tokens: readChain.map(({ bytes }) => bytes), signature },
    }
    const second = await liar.open(alice)
    second.say(helloOf(space, peers, ownNonce))
    second.say(proof)
    expect(kinds(await second.rest())).toEqual(['hello', 'proof', 'bye BAD_SIGNATURE'])
    // Canary: where it belongs, the same proof holds.
    first.say(proof)
    first.say({ kind: 'probe', probe: 1, ids: [space.hosted.id] })
    expect(await first.next()).toMatchObject({ kind: 'probed', known: 1 })
  })

  test('cannot use the proof that another peer signed', async () => {
    const link = await liar.open(alice)
    const peers = peersOf(liar.libp2p, alice)
    const nonce = new Uint8Array(32)
    link.say(helloOf(space, peers, nonce))
    const hello = await link.next()
    if (hello?.kind !== 'hello') throw new Error('no hello')
    const elsewhere = handshakeBytes({
      spaceId: space.hosted.id,
      signerPeer: new Uint8Array(38),
      otherPeer: peers.otherPeer,
      signerNonce: nonce,
      otherNonce: hello.nonce,
    })
    link.say({
      kind: 'proof',
      proof: { tokens: readChain.map(({ bytes }) => bytes), signature: mallory.sign(elsewhere) },
    })
    expect(kinds(await link.rest())).toEqual(['proof', 'bye BAD_SIGNATURE'])
  })

  test('is answered nothing of a session before its proof', async () => {
    const link = await liar.open(alice)
    link.say(helloOf(space, peersOf(liar.libp2p, alice), new Uint8Array(32)))
    link.say({ kind: 'probe', probe: 0, ids: [space.hosted.id] })
    expect(kinds(await link.rest())).toEqual(['hello', 'proof', 'bye BAD_FIELD'])
  })
})

describe('mallory, who may read,', () => {
  test('is heard as long as she keeps to the protocol', async () => {
    const link = await liar.openProven(alice, space, mallory, readChain)
    link.say({ kind: 'probe', probe: 3, ids: [space.hosted.id, new Uint8Array(32)] })
    expect(await link.next()).toEqual({ kind: 'probed', probe: 3, known: 1 })
    expect(space.status().peers.find(({ peer }) => peer === liar.id)?.connected).toBe(true)
  })

  test('is dropped for garbage, and counted', async () => {
    expect(await afterHandshake((link) => link.sayBytes(frameOf(new Uint8Array(300).fill(0xee))))).toEqual([
      'bye NON_CANONICAL',
    ])
    expect(refused()).toEqual({ NON_CANONICAL: 1 })
    await until(
      space,
      () => space.status().peers.find(({ peer }) => peer === liar.id)?.lastFault === 'NON_CANONICAL',
      'the fault is shown',
    )
    expect(space.status().peers.find(({ peer }) => peer === liar.id)).toMatchObject({
      connected: false,
      refused: { NON_CANONICAL: 1 },
    })
  })

  test('is dropped for announcing a frame one byte too long, before it is received', async () => {
    expect(await afterHandshake((link) => link.sayBytes(lengthOf(FRAME_BYTES_MAX + 1)))).toEqual([
      'bye FRAME_TOO_LARGE',
    ])
    expect(refused()).toEqual({ FRAME_TOO_LARGE: 1 })
  })

  test('is dropped for announcing a frame of any absurd length', async () => {
    expect(await afterHandshake((link) => link.sayBytes(lengthOf(2 ** 52)))).toEqual(['bye FRAME_TOO_LARGE'])
    expect(await afterHandshake((link) => link.sayBytes(new Uint8Array(12).fill(0xff)))).toEqual([
      'bye FRAME_TOO_LARGE',
    ])
  })

  test('is dropped for a small frame that unpacks to a large one', async () => {
    const bomb = frameOf(new Uint8Array(64 * 1024 * 1024), 'zstd')
    expect(bomb.length).toBeLessThan(10_000)
    expect(await afterHandshake((link) => link.sayBytes(bomb))).toEqual(['bye FRAME_TOO_LARGE'])
    expect(refused()).toEqual({ FRAME_TOO_LARGE: 1 })
  })

  test('is dropped for a frame that asks for a large window, or is packed in a way nobody knows', async () => {
    // zstd magic, a frame header with window descriptor 27 + 10 bits (128 MiB and more), one empty last raw block.
    const window = Uint8Array.of(1, 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00)
    expect(
      await afterHandshake((link) => link.sayBytes(Uint8Array.of(...lengthOf(window.length), ...window))),
    ).toEqual(['bye NON_CANONICAL'])
    expect(await afterHandshake((link) => link.sayBytes(Uint8Array.of(2, 9, 9)))).toEqual([
      'bye NON_CANONICAL',
    ])
    expect(await afterHandshake((link) => link.sayBytes(Uint8Array.of(0)))).toEqual(['bye NON_CANONICAL'])
  })

  test('is dropped for a message out of turn', async () => {
    expect(await afterHandshake((link) => link.say({ kind: 'ack' }))).toEqual(['bye PROTOCOL'])
    expect(
      await afterHandshake((link) =>
        link.say({
          kind: 'hello',
          topic: space.hosted.topic,
          nonce: new Uint8Array(32),
          knowledge: new Uint8Array(32),
        }),
      ),
    ).toEqual(['bye PROTOCOL'])
    expect(refused()).toEqual({ PROTOCOL: 2 })
  })

  test('does no harm with operations that are refused: they are counted by code, and honest ones of the batch are admitted', async () => {
    const genesis = space.hosted.store.at(0)
    const [owner] = readChain as [VerifiedDelegation]
    const made = (change: object, signer = alice.author): VerifiedOperation => {
      const [head] = space.hosted.store.heads(alice.author.publicKey)
      if (head === undefined) throw new Error('alice has no head')
      const header = {
        space: space.hosted.id,
        author: signer.publicKey,
        seq: 0,
        prev: null,
        deps: [head.id],
        lamport: head.lamport + 1,
        time: head.time,
        epoch: 0,
        caps: readChain.map(({ digest }) => digest),
        command: '/op/write',
        path: '',
        ...change,
      }
      return signOperation(header, [setRegister('x', 1)], signer.sign)
    }
    const [head] = space.hosted.store.heads(alice.author.publicKey)
    if (head === undefined) throw new Error('alice has no head')
    const honest = made({ seq: head.seq + 1, prev: head.id, deps: [], caps: [owner.digest] })
    const noCapability = made({}, mallory)
    const lamport = made({ lamport: 99 }, mallory)
    const forged = { ...made({ path: 'y' }, mallory), signature: new Uint8Array(64) }
    const before = space.status().operations
    const link = await liar.openProven(alice, space, mallory, readChain)
    link.say({
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
    })
    // Nothing differs of the handful of authors that are listed.
    link.say({ kind: 'nodes', differing: Uint8Array.of(0), listing: new Uint8Array() })
    link.say({ kind: 'entries', entries: [], bodies: [], last: true })
    link.say({ kind: 'operations', operations: [forged, noCapability, honest, lamport], faults: [] })
    for (let message = await link.next(); message?.kind !== 'ack'; message = await link.next()) {
      if (message === null) throw new Error('the node ended the link')
    }
    expect(refused()).toEqual({ BAD_SIGNATURE: 1, CAP_MISSING: 1, LAMPORT: 1 })
    expect(space.status().operations).toBe(before + 1)
    expect(space.status().peers.find(({ peer }) => peer === liar.id)?.refused).toEqual({
      BAD_SIGNATURE: 1,
      CAP_MISSING: 1,
      LAMPORT: 1,
    })
    expect(toHex(genesis.id)).toBe(space.id)
  })

  test('is banned in the end: her connection is closed and her next one too', async () => {
    for (let i = 0; i < 20 && alice.network?.standingOf(liar.id).bannedUntilMs === null; i++) {
      await afterHandshake((link) => link.sayBytes(frameOf(Uint8Array.of(0xff))))
    }
    expect(alice.network?.standingOf(liar.id).bannedUntilMs).toBeGreaterThan(Date.now())
    await until(
      space,
      () => alice.network?.connectedPeers().every(({ peer }) => peer !== liar.id) === true,
      'the connection is closed',
    )
  })
})
