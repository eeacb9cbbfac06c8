import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { BLOB_CHUNK_BYTES } from '../../src/core/limits.ts'
import { toHex } from '../../src/core/bytes.ts'
import type { HanseNode } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import type { Space } from '../../src/node/space/space.ts'
import { createFederation, until, WAIT_MS } from '../node/federation.ts'

const federation = createFederation()
afterEach(async () => await federation.stopAll())

const within = () => ({ signal: AbortSignal.timeout(WAIT_MS), silenceMs: WAIT_MS })

/** Content that differs from chunk to chunk. */
export function contentOf(chunks: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(chunks * BLOB_CHUNK_BYTES + 77)
  for (let i = 0; i < bytes.length; i += 512)
    bytes[i] = (seed + i / 512 + Math.floor(i / BLOB_CHUNK_BYTES)) % 256
  return bytes
}

function contentAt(space: Space, path: string): Uint8Array {
  return Buffer.concat([...space.blobs.read(path)])
}

async function pair(
  options: NodeOptions = {},
): Promise<{ alice: HanseNode; bob: HanseNode; hers: Space; his: Space }> {
  const alice = await federation.start('alice', options)
  const hers = alice.createSpace({ name: 'the square' })
  const bob = await federation.start('bob', options)
  const his = bob.join(hers.invite({ role: 'writer' }))
  await until(his, () => his.name !== '', 'bob has the space')
  return { alice, bob, hers, his }
}

describe('attachments of two nodes', () => {
  test('that are small arrive with the item, and are the same bytes', async () => {
    const { hers, his } = await pair()
    const arrived = once(his.blobs, 'arrived')
    const { reference } = await hers.blobs.put('docs/small', [contentOf(1)], {
      mediaType: 'text/plain',
      name: 'a.txt',
    })
    await arrived
    expect(his.get('docs/small')?.value).toEqual(reference)
    expect(his.blobs.get('docs/small')).toEqual({
      path: 'docs/small',
      hash: toHex(reference.hash),
      size: reference.size,
      mediaType: 'text/plain',
      name: 'a.txt',
      complete: true,
      wanted: false,
    })
    expect(Buffer.compare(contentAt(his, 'docs/small'), contentOf(1))).toBe(0)
    expect(his.status().blobs).toEqual({
      referenced: 1,
      complete: 1,
      missing: 0,
      wanted: 0,
      wantedBytes: 0,
      counted: true,
    })
  })

  test('are bytes, or chunks of bytes, and nothing else', async () => {
    const { hers } = await pair()
    const [whole, chunked] = [contentOf(1), contentOf(1)]
    const { reference } = await hers.blobs.put('docs/whole', whole)
    expect(reference.size).toBe(whole.length)
    expect((await hers.blobs.put('docs/chunks', [chunked])).reference).toEqual(reference)
    for (const content of ['text', ['text'], [1, 2]] as unknown as Uint8Array[]) {
      await expect(hers.blobs.put('docs/none', content)).rejects.toMatchObject({ code: 'BAD_VALUE' })
    }
    expect(hers.get('docs/none')).toBeUndefined()
  })

  test('that are large are missing until somebody asks, and say so', async () => {
    const { alice, hers, his } = await pair()
    const content = contentOf(9)
    await hers.blobs.put('docs/large', [content])
    await until(his, () => his.get('docs/large') !== undefined, 'the item')
    expect(his.status().blobs).toMatchObject({ referenced: 1, complete: 0, missing: 1, wanted: 0 })
    expect(() => contentAt(his, 'docs/large')).toThrow('fetch it first')
    const { asked } = await his.blobs.fetch('docs/large', within())
    expect(asked).toEqual([{ peer: alice.peerId, pieces: 11, code: null }])
    expect(Buffer.compare(contentAt(his, 'docs/large'), content)).toBe(0)
    expect(his.status().blobs).toMatchObject({ complete: 1, missing: 0 })
  })
})
