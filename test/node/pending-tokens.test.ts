import { expect, test } from 'vitest'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import type { VerifiedDelegation } from '../../src/core/ucan/delegation.ts'
import { PendingTokens } from '../../src/node/space/pending-tokens.ts'

const noteOf = (...tokens: readonly number[]) => encodeCanonical(tokens.map((token) => Uint8Array.of(token)))

test('looks at the tokens of a note once, and again where the note is another', () => {
  const seen: number[] = []
  const pending = new PendingTokens((token) => {
    seen.push(token[0] as number)
    return { bytes: token } as VerifiedDelegation
  })
  const bytesIn = (note: Uint8Array | undefined) => pending.of(note).map(({ bytes }) => bytes[0])
  expect(bytesIn(undefined)).toEqual([])
  expect([bytesIn(noteOf(1, 2)), bytesIn(noteOf(1, 2))]).toEqual([
    [1, 2],
    [1, 2],
  ])
  expect(seen).toEqual([1, 2])
  expect(bytesIn(noteOf(1, 3))).toEqual([1, 3])
  expect(seen).toEqual([1, 2, 1, 3])
})

test('keeps nothing of a note with a token that does not hold', () => {
  let holds = false
  const pending = new PendingTokens((token) => {
    if (!holds) throw new Error('does not hold')
    return { bytes: token } as VerifiedDelegation
  })
  expect(() => pending.of(noteOf(1))).toThrow('does not hold')
  expect(() => pending.of(noteOf(1))).toThrow('does not hold')
  holds = true
  expect(pending.of(noteOf(1))).toHaveLength(1)
})
