import type { Stream } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  encodePieceAnswer,
  encodePieceRequest,
  decodePieceAnswer,
  decodePieceRequest,
} from '../../protocols/blobs/codec.ts'
import { createFrameStream, type FrameStream } from '../../protocols/blobs/frame-stream.ts'
import { BLOBS_PROTOCOL } from '../../protocols/blobs/index.ts'
import { BLOB_ANSWER_BYTES_MAX, BLOB_CHUNK_BYTES, BLOB_REQUEST_BYTES_MAX } from '../../src/core/limits.ts'
import { multiaddr } from '@multiformats/multiaddr'
import type { BlobId } from '../../src/core/types/blob/piece.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { pathPolicy } from '../../src/core/ucan/policy.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { Space } from '../../src/node/space/space.ts'
import { delegate, mallory, seedNamed, signerNamed } from '../cast.ts'
import { createFederation, until, WAIT_MS } from '../node/federation.ts'
import { type RawPeer, startRawPeer } from '../sync/raw-peer.ts'

const federation = createFederation()
const spaceSigner = signerNamed('the space of attachments')
let alice: HanseNode
let hers: Space
let liar: RawPeer
const within = () => ({ signal: AbortSignal.timeout(WAIT_MS), silenceMs: WAIT_MS })

async function begin(openReading: boolean): Promise<void> {
  alice = await federation.start('alice')
  hers = alice.createSpace({
    name: 'the square',
    openReading,
    spaceSeed: seedNamed('the space of attachments'),
  })
}

beforeEach(async () => {
  liar = await startRawPeer('mallory')
})
afterEach(async () => {
  await liar.stop()
  await federation.stopAll()
})

/** The chain with which mallory reads at and below a path, or everything. */
function chainOf(path?: string): readonly VerifiedDelegation[] {
  const [owner] = [...hers.hosted.store.tokens()]
  if (owner === undefined) throw new Error('no owner token')
  const policy = path === undefined ? [] : pathPolicy(path)
  const subject = spaceSigner.publicKey
  return [owner.delegation, delegate(alice.author, mallory, { command: '/op', policy, subject })]
}

/** Content of some chunks that differ. */
function contentOf(chunks: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(chunks * BLOB_CHUNK_BYTES + seed)
  for (let i = 0; i < bytes.length; i += 512)
    bytes[i] = (seed + i / 512 + Math.floor(i / BLOB_CHUNK_BYTES)) % 256
  return bytes
}

/** Mallory asks alice for a piece, as she likes. */
async function askAlice(id: BlobId, { level = 0, index = 0, topic = hers.hosted.topic } = {}) {
  const [address] = alice.addresses
  const signal = AbortSignal.timeout(WAIT_MS)
  const connection = await liar.libp2p.dial(multiaddr(address), { signal })
  const stream = await connection.newStream(BLOBS_PROTOCOL, { signal })
  const frames = createFrameStream(stream, BLOB_ANSWER_BYTES_MAX, () => {})
  await frames.write(encodePieceRequest({ topic, ...id, level, index }))
  for await (const frame of frames.frames()) {
    const answer = frame.ok ? decodePieceAnswer(frame.value) : frame
    stream.abort(new Error('enough'))
    if (!answer.ok) throw new Error(answer.fault.detail)
    return answer.value
  }
  throw new Error('no answer')
}

describe('who asks for what it may not read', () => {
  test('gets the same answer as for what is not there; and the bytes of what it may read', async () => {
    await begin(false)
    const open = (await hers.blobs.put('public/a', [contentOf(0, 5)])).reference
    const secret = (await hers.blobs.put('private/a', [contentOf(0, 6)])).reference
    const large = (await hers.blobs.put('private/b', [contentOf(2, 7)])).reference
    const { hash, size } = open
    // Nothing is proved yet: also what everybody may read is not there.
    expect(await askAlice({ hash, size })).toBeNull()
    const link = await liar.openProven(alice, hers, mallory, chainOf('public'))
    await until(hers, () => hers.peers.all().some((peer) => peer.isProven), 'mallory is proven')
    expect(await askAlice({ hash, size })).toEqual(contentOf(0, 5))
    expect(await askAlice({ hash: secret.hash, size: secret.size })).toBeNull()
    expect(await askAlice({ hash: large.hash, size: large.size }, { level: 1 })).toBeNull()
    expect(await askAlice({ hash, size: size + 1 })).toBeNull()
    expect(await askAlice({ hash: new Uint8Array(32), size })).toBeNull()
    expect(await askAlice({ hash, size }, { topic: new Uint8Array(32) })).toBeNull()

    // The same content at a path that she may read, and not any more when it has gone from there.
    const edit = { kind: 'attach', path: 'public/copy', reference: secret } as const
    hers.write([edit])
    expect(await askAlice({ hash: secret.hash, size: secret.size })).toEqual(contentOf(0, 6))
    hers.delete('public/copy')
    expect(await askAlice({ hash: secret.hash, size: secret.size })).toBeNull()

    link.stream.abort(new Error('gone'))
    // The connection lasts, and mallory stays known as one who shares the space: what a link has proved ends with it.
    await expect.poll(() => askAlice({ hash, size }), { timeout: WAIT_MS }).toBeNull()
  })

  test('gets nothing any more as soon as its right is revoked', async () => {
    await begin(false)
    const { hash, size } = (await hers.blobs.put('public/a', [contentOf(0, 5)])).reference
    const chain = chainOf('public')
    hers.hosted.publish(chain.slice(1), { author: alice.author, timeMs: alice.now() })
    await liar.openProven(alice, hers, mallory, chain)
    await until(hers, () => hers.peers.all().some((peer) => peer.isProven), 'mallory is proven')
    expect(await askAlice({ hash, size })).not.toBeNull()
    const [, token] = chain
    hers.revoke({ target: Buffer.from(token?.digest ?? []).toString('hex') })
    expect(await askAlice({ hash, size })).toBeNull()
  })
})

describe('a member that is asked', () => {
  /** Bob's node with alice's large blob referred to, and mallory a proven member that answers like this. */
  async function meet(answer: (frames: FrameStream, stream: Stream, asked: number) => Promise<void>) {
    await begin(true)
    const content = contentOf(9, 3)
    await hers.blobs.put('docs/large', [content])
    const bob = await federation.start('bob')
    const his = bob.join(hers.invite({ role: 'writer' }))
    await until(his, () => his.get('docs/large') !== undefined, 'the item')
    let asked = 0
    await liar.libp2p.handle(BLOBS_PROTOCOL, async (stream) => {
      const frames = createFrameStream(stream, BLOB_REQUEST_BYTES_MAX, () => {})
      try {
        for await (const frame of frames.frames()) {
          if (frame.ok && decodePieceRequest(frame.value).ok) await answer(frames, stream, ++asked)
        }
      } catch {
        // Bob has ended the stream.
      }
    })
    await liar.openProven(bob, his, mallory, chainOf())
    await until(his, () => his.peers.all().filter((peer) => peer.isProven).length === 2, 'both are proven')
    return { bob, his, content, asked: () => asked }
  }

  test('and sends other bytes is blamed at the first lie, and the content comes whole from another', async () => {
    const { bob, his, content, asked } = await meet(async (frames) => {
      await frames.write(encodePieceAnswer(new Uint8Array(10 * 32)))
    })
    await his.blobs.fetch('docs/large', within())
    expect(Buffer.compare(Buffer.concat([...his.blobs.read('docs/large')]), content)).toBe(0)
    expect(asked()).toBeGreaterThan(0)
    expect(bob.network?.standingOf(liar.id)).toMatchObject({
      points: expect.closeTo(25, 0) as number,
      evidence: [{ code: 'BAD_PIECE', count: 1 }],
    })
    expect(bob.network?.standingOf(alice.peerId).evidence).toEqual([])
  })

  test('and withholds everything is not blamed, and the content comes from another', async () => {
    const { bob, his, content } = await meet(async (frames) => await frames.write(encodePieceAnswer(null)))
    await his.blobs.fetch('docs/large', within())
    expect(Buffer.compare(Buffer.concat([...his.blobs.read('docs/large')]), content)).toBe(0)
    expect(bob.network?.standingOf(liar.id)).toMatchObject({ points: 0, evidence: [] })
  })

  test('and ends its streams again and again is not blamed, and the content comes from another', async () => {
    const { bob, his, content } = await meet(async (_frames, stream) => stream.abort(new Error('gone')))
    await his.blobs.fetch('docs/large', within())
    expect(Buffer.compare(Buffer.concat([...his.blobs.read('docs/large')]), content)).toBe(0)
    expect(bob.network?.standingOf(liar.id).evidence).toEqual([])
  })
})
