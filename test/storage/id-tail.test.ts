import { describe, expect, it } from 'vitest'
import { RecentCache } from '../../src/storage/recent-cache.ts'
import { IdTail } from '../../src/storage/sqlite/id-tail.ts'
import { idOf } from './fixtures.ts'

describe('the tail of ids', () => {
  it('finds every id it holds and no other, as it grows and begins anew', () => {
    const tail = new IdTail([1, 2])
    for (const first of [0, 5_000]) {
      tail.reset(first)
      for (let i = 0; i < 5_000; i++) tail.add(idOf(`${first + i}`))
      expect(tail.count).toBe(5_000)
      for (let i = 0; i < 5_000; i++) expect(tail.find(idOf(`${first + i}`))).toBe(first + i)
      for (let i = 0; i < 5_000; i++) expect(tail.find(idOf(`${first - 1 - i}`))).toBeUndefined()
    }
  })

  it('tells apart ids that differ in the last byte', () => {
    const tail = new IdTail([1, 2])
    const ids = Array.from({ length: 256 }, (_, last) => new Uint8Array(32).fill(last, 31))
    for (const id of ids) tail.add(id)
    expect(ids.map((id) => tail.find(id))).toEqual(ids.map((_, index) => index))
  })

  it('lists prefixes as signed numbers, ascending, with their ordinals', () => {
    const tail = new IdTail([1, 2])
    tail.reset(100)
    const ids = Array.from({ length: 2_000 }, (_, i) => idOf(`${i}`))
    for (const id of ids) tail.add(id)
    const expected = ids
      .map((id, i) => [new DataView(id.buffer, id.byteOffset).getBigInt64(0), 100 + i] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    expect([...tail.ascending()]).toEqual(expected)
  })
})

describe('a cache of what is recent', () => {
  it('never holds more than its bound, and keeps what is used', () => {
    const cache = new RecentCache<number, number>(10)
    for (let i = 0; i < 1_000; i++) {
      cache.set(i, i)
      expect(cache.size).toBeLessThanOrEqual(10)
      if (i > 0) expect(cache.get(0)).toBe(i === 0 ? undefined : 0)
    }
    expect(cache.get(999)).toBe(999)
    expect(cache.get(900)).toBeUndefined()
  })

  it('gives the newest value of a key, and none after it was deleted', () => {
    const cache = new RecentCache<string, number>(4)
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
      ['a', 4],
    ] as const)
      cache.set(key, value)
    expect(cache.get('a')).toBe(4)
    cache.delete('a')
    expect(cache.get('a')).toBeUndefined()
    cache.clear()
    expect(cache.size).toBe(0)
  })
})
