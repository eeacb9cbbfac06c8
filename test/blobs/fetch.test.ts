import { setImmediate as breathe } from 'node:timers/promises'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { describe, expect, test } from 'vitest'
import type { Asked } from '../../protocols/blobs/index.ts'
import { concatBytes, toHex } from '../../src/core/bytes.ts'
import {
  BLOB_CHUNK_BYTES,
  BLOB_LACKED_IN_A_ROW_MAX,
  BLOB_PEERS_PER_FETCH_MAX,
  BLOB_WINDOW,
} from '../../src/core/limits.ts'
import { fail, ok } from '../../src/core/result.ts'
import { publicKeyOf } from '../../src/core/signature.ts'
import type { VerifiedPiece } from '../../src/core/types/blob/piece.ts'
import type { WantedPiece } from '../../src/core/types/blob/plan.ts'
import { BlobContent } from '../../src/node/blobs/blob-content.ts'
import { BlobFetch, type FetchProgress } from '../../src/node/blobs/fetch-blob.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { createMemoryBlobStore } from '../../src/storage/memory-blob-store.ts'
import { seedNamed } from '../cast.ts'
import { blobOf } from '../storage/blob-conformance.ts'

const CHUNKS = 40
/** Chunks, the short one at the end, and the list over them. */
const PIECES = CHUNKS + 2
const { id, pieces } = blobOf(1, CHUNKS)
const byHash = new Map(pieces.map((piece) => [toHex(piece.hash), piece]))

const peerNamed = (name: string) => {
  const seed = seedNamed(`peer of ${name}`)
  return peerIdFromPrivateKey(privateKeyFromRaw(concatBytes(seed, publicKeyOf(seed))))
}
const [alice, bob, carol] = [peerNamed('alice'), peerNamed('bob'), peerNamed('carol')]

type Answering = (wanted: WantedPiece) => Asked | Promise<Asked>

const honest: Answering = ({ hash }) => ok(byHash.get(toHex(hash)) as VerifiedPiece)
const empty: Answering = () => ok(null)
const gone: Answering = () => fail('UNREACHABLE', 'it went')
const liar: Answering = () => fail('BAD_PIECE', 'other bytes')

/** A fetch into a store, from peers that answer like this; each answer takes a turn of the event loop. */
function fetchFrom(
  peers: readonly (readonly [ReturnType<typeof peerNamed>, Answering])[],
  store: BlobStore = createMemoryBlobStore(1e9),
) {
  const asked: { readonly peer: string; readonly index: number; readonly level: number }[] = []
  const flying = new Map<string, number>()
  let mostFlying = 0
  let mostPeers = 0
  const progress: FetchProgress[] = []
  const fetch = new BlobFetch({
    id,
    store,
    onProgress: (one) => progress.push(one),
    ask: async (peer, wanted) => {
      const name = peer.toString()
      asked.push({ peer: name, index: wanted.index, level: wanted.level })
      flying.set(name, (flying.get(name) ?? 0) + 1)
      mostFlying = Math.max(mostFlying, flying.get(name) ?? 0)
      mostPeers = Math.max(mostPeers, [...flying.values()].filter((count) => count > 0).length)
      await breathe()
      flying.set(name, (flying.get(name) ?? 0) - 1)
      const answer = peers.find(([one]) => one.equals(peer))?.[1] ?? empty
      return await answer(wanted)
    },
  })
  for (const [peer] of peers) fetch.join(peer)
  return { fetch, store, asked, progress, most: () => ({ flying: mostFlying, peers: mostPeers }) }
}

const contentIn = (store: BlobStore) => concatBytes(...new BlobContent(store, () => {}).chunks(id)).length

describe('a fetch', () => {
  test('from one peer brings every piece once, a window at a time, and says how far it is', async () => {
    const { fetch, store, asked, progress, most } = fetchFrom([[alice, honest]])
    expect(await fetch.run()).toEqual({ isComplete: true, fault: null })
    expect(asked).toHaveLength(PIECES)
    expect(most()).toEqual({ flying: BLOB_WINDOW, peers: 1 })
    expect(fetch.asked).toEqual([{ peer: alice.toString(), pieces: PIECES, code: null }])
    expect(progress.at(-1)).toEqual({ doneBytes: id.size, totalBytes: id.size })
    expect(store.isComplete(id)).toBe(true)
    expect(contentIn(store)).toBe(id.size)
  })

  test('from two peers takes pieces from both', async () => {
    const { fetch, asked } = fetchFrom([
      [alice, honest],
      [bob, honest],
    ])
    expect(await fetch.run()).toMatchObject({ isComplete: true })
    expect(asked).toHaveLength(PIECES)
    const gave = fetch.asked.map((one) => one.pieces)
    expect(Math.min(...gave)).toBeGreaterThan(PIECES / 4)
  })

  test('leaves a liar at the first lie, and gets from another what it was to bring', async () => {
    const { fetch, store } = fetchFrom([
      [alice, liar],
      [bob, honest],
    ])
    expect(await fetch.run()).toMatchObject({ isComplete: true })
    expect(fetch.asked).toMatchObject([
      { peer: alice.toString(), pieces: 0, code: 'BAD_PIECE' },
      { peer: bob.toString(), pieces: PIECES, code: null },
    ])
    expect(contentIn(store)).toBe(id.size)
  })

  test('whose peer vanishes in the middle keeps what came, and the next goes on from there with another', async () => {
    let given = 0
    const vanishing: Answering = (wanted) => (++given > 12 ? gone(wanted) : honest(wanted))
    const first = fetchFrom([[alice, vanishing]])
    expect(await first.fetch.run()).toEqual({ isComplete: false, fault: null })
    expect(first.fetch.asked).toEqual([{ peer: alice.toString(), pieces: 12, code: 'UNREACHABLE' }])
    expect(first.store.usage().pieces).toBe(12)
    const second = fetchFrom([[bob, honest]], first.store)
    expect(await second.fetch.run()).toMatchObject({ isComplete: true })
    expect(second.asked).toHaveLength(PIECES - 12)
  })

  test('goes on with a peer that joins while it runs', async () => {
    const { fetch, asked } = fetchFrom([
      [alice, (wanted) => (wanted.level === 0 && wanted.index > 5 ? empty(wanted) : honest(wanted))],
      [carol, empty],
    ])
    const running = fetch.run()
    fetch.join(bob)
    await running
    expect(asked.some(({ peer }) => peer === bob.toString())).toBe(true)
    expect(asked.filter(({ peer }) => peer === carol.toString()).length).toBeLessThanOrEqual(
      BLOB_LACKED_IN_A_ROW_MAX + BLOB_WINDOW,
    )
  })

  test('ends where nobody has what is missing, and says who was asked', async () => {
    const { fetch, store, asked } = fetchFrom([
      [alice, empty],
      [bob, gone],
    ])
    expect(await fetch.run()).toEqual({ isComplete: false, fault: null })
    expect(fetch.asked).toEqual([
      { peer: alice.toString(), pieces: 0, code: 'LACKS' },
      { peer: bob.toString(), pieces: 0, code: 'UNREACHABLE' },
    ])
    expect(asked).toHaveLength(2)
    expect(store.isComplete(id)).toBe(false)
  })

  test('leaves a peer that lacks as many pieces in a row as may be', async () => {
    const { fetch, asked } = fetchFrom([
      [alice, (wanted) => (wanted.level === 0 ? empty(wanted) : honest(wanted))],
    ])
    expect(await fetch.run()).toMatchObject({ isComplete: false })
    expect(fetch.asked[0]).toMatchObject({ pieces: 1, code: 'LACKS' })
    // Those on their way when the last one was counted are not one too many.
    expect(asked.length).toBeLessThanOrEqual(1 + BLOB_LACKED_IN_A_ROW_MAX + BLOB_WINDOW)
  })

  test('asks no more peers at a time than it may', async () => {
    const peers = Array.from(
      { length: BLOB_PEERS_PER_FETCH_MAX + 3 },
      (_, i) => [peerNamed(`p${i}`), honest] as const,
    )
    const { fetch, most } = fetchFrom(peers)
    expect(await fetch.run()).toMatchObject({ isComplete: true })
    expect(most().peers).toBe(BLOB_PEERS_PER_FETCH_MAX)
  })

  test('stops when nothing more may be kept, and what was kept stays', async () => {
    const { fetch, store } = fetchFrom([[alice, honest]], createMemoryBlobStore(10 * BLOB_CHUNK_BYTES))
    expect(await fetch.run()).toMatchObject({ isComplete: false, fault: { code: 'BLOB_QUOTA' } })
    expect(store.usage().pieces).toBe(10)
  })

  test('that is stopped takes nothing more', async () => {
    const { fetch, store, progress } = fetchFrom([[alice, honest]])
    const running = fetch.run()
    fetch.stop({ code: 'STOPPED', detail: 'enough' })
    expect(await running).toMatchObject({ isComplete: false, fault: { code: 'STOPPED' } })
    expect([store.usage().pieces, progress]).toEqual([0, []])
  })

  test('of a blob whose pieces are all here asks nobody', async () => {
    const store = createMemoryBlobStore(1e9)
    store.transaction('process', (writer) => pieces.map((piece) => writer.putPiece(piece)))
    const { fetch, asked } = fetchFrom([[alice, honest]], store)
    expect(await fetch.run()).toEqual({ isComplete: true, fault: null })
    expect(asked).toEqual([])
    expect(store.isComplete(id)).toBe(true)
  })
})

describe('the content of a blob', () => {
  test('that the disk has spoilt is not given out: the piece is missing from then on', () => {
    const store = createMemoryBlobStore(1e9)
    store.transaction('process', (writer) => {
      for (const piece of pieces) writer.putPiece(piece)
      writer.putComplete(id)
    })
    const spoilt = pieces[3] as VerifiedPiece
    ;(store.bytes(spoilt.hash) as Uint8Array)[5] = 255
    const damaged: string[] = []
    const content = new BlobContent(store, (one) => damaged.push(toHex(one.hash)))
    expect(content.piece(id, 0, 2)).not.toBeNull()
    expect(content.piece(id, 0, 3)).toBeNull()
    expect(damaged).toEqual([toHex(id.hash)])
    expect([store.has(spoilt.hash), store.isComplete(id)]).toEqual([false, false])
    expect(() => [...content.chunks(id)]).toThrow('not all of the blob')
    spoilt.bytes[5] = 4
    expect(content.piece(id, 0, 0)).not.toBeNull()
    expect(content.piece(id, 9, 0)).toBeNull()
  })
})
