import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { BATCH_OPERATIONS_MAX, FRAME_BYTES_MAX } from '../../src/core/limits.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { decodeBatch, encodeBatch } from '../../src/core/sync/batch.ts'
import { cutPath, insertPath } from '../../src/core/sync/change-at-path.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { bob, forge, spaceId } from '../cast.ts'

describe('a change without its path', () => {
  const paths = fc.oneof(
    fc.string({ minLength: 0, maxLength: 300 }).filter((text) => text.isWellFormed()),
    fc.constantFrom(
      '',
      'x',
      'a'.repeat(23),
      'a'.repeat(24),
      'a'.repeat(255),
      'a'.repeat(256),
      'notes/ä',
      '𝄞',
    ),
  )

  test('is the same change once the path is back, whatever the change and the path', () => {
    const begun = fc
      .tuple(fc.string({ maxLength: 30 }), fc.nat(300), paths, fc.uint8Array({ maxLength: 5 }))
      .map(([type, version, path, rest]) => ({
        path,
        change: concatBytes(
          Uint8Array.of(0x84),
          encodeCanonical(type.toWellFormed()),
          encodeCanonical(version),
          encodeCanonical(path),
          rest,
        ),
      }))
    const anything = fc.record({ path: paths, change: fc.uint8Array({ maxLength: 40 }) })
    let cuts = 0
    fc.assert(
      fc.property(fc.oneof(begun, anything), ({ path, change }) => {
        const cut = cutPath(change, path)
        if (cut === null) return
        cuts++
        expect(cut.length).toBeLessThan(change.length)
        expect(insertPath(cut, path, new SharedBytes(1024))).toEqual(change)
      }),
      { numRuns: 2_000 },
    )
    expect(cuts).toBeGreaterThan(100)
  })

  test.each(['x', 'a'.repeat(23), 'a'.repeat(24), 'a'.repeat(255)])('is shorter by the path %s', (path) => {
    const change = setRegister(path, 1)
    expect(cutPath(change, path)).toHaveLength(change.length - encodeCanonical(path).length)
  })

  test('is not made of a change at another path, of one beyond ASCII, or of one that ends with its path', () => {
    const change = setRegister('notes/a', 1)
    for (const path of ['notes/b', 'notes', 'notes/aa', '']) expect(cutPath(change, path)).toBe(null)
    expect(cutPath(setRegister('notes/ä', 1), 'notes/ä')).toBe(null)
    const bare = concatBytes(
      Uint8Array.of(0x84),
      encodeCanonical('t'),
      encodeCanonical(1),
      encodeCanonical('x'),
    )
    expect(cutPath(bare, 'x')).toBe(null)
  })

  test('is refused where it begins in another way', () => {
    for (const bytes of [
      [],
      [0x84],
      [0x84, 0x61],
      [0x84, 0x61, 0x74, 1],
      [0x83, 0x61, 0x74, 1, 0],
      [0x84, 0x60, 1, 0],
    ])
      expect(insertPath(Uint8Array.from(bytes), 'x', new SharedBytes(1024))).toBe(null)
    expect(insertPath(Uint8Array.of(0x84, 0x61, 0x74, 24, 24, 0), 'x', new SharedBytes(1024))).toBe(null)
    expect(insertPath(Uint8Array.of(0x84, 0x61, 0x74, 1, 0), 'x', new SharedBytes(1024))).not.toBe(null)
  })
})

describe('a batch with changes without their paths', () => {
  test('is read as it was written, and is shorter', () => {
    const path = 'notes/of/a/length'
    const of = (change: Uint8Array) => forge({ author: bob, body: [change], header: { path } })
    const [at, beside] = [of(setRegister(path, 1)), of(setRegister(`${path}/b`, 1))]
    for (const operation of [at, beside])
      expect(decodeBatch(encodeBatch([operation]), spaceId)).toEqual({
        ok: true,
        value: [{ ok: true, value: operation }],
      })
    expect(encodeBatch([beside]).length - encodeBatch([at]).length).toBeGreaterThan(path.length)
  })

  test('grows to no more than twice itself: a path that is not one loses its operation alone', () => {
    const path = 'p'.repeat(900)
    const columns = (length: number) =>
      [0, false, [], 1, 1, 0, 1, 0, path, Uint8Array.of(0x84, 0x61, 0x74, 1, 0)].map((value, column) =>
        Array.from({ length }, (_, row) => (column === 0 && row > 0 ? 1 : value)),
      )
    const batch = (length: number) =>
      encodeCanonical([[bob.publicKey], [[]], ['/op/write'], ...columns(length), new Uint8Array(64 * length)])
    const bytes = batch(BATCH_OPERATIONS_MAX)
    expect(bytes.length).toBeLessThan(FRAME_BYTES_MAX)
    const decoded = decodeBatch(bytes, spaceId)
    const sizes = decoded.ok ? decoded.value.map((item) => (item.ok ? item.value.header.bodySize : 0)) : []
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(bytes.length)
    const torn = encodeCanonical([
      [bob.publicKey],
      [[]],
      ['/op/write'],
      ...columns(1).with(8, [7]),
      new Uint8Array(64),
    ])
    expect(decodeBatch(torn, spaceId)).toMatchObject({ ok: true, value: [{ fault: { code: 'BAD_FIELD' } }] })
  })
})
