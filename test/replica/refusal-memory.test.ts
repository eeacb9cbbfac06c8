import { expect, test } from 'vitest'
import { sha256 } from '../../src/core/hash.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { REFUSALS_REMEMBERED_MAX } from '../../src/core/limits.ts'
import { RefusalMemory } from '../../src/node/replica/refusal-memory.ts'

const idOf = (number: number) => sha256(utf8(`refused ${number}`))

test('remembers as many refusals as the limit says, by bytes and by id, and forgets the oldest for one more', () => {
  const memory = new RefusalMemory()
  for (let i = 0; i < REFUSALS_REMEMBERED_MAX; i++) {
    memory.rememberId(idOf(i), 'SEQ')
    memory.rememberBytes(idOf(i), 'BAD_SIGNATURE')
  }
  expect([memory.codeOfId(idOf(0)), memory.codeOfBytes(idOf(0))]).toEqual(['SEQ', 'BAD_SIGNATURE'])
  memory.rememberId(idOf(-1), 'SEQ')
  memory.rememberBytes(idOf(-1), 'BAD_SIGNATURE')
  expect([memory.codeOfId(idOf(0)), memory.codeOfBytes(idOf(0))]).toEqual([undefined, undefined])
  expect([memory.codeOfId(idOf(1)), memory.codeOfBytes(idOf(1))]).toEqual(['SEQ', 'BAD_SIGNATURE'])
  expect([memory.codeOfId(idOf(-1)), memory.codeOfBytes(idOf(-1))]).toEqual(['SEQ', 'BAD_SIGNATURE'])
})

test('never takes what was refused by its bytes for refused by its id', () => {
  const memory = new RefusalMemory()
  memory.rememberBytes(idOf(1), 'BAD_SIGNATURE')
  memory.rememberId(idOf(2), 'SEQ')
  expect(memory.codeOfId(idOf(1))).toBeUndefined()
  expect(memory.codeOfBytes(idOf(2))).toBeUndefined()
})
