import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import {
  BLOB_CHUNK_BYTES,
  BLOB_FETCHES_MAX,
  BLOB_PATHS_ASKED_MAX,
  BLOB_RETRY_LONGEST_MS,
  BLOB_RETRY_MS,
  BLOB_SCAN_CELLS_MAX,
  BLOB_WANTS_PER_SPACE_MAX,
} from '../../src/core/limits.ts'
import { ok } from '../../src/core/result.ts'
import { deleteBlob, setBlob } from '../../src/core/types/blob/change.ts'
import type { BlobId } from '../../src/core/types/blob/piece.ts'
import { BlobIndex } from '../../src/node/blobs/blob-index.ts'
import { servePiece } from '../../src/node/blobs/blob-serving.ts'
import { NodeBlobs } from '../../src/node/blobs/node-blobs.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createMemoryBlobStore } from '../../src/storage/memory-blob-store.ts'
import { bob as bobKey, createHome, forge, type Home } from '../cast.ts'
import { createFederation, until, WAIT_MS } from '../node/federation.ts'
import { blobOf } from '../storage/blob-conformance.ts'

const federation = createFederation()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-blobs-'))
})
afterEach(async () => {
  vi.useRealTimers()
  await federation.stopAll()
  rmSync(folder, { recursive: true, force: true })
})

const within = () => ({ signal: AbortSignal.timeout(WAIT_MS), silenceMs: WAIT_MS })

function contentOf(chunks: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(chunks * BLOB_CHUNK_BYTES + seed)
  for (let i = 0; i < bytes.length; i += 512)
    bytes[i] = (seed + i / 512 + Math.floor(i / BLOB_CHUNK_BYTES)) % 256
  return bytes
}

async function pair(
  bobs: NodeOptions = {},
): Promise<{ alice: HanseNode; bob: HanseNode; hers: Space; his: Space }> {
  const alice = await federation.start('alice')
  const hers = alice.createSpace({ name: 'the square' })
  const bob = await federation.start('bob', bobs)
  const his = bob.join(hers.invite({ role: 'writer' }))
  await until(his, () => his.name !== '', 'bob has the space')
  return { alice, bob, hers, his }
}

describe('the want-list', () => {
  test('brings by itself exactly what is as small as configured', async () => {
    const { hers, his } = await pair({ blobFetchKib: 256 })
    const arrived = once(his.blobs, 'arrived')
    await hers.blobs.put('docs/one-more', [new Uint8Array(256 * 1024 + 1)])
    await hers.blobs.put('docs/just', [new Uint8Array(256 * 1024)])
    await arrived
    expect(his.blobs.get('docs/just')?.complete).toBe(true)
    expect(his.blobs.get('docs/one-more')).toMatchObject({ complete: false, wanted: false })
    expect(his.status().blobs).toMatchObject({ referenced: 2, missing: 1, wanted: 0 })
  })

  test('goes on after a restart in the middle of a fetch, and asks only for what is missing', async () => {
    const data = join(folder, 'bob')
    const { hers, his, bob } = await pair({ dataDirectory: data })
    await hers.blobs.put('docs/large', [contentOf(120)])
    await until(his, () => his.get('docs/large') !== undefined, 'the item')
    let seen = 0
    const half = Promise.withResolvers<void>()
    his.blobs.addEventListener('progress', ({ detail }) => {
      seen = detail.doneBytes
      if (detail.doneBytes > 20 * BLOB_CHUNK_BYTES) half.resolve()
    })
    const broken = his.blobs.fetch('docs/large', within()).catch(() => 'broken off')
    await half.promise
    await bob.stop()
    expect(await broken).toBe('broken off')
    expect(seen).toBeLessThan(120 * BLOB_CHUNK_BYTES)

    const again = await federation.start('bob', { dataDirectory: data })
    const [space] = again.spaces() as [Space]
    expect(space.status().blobs).toMatchObject({
      missing: 1,
      wanted: 1,
      wantedBytes: 120 * BLOB_CHUNK_BYTES + 1,
    })
    const [{ detail }] = (await once(space.blobs, 'arrived')) as [
      CustomEvent<{ asked: readonly { pieces: number }[] }>,
    ]
    const brought = detail.asked.reduce((sum, { pieces }) => sum + pieces, 0)
    // Two of the smallest pieces aside, each chunk was brought once, by the one fetch or the other.
    expect(brought).toBeLessThan(122 - 20)
    expect(brought).toBeGreaterThan(0)
    expect(Buffer.compare(Buffer.concat([...space.blobs.read('docs/large')]), contentOf(120))).toBe(0)
    expect(space.status().blobs).toMatchObject({ missing: 0, wanted: 0 })
  })

  test('keeps what nobody had, and brings it when a peer comes that has it', async () => {
    const { alice, bob, hers, his } = await pair()
    const carol = await federation.start('carol')
    const theirs = carol.join(hers.invite({ role: 'writer' }))
    await until(hers, () => hers.hosted.store.heads(carol.author.publicKey).length === 1, 'carol may write')
    await theirs.blobs.put('docs/rare', [contentOf(6)])
    await until(his, () => his.get('docs/rare') !== undefined, 'the item')
    await carol.stop()
    await until(his, () => his.peers.all().filter((peer) => peer.isProven).length === 1, 'carol has gone')
    const failed = his.blobs.fetch('docs/rare', { ...within(), silenceMs: 1_500 })
    await expect(failed).rejects.toMatchObject({ code: 'BLOB_MISSING' })
    await expect(failed).rejects.toThrow(`${alice.peerId} does not have it`)
    expect(his.blobs.wants()).toMatchObject([{ paths: ['docs/rare'], asked: true }])
    // Dave has the same content from elsewhere.
    const dave = await federation.start('dave')
    const daves = dave.join(hers.invite({ role: 'writer' }))
    await until(hers, () => hers.hosted.store.heads(dave.author.publicKey).length === 1, 'dave may write')
    await daves.blobs.put('docs/the-same', [contentOf(6)])
    const arrived = once(his.blobs, 'arrived')
    bob.network?.meet([multiaddr(dave.addresses[0])], [])
    await arrived
    expect(his.status().blobs).toMatchObject({ missing: 0, wanted: 0 })
    expect(Buffer.compare(Buffer.concat([...his.blobs.read('docs/rare')]), contentOf(6))).toBe(0)
  })

  test('forgets what is not referred to any more, and what is dropped', async () => {
    const { alice, hers, his } = await pair()
    await hers.blobs.put('docs/a', [contentOf(6, 1)])
    await hers.blobs.put('docs/b', [contentOf(6, 100)])
    await until(his, () => his.get('docs/b') !== undefined, 'the items')
    await alice.stop()
    for (const path of ['docs/a', 'docs/b'])
      await expect(his.blobs.fetch(path, { ...within(), silenceMs: 100 })).rejects.toThrow('want-list')
    expect(his.blobs.wants()).toHaveLength(2)
    expect([his.blobs.unwant('docs/a'), his.blobs.unwant('docs/a')]).toEqual([true, false])
    his.delete('docs/b')
    expect(his.blobs.wants()).toEqual([])
    expect(his.status().blobs).toMatchObject({ referenced: 1, missing: 1, wanted: 0 })
  })

  test('has as many blobs of a space as may be, and counts the others as missing', async () => {
    const home = await createHome()
    const { store, blobs, index } = aloneWith(home)
    await index.ready
    const id = (n: number): BlobId => ({ hash: sha256(Uint8Array.of(n % 256, n >>> 8)), size: n })
    store.transaction('process', (writer) => {
      for (let n = 0; n < BLOB_WANTS_PER_SPACE_MAX - 1; n++)
        writer.putWant({ space: home.hosted.id, id: id(n), sinceMs: 1, isAsked: false })
    })
    const fresh = [id(70_000), id(70_001)] as const
    const body = [setBlob('a', fresh[0]), setBlob('b', fresh[1])]
    await home.hosted.replica.receive([forge({ author: bobKey, body })], 'a peer')
    expect(fresh.map((one) => store.want(home.hosted.id, one) !== undefined)).toEqual([true, false])
    expect(store.counts(home.hosted.id)).toMatchObject({ referenced: 2, complete: 0 })
    blobs.close()
  })

  test('is filled with what the disk has spoilt, whatever its size', async () => {
    const { alice, hers } = await pair()
    const { reference } = await hers.blobs.put('docs/large', [contentOf(8)])
    const { store } = alice.blobs
    const spoilt = store.bytes(reference.hash) as Uint8Array
    spoilt[3] = (spoilt[3] as number) ^ 1
    expect(() => [...hers.blobs.read('docs/large')]).toThrow('damaged on this disk')
    expect(hers.blobs.get('docs/large')).toMatchObject({ complete: false, wanted: true })
    expect(hers.status().blobs).toMatchObject({ missing: 1, wanted: 1 })
  })

  test('stops where nothing more may be kept, and says so', async () => {
    const { hers, his } = await pair({ blobQuotaMib: 1 })
    await hers.blobs.put('docs/large', [contentOf(8)])
    await until(his, () => his.get('docs/large') !== undefined, 'the item')
    await expect(his.blobs.fetch('docs/large', within())).rejects.toMatchObject({ code: 'BLOB_QUOTA' })
    await expect(his.blobs.put('docs/mine', [contentOf(2, 100)])).rejects.toMatchObject({
      code: 'BLOB_QUOTA',
    })
    expect(his.get('docs/mine')).toBeUndefined()
  })
})

describe('the worker', () => {
  const peer = { toString: () => 'a peer' } as PeerId
  const wantsOf = (count: number): readonly BlobId[] =>
    Array.from({ length: count }, (_, n) => ({ hash: sha256(Uint8Array.of(n)), size: 10 + n }))

  test('fetches no more blobs at a time than it may', async () => {
    const home = await createHome()
    const { blobs, index } = aloneWith(home)
    await index.ready
    const asked = new Set<number>()
    blobs.connect({
      provenPeers: () => [peer],
      mayRead: () => false,
      ask: async (_peer, { size }) => {
        asked.add(size)
        return await new Promise<never>(() => {})
      },
      blame: () => {},
    })
    const body = wantsOf(BLOB_FETCHES_MAX + 3).map((id, n) => setBlob(`p${n}`, id))
    await home.hosted.replica.receive([forge({ author: bobKey, body })], 'a peer')
    await breathe()
    await breathe()
    expect([...asked]).toEqual(Array.from({ length: BLOB_FETCHES_MAX }, (_, n) => 10 + n))
    // Somebody who asks does not wait for a turn.
    const [last] = wantsOf(BLOB_FETCHES_MAX + 3).slice(-1) as [BlobId]
    void blobs.fetch(home.hosted.id, last, () => {}, AbortSignal.timeout(WAIT_MS)).catch(() => {})
    await breathe()
    await breathe()
    expect(asked.has(last.size)).toBe(true)
    blobs.close()
  })

  test('tries again what nobody had after ever longer pauses, and at once when a peer comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const home = await createHome()
    const { blobs, index } = aloneWith(home)
    await index.ready
    let asked = 0
    blobs.connect({
      provenPeers: () => [peer],
      mayRead: () => false,
      ask: async () => {
        asked++
        return ok(null)
      },
      blame: () => {},
    })
    const settle = async () => {
      for (let turn = 0; turn < 20; turn++) await breathe()
    }
    const [id] = wantsOf(1) as [BlobId]
    await settle()
    await home.hosted.replica.receive([forge({ author: bobKey, body: [setBlob('p', id)] })], 'a peer')
    await settle()
    const counts = [asked]
    for (const pauseMs of [BLOB_RETRY_MS, 2 * BLOB_RETRY_MS, 4 * BLOB_RETRY_MS]) {
      vi.advanceTimersByTime(pauseMs - 1)
      await settle()
      counts.push(asked)
      vi.advanceTimersByTime(1)
      await settle()
      counts.push(asked)
    }
    expect(counts).toEqual([1, 1, 2, 2, 3, 3, 4])
    blobs.onPeer(peer, home.hosted.id)
    await settle()
    expect(asked).toBe(5)
    // Sooner or later every pause is as long as the longest.
    for (let round = 0; round < 12; round++) {
      vi.advanceTimersByTime(BLOB_RETRY_LONGEST_MS)
      await settle()
    }
    const before = asked
    vi.advanceTimersByTime(BLOB_RETRY_LONGEST_MS)
    await settle()
    expect(asked).toBe(before + 1)
    blobs.close()
  })
})

describe('what may not be written', () => {
  test('is refused before anything is stored', async () => {
    const { alice, hers } = await pair()
    const carol = await federation.start('carol')
    const theirs = carol.join(hers.invite({ role: 'writer', path: 'notes' }))
    await until(hers, () => hers.hosted.store.heads(carol.author.publicKey).length === 1, 'carol may write')
    let read = 0
    function* content() {
      read++
      yield contentOf(1)
    }
    await expect(theirs.blobs.put('elsewhere/a', content())).rejects.toMatchObject({ code: 'CAP_POLICY' })
    await expect(theirs.blobs.put('notes//a', content())).rejects.toMatchObject({ code: 'BAD_PATH' })
    await expect(theirs.blobs.put('notes/a', content(), { mediaType: 'x' })).rejects.toMatchObject({
      code: 'BAD_VALUE',
    })
    expect([read, carol.blobs.store.usage().pieces]).toEqual([0, 0])
    expect(alice.blobs.store.usage().pieces).toBe(0)
  })
})

describe('pruning', () => {
  test('waits for nobody, and is refused while content is being put', async () => {
    const { alice, hers } = await pair()
    await hers.blobs.put('docs/kept', [contentOf(2, 1)])
    await hers.blobs.put('docs/gone', [contentOf(3, 50)])
    hers.delete('docs/gone')
    const gate = Promise.withResolvers<void>()
    async function* slow() {
      yield contentOf(1, 100)
      await gate.promise
      yield contentOf(1, 150)
    }
    const putting = hers.blobs.put('docs/slow', slow())
    await expect(alice.blobs.prune(() => {})).rejects.toMatchObject({ code: 'BUSY' })
    gate.resolve()
    await putting
    // Three chunks, what is left of them, and their list.
    expect((await alice.blobs.prune(() => {})).pieces).toBe(5)
    for (const path of ['docs/kept', 'docs/slow'])
      expect([...hers.blobs.read(path)].length).toBeGreaterThan(0)
    expect(hers.status().blobs).toMatchObject({ referenced: 2, complete: 2 })
  })
})

describe('what a space refers to', () => {
  test('is collected again where the mark is not of the state that is there', async () => {
    const home = await createHome()
    const { store, blobs } = aloneWith(home)
    const { id } = blobOf(1, 1)
    const first = forge({ author: bobKey, body: [setBlob('a', id), setBlob('b', id)] })
    await home.hosted.replica.receive([first], 'a peer')
    const many = Array.from({ length: BLOB_SCAN_CELLS_MAX + 5 }, (_, n) => setBlob(`z/${n}`, id))
    const paths = () => store.references(home.hosted.id, { prefix: '', limit: 9 }).map(({ path }) => path)
    expect(paths()).toEqual(['a', 'b'])
    blobs.remove(home.hosted)
    const mark = store.mark(home.hosted.id)
    // While nobody follows: as after a crash.
    const second = forge({
      author: bobKey,
      prev: first,
      body: [setBlob('c', id), deleteBlob('a', [{ id: first.id, index: 0 }])],
    })
    await home.hosted.replica.receive([second], 'a peer')
    expect(paths()).toEqual(['a', 'b'])
    await home.hosted.replica.receive([forge({ author: bobKey, prev: second, body: many })], 'a peer')
    const index = new BlobIndex(
      home.hosted.store,
      store,
      () => {},
      () => {},
    )
    expect(index.isTrue).toBe(false)
    await index.ready
    expect([index.isTrue, paths().slice(0, 3)]).toEqual([true, ['b', 'c', 'z/0']])
    const all = store.references(home.hosted.id, { prefix: '', limit: 9_999 })
    expect(all).toHaveLength(2 + BLOB_SCAN_CELLS_MAX + 5)
    expect(store.mark(home.hosted.id)).not.toEqual(mark)
    index.close()
    const again = new BlobIndex(
      home.hosted.store,
      store,
      () => {},
      () => {},
    )
    expect(again.isTrue).toBe(true)
  })

  test('is served by the first paths that may be asked about, and not by one more', async () => {
    const { store, blobs } = aloneWith(await createHome())
    const { id, pieces } = blobOf(1, 0)
    const space = sha256(Uint8Array.of(1))
    store.transaction('process', (writer) => {
      for (const piece of pieces) writer.putPiece(piece)
      for (let n = 0; n < BLOB_PATHS_ASKED_MAX + 1; n++)
        writer.putReference(space, `p${String(n).padStart(6, '0')}`, id)
    })
    const last = (n: number) => `p${String(n).padStart(6, '0')}`
    const serve = (readable: string) =>
      servePiece(
        null as never,
        space,
        { topic: space, ...id, level: 0, index: 0 },
        {
          store,
          content: blobs.content,
          network: { mayRead: (_peer: unknown, _space: unknown, path: string) => path === readable } as never,
        },
      )
    expect(serve(last(BLOB_PATHS_ASKED_MAX - 1))).toEqual(pieces[0]?.bytes)
    expect(serve(last(BLOB_PATHS_ASKED_MAX))).toBeNull()
    blobs.close()
  })
})

/** The blobs of a node that holds one space, and has no network. */
function aloneWith(home: Home) {
  const store = createMemoryBlobStore(1e9)
  const blobs = new NodeBlobs({ open: () => store, fetchBytesMax: 1e6, now: () => 1, log: () => {} })
  const index = blobs.add(home.hosted, { onProgress: () => {}, onArrived: () => {} })
  home.hosted.replica.addEventListener('admitted', ({ detail }) => index.touched(detail.touched))
  return { store, blobs, index }
}
