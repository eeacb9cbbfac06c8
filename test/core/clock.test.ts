import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { Clock, type Head } from '../../src/core/clock.ts'

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const heads: fc.Arbitrary<readonly Head[]> = fc.uniqueArray(fc.record({ seq: fc.nat(3), id: bytes }), {
  minLength: 1,
  maxLength: 5,
  selector: ({ id }) => toHex(id),
})
const rootOf = (author: Uint8Array, listed: readonly Head[]): string => {
  const clock = new Clock()
  clock.set(author, listed)
  return toHex(clock.digest().hash)
}

test('the clock root does not depend on the order in which an author’s heads are listed', () => {
  fc.assert(
    fc.property(bytes, heads, fc.nat(4), (author, listed, by) => {
      const turned = [...listed.slice(by), ...listed.slice(0, by)].toReversed()
      expect(rootOf(author, turned)).toBe(rootOf(author, listed))
    }),
  )
})

test('two branches of equal length have different clock roots', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), bytes, bytes, (author, seq, one, other) => {
      fc.pre(toHex(one) !== toHex(other))
      expect(rootOf(author, [{ seq, id: one }])).not.toBe(rootOf(author, [{ seq, id: other }]))
    }),
  )
})

test('an author without heads has no place in the clock', () => {
  fc.assert(
    fc.property(bytes, bytes, heads, (author, other, listed) => {
      fc.pre(toHex(author) !== toHex(other))
      const clock = new Clock()
      clock.set(author, listed)
      clock.set(other, listed)
      clock.set(other, [])
      expect(toHex(clock.digest().hash)).toBe(rootOf(author, listed))
      expect(clock.heads(other)).toEqual([])
    }),
  )
})

test('an author with more branches than a call has room for arguments has a place in the clock all the same', () => {
  const author = new Uint8Array(32)
  const heads = Array.from({ length: 100_000 }, (_, i) => {
    const id = new Uint8Array(32)
    new DataView(id.buffer).setUint32(0, i)
    return { seq: 0, id }
  })
  expect(rootOf(author, heads)).not.toBe(rootOf(author, heads.slice(1)))
})

test('what is asked between changes is answered as by a clock that was made at that moment', () => {
  const authors = [1, 2, 3].map((n) => new Uint8Array(32).fill(n))
  const change = fc.record({
    author: fc.constantFrom(...authors),
    listed: fc.oneof(heads, fc.constant([])),
    isSaid: fc.boolean(),
    isAsked: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const now = new Map<string, readonly Head[]>()
      const clock = new Clock((author) => now.get(toHex(author)) ?? [])
      for (const { author, listed, isSaid, isAsked } of changes) {
        now.set(toHex(author), listed)
        // By another array than before, as it may come.
        if (isSaid) clock.set(author, listed)
        else clock.changed(author.slice())
        if (!isAsked) continue
        const fresh = new Clock()
        for (const one of authors) fresh.set(one, now.get(toHex(one)) ?? [])
        expect(clock.heads(author)).toEqual(fresh.heads(author))
        expect(clock.digest()).toEqual(fresh.digest())
        expect(clock.authorsAt([])).toEqual(fresh.authorsAt([]))
        expect(clock.digestOf(author)).toEqual(fresh.digestOf(author))
        expect(clock.authorWith(author)).toEqual(listed.length === 0 ? null : author)
      }
    }),
  )
})

test('heads are looked up once for all that an author has written since somebody asked', () => {
  const author = new Uint8Array(32)
  let lookedUp = 0
  const clock = new Clock(() => [{ seq: lookedUp++, id: new Uint8Array(32) }])
  for (let i = 0; i < 3; i++) clock.changed(author.slice())
  expect(lookedUp).toBe(0)
  expect(clock.heads(author)).toEqual([{ seq: 0, id: new Uint8Array(32) }])
  expect(clock.digest().count).toBe(1)
  expect(lookedUp).toBe(1)
})

test('heads that could not be read are asked for again', () => {
  const authors = [1, 2].map((n) => new Uint8Array(32).fill(n))
  let isBroken = true
  const clock = new Clock(() => {
    if (isBroken) throw new Error('the disk does not answer')
    return [{ seq: 0, id: new Uint8Array(32) }]
  })
  for (const author of authors) clock.changed(author)
  expect(() => clock.digest()).toThrow('the disk does not answer')
  isBroken = false
  expect(clock.digest().count).toBe(2)
})
