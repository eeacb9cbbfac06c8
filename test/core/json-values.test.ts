import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasManyValues } from '../../src/core/json.ts'

/** Commas and opening brackets outside of texts, by way of the values themselves. */
function partsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value)
  return 1 + Math.max(0, inner.length - 1) + inner.reduce((sum: number, one) => sum + partsOf(one), 0)
}

describe('how many values a JSON text has', () => {
  test('is told by its commas and brackets, of which none in a text counts', () => {
    const texts = fc.string({ unit: fc.constantFrom('"', '\\', ',', '[', '{', 'a') })
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        texts,
        fc.integer(),
        fc.array(tie('json'), { maxLength: 4 }),
        fc.dictionary(texts, tie('json'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const parts = partsOf(value)
        expect([hasManyValues(text, parts), parts > 0 && !hasManyValues(text, parts - 1)]).toEqual([
          false,
          false,
        ])
      }),
    )
  })

  test('is told of what is not JSON too', () => {
    for (const text of ['"', '"\\', '[,"', ']]]]', '\\"[,,,']) expect(hasManyValues(text, 100)).toBe(false)
    expect(hasManyValues('[,,,,,', 3)).toBe(true)
  })
})
