import { Key } from 'interface-datastore'
import { describe, expect, it } from 'vitest'
import { BoundedDatastore } from '../../bootstrap/bounded-datastore.ts'

const one = new Uint8Array(1)

async function keysOf(store: BoundedDatastore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.query({})) keys.push(key.toString())
  return keys.sort()
}

describe('bounded datastore', () => {
  it('drops the entry used longest ago, one past the entries it may hold', async () => {
    const store = new BoundedDatastore({ entriesMax: 2 })
    await store.put(new Key('/a'), one)
    await store.put(new Key('/b'), one)
    await store.get(new Key('/a'))
    await store.put(new Key('/c'), one)
    expect(await keysOf(store)).toEqual(['/a', '/c'])
  })

  it('drops as many as needed, one byte past the bytes it may hold', async () => {
    const store = new BoundedDatastore({ bytesMax: 12 })
    for (const name of ['/a', '/b', '/c', '/d']) await store.put(new Key(name), one)
    expect(store.size()).toEqual({ entries: 4, bytes: 12 })
    await store.put(new Key('/e'), new Uint8Array(2))
    expect(await keysOf(store)).toEqual(['/c', '/d', '/e'])
    expect(store.size()).toEqual({ entries: 3, bytes: 10 })
  })

  it('refuses an entry one byte past the largest', () => {
    const store = new BoundedDatastore({ entryBytesMax: 4 })
    expect(() => store.put(new Key('/a'), new Uint8Array(2))).not.toThrow()
    expect(() => store.put(new Key('/a'), new Uint8Array(3))).toThrow('entry of 5 bytes, at most 4')
  })

  it('keeps count when entries are replaced and deleted', async () => {
    const store = new BoundedDatastore()
    await store.put(new Key('/a'), new Uint8Array(10))
    await store.put(new Key('/a'), one)
    expect(store.size()).toEqual({ entries: 1, bytes: 3 })
    await store.delete(new Key('/a'))
    await store.delete(new Key('/a'))
    expect(store.size()).toEqual({ entries: 0, bytes: 0 })
  })

  it('never drops a pinned entry', async () => {
    const store = new BoundedDatastore({ entriesMax: 1, isPinned: (key) => key.endsWith('self') })
    await store.put(new Key('/peers/self'), one)
    for (const name of ['/a', '/b']) await store.put(new Key(name), one)
    expect(await keysOf(store)).toEqual(['/b', '/peers/self'])
  })
})
