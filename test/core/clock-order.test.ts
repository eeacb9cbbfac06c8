import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { compareClocks, mergeClocks } from '../../src/core/clock-order.ts'
import { type KnownLog, parseClockText, toClockJson } from '../../src/core/clock-text.ts'
import { formatDid } from '../../src/core/principal.ts'
import { alice, bob, carol } from '../cast.ts'

const AUTHORS = [alice, bob, carol].map(({ publicKey }) => publicKey)
const idOf = (author: number, branch: number, seq: number) => sha256(utf8(`${author} ${branch} ${seq}`))

/** By author: how many operations of it somebody has. The model: a set of (author, seq). */
const counts = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3))
const clockOf = (lengths: readonly number[]): readonly KnownLog[] =>
  lengths.flatMap((length, i) => {
    const heads = [{ seq: length - 1, id: idOf(i, 0, length - 1) }]
    return length === 0 ? [] : [{ author: AUTHORS[i] as Uint8Array, seq: null, heads }]
  })

describe('the order of clocks', () => {
  test('is that of the sets of operations they stand for', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const isWithin = a.every((length, i) => length <= (b[i] as number))
        const isAround = b.every((length, i) => length <= (a[i] as number))
        const expected =
          isWithin && isAround ? 'equal' : isWithin ? 'before' : isAround ? 'after' : 'concurrent'
        expect(compareClocks(clockOf(a), clockOf(b))).toBe(expected)
      }),
    )
  })

  test('puts a merged clock after both, and merges to the least such clock whatever the order', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const most = a.map((length, i) => Math.max(length, b[i] as number))
        const merged = mergeClocks(clockOf(a), clockOf(b))
        expect(compareClocks(merged, clockOf(most))).toBe('equal')
        expect(compareClocks(mergeClocks(clockOf(b), clockOf(a)), merged)).toBe('equal')
      }),
    )
  })

  test('calls two branches of one author concurrent, and their merge holds both heads', () => {
    const author = AUTHORS[0] as Uint8Array
    const branch = (name: number): readonly KnownLog[] => [
      { author, seq: null, heads: [{ seq: 4, id: idOf(0, name, 4) }] },
    ]
    expect(compareClocks(branch(1), branch(2))).toBe('concurrent')
    const merged = mergeClocks(branch(1), branch(2))
    expect(merged[0]?.heads).toHaveLength(2)
    expect(compareClocks(branch(1), merged)).toBe('before')
    expect(compareClocks(merged, branch(2))).toBe('after')
  })

  test('works on clocks as people write them', () => {
    const did = formatDid(AUTHORS[0] as Uint8Array)
    const read = (json: unknown) => {
      const parsed = parseClockText(JSON.stringify(json))
      return parsed.ok ? parsed.value : []
    }
    const printed = toClockJson([
      { author: AUTHORS[0] as Uint8Array, heads: [{ seq: 7, id: idOf(0, 0, 7) }] },
    ])
    expect(compareClocks(read({ [did]: 7 }), read(printed))).toBe('equal')
    expect(compareClocks(read({ [did]: 6 }), read(printed))).toBe('before')
    expect(compareClocks(read(printed), read({}))).toBe('after')
  })
})
