import { describe, expect, it } from 'vitest'
import { HISTORY_WORDS_CHARACTERS_MAX } from '../../src/core/limits.ts'
import { textWords } from '../../src/node/history/describe-edit.ts'

describe('edits of a text, in words', () => {
  it('keep apart what was inserted in several places', () => {
    expect(textWords([[3, 1, 'ab']])).toBe('inserted "ab", deleted 1 character')
    expect(
      textWords([
        [0, 2, 'one'],
        [5, 1, ''],
        [9, 0, 'two'],
      ]),
    ).toBe('inserted "one" and "two", deleted 3 characters')
    expect(textWords([[0, 0, '']])).toBe('created, empty')
  })

  it('are as many as one value may have characters, and the rest is counted', () => {
    const long = 'x'.repeat(HISTORY_WORDS_CHARACTERS_MAX)
    expect(
      textWords([
        [0, 0, long],
        [1, 0, 'b'],
        [2, 0, 'c'],
      ]),
    ).toBe(`inserted "${long.slice(1)}… and 2 more`)
  })
})
