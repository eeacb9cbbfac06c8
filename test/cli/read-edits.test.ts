import { describe, expect, it } from 'vitest'
import { readEdits, splitEdits } from '../../src/cli/commands/read-edits.ts'
import { WRITE_EDITS_MAX, WRITE_INPUT_BYTES_MAX } from '../../src/core/limits.ts'
import { FaultError } from '../../src/node/fault-error.ts'
import { readInput } from '../../src/cli/commands/read-input.ts'
import { Readable } from 'node:stream'

const line = '{"count":"a"}\n'

describe('the edits of hanse write', () => {
  it('are read alike as lines, with whatever line ends, and as an array', () => {
    const lines = '{"count":"a"}\r\n\r\n  {"put":"b","value":9007199254740993}\n'
    const array = ' [{"count":"a"},\n {"put":"b","value":9007199254740993}]'
    const expected = [
      { kind: 'count', path: 'a', by: 1 },
      { kind: 'put', path: 'b', value: 9007199254740993n },
    ]
    expect(readEdits(splitEdits(lines))).toEqual(expected)
    expect(readEdits(splitEdits(array))).toEqual(expected)
    expect(splitEdits(lines).map(({ where }) => where)).toEqual(['line 1', 'line 3'])
    expect(splitEdits(array).map(({ where }) => where)).toEqual(['edit 1', 'edit 2'])
  })

  it('are as many as the limit says, and no more', () => {
    expect(splitEdits(line.repeat(WRITE_EDITS_MAX))).toHaveLength(WRITE_EDITS_MAX)
    expect(() => splitEdits(line.repeat(WRITE_EDITS_MAX + 1))).toThrow(FaultError)
    expect(() => splitEdits(line.repeat(WRITE_EDITS_MAX + 1))).toThrow(/at most 16384 edits/)
  })

  it('are read up to the limit of bytes, and not one byte more', async () => {
    const bytes = Buffer.alloc(WRITE_INPUT_BYTES_MAX + 1, line)
    expect(await readInput(Readable.from([bytes.subarray(1)]), WRITE_INPUT_BYTES_MAX)).toHaveLength(
      WRITE_INPUT_BYTES_MAX,
    )
    await expect(readInput(Readable.from([bytes]), WRITE_INPUT_BYTES_MAX)).rejects.toThrow(FaultError)
  })
})
