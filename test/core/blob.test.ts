import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, toHex, utf8 } from '../../src/core/bytes.ts'
import { BLOB_PIECE_TAG } from '../../src/core/domain-tags.ts'
import { HASH_BYTES, sha256 } from '../../src/core/hash.ts'
import { BLOB_CHUNK_BYTES, BLOB_LIST_HASHES_MAX, BLOB_RETURNED_MAX } from '../../src/core/limits.ts'
import { BlobBuilder } from '../../src/core/types/blob/builder.ts'
import {
  type BlobId,
  childCount,
  childOf,
  chunksOf,
  makePiece,
  pieceBytes,
  pieceCount,
  type PiecePlace,
  rootLevel,
  rootOf,
  verifyPiece,
  type VerifiedPiece,
  wayTo,
} from '../../src/core/types/blob/piece.ts'
import { BlobPlan, type WantedPiece } from '../../src/core/types/blob/plan.ts'

/** Content that differs from chunk to chunk, and is cheap to make. */
function content(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i += 1_024) bytes[i] = 1 + ((i / 1_024) % 251)
  return bytes
}

function build(bytes: Uint8Array): {
  readonly id: BlobId
  readonly pieces: ReadonlyMap<string, VerifiedPiece>
} {
  const builder = new BlobBuilder()
  const pieces: VerifiedPiece[] = []
  for (let at = 0; at < bytes.length; at += BLOB_CHUNK_BYTES)
    pieces.push(...builder.add(bytes.subarray(at, at + BLOB_CHUNK_BYTES)))
  const { pieces: rest, id } = builder.finish()
  return { id, pieces: new Map([...pieces, ...rest].map((piece) => [toHex(piece.hash), piece])) }
}

/** The root of content as docs/protocol.md says it, all at once: the oracle of the builder. */
function naiveRoot(bytes: Uint8Array): Uint8Array {
  const hashOf = (level: number, span: number, data: Uint8Array): Uint8Array => {
    const shape = new Uint8Array(9)
    shape[0] = level
    new DataView(shape.buffer).setUint32(5, span)
    return sha256(BLOB_PIECE_TAG, shape, data)
  }
  let row: { hash: Uint8Array; span: number }[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += BLOB_CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + BLOB_CHUNK_BYTES)
    row.push({ hash: hashOf(0, chunk.length, chunk), span: chunk.length })
  }
  for (let level = 1; row.length > 1; level++) {
    const above: typeof row = []
    for (let at = 0; at < row.length; at += BLOB_LIST_HASHES_MAX) {
      const group = row.slice(at, at + BLOB_LIST_HASHES_MAX)
      const span = group.reduce((sum, one) => sum + one.span, 0)
      above.push({ span, hash: hashOf(level, span, concatBytes(...group.map(({ hash }) => hash))) })
    }
    row = above
  }
  return (row[0] as { hash: Uint8Array }).hash
}

const SIZES = [
  0,
  1,
  BLOB_CHUNK_BYTES - 1,
  BLOB_CHUNK_BYTES,
  BLOB_CHUNK_BYTES + 1,
  5 * BLOB_CHUNK_BYTES,
  1_500_000,
]

describe('the tree of a blob', () => {
  it.each(SIZES)('of %i bytes has the root that the protocol says', (size) => {
    const bytes = content(size)
    const { id, pieces } = build(bytes)
    expect(id.size).toBe(size)
    expect(toHex(id.hash)).toBe(toHex(naiveRoot(bytes)))
    expect(pieces.get(toHex(id.hash))).toBeDefined()
  })

  it('of a known content has the hash of the protocol page', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8')
    const { id } = build(utf8('hello'))
    expect(toHex(id.hash)).toBe('67d7dcdbd0d6018a4cbb009d2f96c590d175d358cae74f75c1a1b52ef8e421d0')
    expect(page).toContain(`\`${toHex(id.hash)}\``)
  })

  it('has lists of lists where one list is not enough, and gives out a full list only when it must', () => {
    const chunk = new Uint8Array(BLOB_CHUNK_BYTES).fill(7)
    const builder = new BlobBuilder()
    let early = 0
    for (let i = 0; i < BLOB_LIST_HASHES_MAX; i++) early += builder.add(chunk).length
    expect(early).toBe(BLOB_LIST_HASHES_MAX)
    const [last, list] = builder.add(chunk.subarray(0, 5))
    expect([last?.level, list?.level, list?.span]).toEqual([0, 1, BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX])
    const { pieces, id } = builder.finish()
    const [second, root] = pieces
    expect([second?.level, second?.span, second?.bytes.length]).toEqual([1, 5, HASH_BYTES])
    expect([root?.level, root?.span, root?.bytes.length]).toEqual([2, id.size, 2 * HASH_BYTES])
    expect(root?.bytes).toEqual(concatBytes((list as VerifiedPiece).hash, (second as VerifiedPiece).hash))
    expect(id.size).toBe(BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX + 5)
    expect(rootLevel(id.size)).toBe(2)
    expect(wayTo(id.size, 0, BLOB_LIST_HASHES_MAX)).toEqual([1, 0])
    expect(wayTo(id.size, 0, BLOB_LIST_HASHES_MAX - 1)).toEqual([0, BLOB_LIST_HASHES_MAX - 1])
    expect(wayTo(id.size, 0, BLOB_LIST_HASHES_MAX + 1)).toBeNull()
    expect(wayTo(id.size, 3, 0)).toBeNull()
    expect(wayTo(id.size, 2, 0)).toEqual([])
    const [underfull] = [makePiece(0, 5, chunk.subarray(0, 5))]
    expect(toHex(underfull.hash)).toBe(toHex((last as VerifiedPiece).hash))
  })

  it('of any size says of every piece how long it is and where it lies', () => {
    const size = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))
    fc.assert(
      fc.property(size, fc.nat(), (size, pick) => {
        const top = rootLevel(size)
        expect(top).toBeLessThanOrEqual(3)
        expect(pieceCount(size, top)).toBe(1)
        const level = pick % (top + 1)
        const index = pick % pieceCount(size, level)
        const way = wayTo(size, level, index)
        // Down again along the way: each step takes a child that the list has, and the spans before it add up.
        let place: Pick<PiecePlace, 'level' | 'span'> = rootOf({ hash: new Uint8Array(32), size })
        let before = 0
        for (const step of way ?? []) {
          expect(step).toBeLessThan(childCount(place))
          expect(pieceBytes(place)).toBe(HASH_BYTES * childCount(place))
          const child = childOf(place, new Uint8Array(HASH_BYTES * childCount(place)), step)
          before += step * BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX ** child.level
          place = child
        }
        expect(place.level).toBe(level)
        expect(before).toBe(index * BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX ** level)
        expect(place.span).toBe(Math.min(size - before, BLOB_CHUNK_BYTES * BLOB_LIST_HASHES_MAX ** level))
      }),
    )
  })

  it('takes no byte for another: every change of a piece, its length, its level or its span has another hash', () => {
    const { id, pieces } = build(content(3 * BLOB_CHUNK_BYTES + 9))
    fc.assert(
      fc.property(fc.nat(pieces.size - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, by) => {
        const piece = [...pieces.values()][which] as VerifiedPiece
        expect(verifyPiece(piece, piece.bytes.slice()).ok).toBe(true)
        const changed = piece.bytes.slice()
        changed[at % changed.length] = ((changed[at % changed.length] as number) + by) % 256
        expect(verifyPiece(piece, changed)).toMatchObject({ ok: false, fault: { code: 'BAD_PIECE' } })
        expect(verifyPiece(piece, piece.bytes.subarray(1)).ok).toBe(false)
        expect(verifyPiece(piece, concatBytes(piece.bytes, Uint8Array.of(0))).ok).toBe(false)
      }),
    )
    // A size that is not the blob's has no root among the same pieces.
    const root = pieces.get(toHex(id.hash)) as VerifiedPiece
    expect(verifyPiece(rootOf({ hash: id.hash, size: id.size - 1 }), root.bytes).ok).toBe(false)
    const [chunk] = [...pieces.values()]
    expect(verifyPiece({ ...(chunk as VerifiedPiece), level: 1 }, root.bytes).ok).toBe(false)
  })
})

describe('chunks', () => {
  it('are the same however the content was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(700_000), { maxLength: 5 }), fc.nat(1_000_000), async (cuts, size) => {
        const bytes = content(size)
        const at = [0, ...cuts.map((cut) => cut % (size + 1)).toSorted((a, b) => a - b), size]
        const parts = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const chunks: Uint8Array[] = []
        for await (const chunk of chunksOf(parts)) chunks.push(chunk)
        expect(Buffer.compare(concatBytes(...chunks), bytes)).toBe(0)
        expect(chunks.slice(0, -1).every(({ length }) => length === BLOB_CHUNK_BYTES)).toBe(true)
        expect(chunks.length).toBe(Math.ceil(size / BLOB_CHUNK_BYTES))
      }),
      { numRuns: 40 },
    )
  })
})

/** What a peer has, and what is here, by hash. */
class Shelf {
  readonly pieces = new Map<string, Uint8Array>()

  has(hash: Uint8Array): boolean {
    return this.pieces.has(toHex(hash))
  }

  bytes(hash: Uint8Array): Uint8Array | undefined {
    return this.pieces.get(toHex(hash))
  }

  put({ hash, bytes }: VerifiedPiece): void {
    this.pieces.set(toHex(hash), bytes)
  }
}

describe('the plan of fetching a blob', () => {
  const { id, pieces } = build(content(6 * BLOB_CHUNK_BYTES + 100))
  const all = [...pieces.values()]
  const chunks = all.filter(({ level }) => level === 0)

  it('asks for exactly what is missing, once, whatever is held and whoever lacks what', () => {
    fc.assert(
      fc.property(
        fc.subarray(all),
        fc.array(fc.subarray(all), { minLength: 1, maxLength: 3 }),
        fc.infiniteStream(fc.nat(9)),
        (held, peers, luck) => {
          const here = new Shelf()
          for (const piece of held) here.put(piece)
          const before = new Set(here.pieces.keys())
          const haves = peers.map((have) => new Set(have.map(({ hash }) => toHex(hash))))
          const plan = new BlobPlan(id, here)
          const flying: { peer: number; piece: WantedPiece }[] = []
          const brought: string[] = []
          const asked = new Set<string>()
          for (let idle = 0; idle < 100; ) {
            const peer = ((luck.next().value as number) + idle) % peers.length
            const piece = plan.next(String(peer))
            if (piece !== null) {
              const name = `${peer} ${toHex(piece.hash)} ${piece.index}`
              expect(asked.has(name)).toBe(false)
              asked.add(name)
              flying.push({ peer, piece })
              idle = 0
            }
            if (flying.length === 0) {
              idle++
              continue
            }
            if (piece !== null && (luck.next().value as number) < 3) continue
            const [one] = flying.splice((luck.next().value as number) % flying.length, 1)
            const { piece: wanted, peer: by } = one as (typeof flying)[number]
            const name = toHex(wanted.hash)
            if (haves[by]?.has(name) === true) {
              const piece = pieces.get(name) as VerifiedPiece
              brought.push(name)
              here.put(piece)
              plan.arrived(wanted, piece)
            } else plan.returned(wanted, String(by))
          }
          // Reachable: all lists on the way are held or had by somebody.
          const canCome = (name: string) => before.has(name) || haves.some((have) => have.has(name))
          const expected = canCome(toHex(id.hash))
            ? all.map(({ hash }) => toHex(hash)).filter((name) => !before.has(name) && canCome(name))
            : []
          expect(brought.toSorted()).toEqual(expected.toSorted())
          expect(plan.isComplete).toBe(all.every(({ hash }) => here.has(hash)))
          if (plan.isComplete) expect(plan.doneBytes).toBe(id.size)
        },
      ),
    )
  })

  it('goes through the content in order for one peer, so that what has come is a beginning of it', () => {
    const here = new Shelf()
    const plan = new BlobPlan(id, here)
    const order: string[] = []
    for (let next = plan.next('bob'); next !== null; next = plan.next('bob')) {
      const piece = pieces.get(toHex(next.hash)) as VerifiedPiece
      order.push(toHex(piece.hash))
      here.put(piece)
      plan.arrived(next, piece)
    }
    expect(order).toEqual([toHex(id.hash), ...chunks.map(({ hash }) => toHex(hash))])
    expect(plan.isComplete).toBe(true)
  })

  it('begins nothing new while as many pieces as may wait have come back from everybody', () => {
    const chunk = new Uint8Array(BLOB_CHUNK_BYTES)
    const builder = new BlobBuilder()
    const made: VerifiedPiece[] = []
    for (let i = 0; i < BLOB_RETURNED_MAX + 20; i++) {
      chunk[0] = i % 256
      chunk[1] = i >>> 8
      made.push(...builder.add(chunk.slice()))
    }
    const { pieces: rest, id: large } = builder.finish()
    const here = new Shelf()
    const plan = new BlobPlan(large, here)
    const root = plan.next('mallory') as WantedPiece
    plan.arrived(root, rest.at(-1) as VerifiedPiece)
    let lacked = 0
    for (let next = plan.next('mallory'); next !== null; next = plan.next('mallory')) {
      plan.returned(next, 'mallory')
      lacked++
    }
    expect(lacked).toBe(BLOB_RETURNED_MAX)
    expect(plan.isComplete).toBe(false)
    // Bob has them all: what mallory lacked comes first, and then the rest.
    let brought = 0
    for (let next = plan.next('bob'); next !== null; next = plan.next('bob')) {
      plan.arrived(next, made[next.index] as VerifiedPiece)
      brought++
    }
    expect([brought, plan.isComplete]).toEqual([BLOB_RETURNED_MAX + 20, true])
  })

  it('takes a breath after looking at many held pieces', () => {
    const chunk = new Uint8Array(BLOB_CHUNK_BYTES)
    const builder = new BlobBuilder()
    const here = new Shelf()
    // One chunk again and again: the tree is large, the shelf is not.
    for (let i = 0; i < 5_000; i++) for (const piece of builder.add(chunk)) here.put(piece)
    const { pieces: rest, id: large } = builder.finish()
    for (const piece of rest) here.put(piece)
    const plan = new BlobPlan(large, here)
    expect([plan.next('bob'), plan.isWalking, plan.isComplete]).toEqual([null, true, false])
    expect([plan.next('bob'), plan.isWalking, plan.isComplete]).toEqual([null, false, true])
    expect(plan.doneBytes).toBe(large.size)
  })
})

describe('content that comes byte by byte', () => {
  it('is cut into the same chunks', async () => {
    const content = new Uint8Array(BLOB_CHUNK_BYTES + 3).map((_, i) => i)
    const bytes = function* () {
      for (let i = 0; i < content.length; i++) yield content.subarray(i, i + 1)
    }
    const chunks = await Array.fromAsync(chunksOf(bytes()))
    expect(chunks.map(({ length }) => length)).toEqual([BLOB_CHUNK_BYTES, 3])
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
  })
})
