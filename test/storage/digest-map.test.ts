import { describe, expect, it } from 'vitest'
import { DigestMap } from '../../src/storage/digest-map.ts'
import { IdFilter } from '../../src/storage/sqlite/id-filter.ts'
import { idOf } from './fixtures.ts'

describe('a map by digests', () => {
  it('finds what it holds and nothing else, as it grows, is written over and begins anew', () => {
    const map = new DigestMap<string>([1, 2])
    for (const round of ['one', 'two']) {
      map.clear()
      for (let i = 0; i < 1_000; i++) map.set(idOf(`${round} ${i}`), `${i}`)
      for (let i = 0; i < 500; i++) map.set(idOf(`${round} ${i}`), `${i} again`)
      expect(map.size).toBe(1_000)
      for (let i = 0; i < 1_000; i++)
        expect(map.get(idOf(`${round} ${i}`))).toBe(i < 500 ? `${i} again` : `${i}`)
      for (let i = 0; i < 1_000; i++) expect(map.get(idOf(`other ${i}`))).toBeUndefined()
    }
    expect(map.get(idOf('one 1'))).toBeUndefined()
  })

  it('tells apart keys that differ in the last byte, and keeps its own copies of them', () => {
    const map = new DigestMap<number>([1, 2])
    const key = new Uint8Array(32)
    for (let last = 0; last < 256; last++) {
      key[31] = last
      map.set(key, last)
    }
    expect(map.size).toBe(256)
    key[31] = 7
    expect(map.get(key)).toBe(7)
  })

  it('has nothing for a key of another length, and takes none', () => {
    const map = new DigestMap<number>([1, 2])
    map.set(new Uint8Array(32), 1)
    expect(map.get(new Uint8Array(31))).toBeUndefined()
    expect(map.get(new Uint8Array(33))).toBeUndefined()
    expect(() => map.set(new Uint8Array(31), 1)).toThrow(/31 bytes/)
  })
})

describe('the filter of sealed ids', () => {
  it('never denies an id that was added, and nearly always one that was not', () => {
    const filter = new IdFilter()
    for (let i = 0; i < 20_000; i++) filter.add(idOf(`${i}`))
    for (let i = 0; i < 20_000; i++) expect(filter.mayHave(idOf(`${i}`))).toBe(true)
    let wrong = 0
    for (let i = 0; i < 20_000; i++) if (filter.mayHave(idOf(`other ${i}`))) wrong++
    expect(wrong).toBeLessThan(10)
  })
})
