import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/core/bytes.ts'
import { spaceTopic } from '../../src/core/space-topic.ts'

describe('topic of a space', () => {
  it('is the tagged hash of the space id', () => {
    const spaceId = Uint8Array.from({ length: 32 }, (_, n) => n)
    const expected = createHash('sha256').update('hanse/space/topic/1\0').update(spaceId).digest('hex')
    expect(toHex(spaceTopic(spaceId))).toBe(expected)
    expect(expected).toBe('7a2557a79d8977a0cc60194d3d9bc6b1940f266fceead819b728fd898c5a3f4f')
  })

  it('is a bug to ask for without a whole id', () => {
    expect(() => spaceTopic(new Uint8Array(31))).toThrow('space id of 31 bytes, expected 32')
  })
})
