import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/message-codec.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { assembleOperation, type Operation } from '../../src/core/operation/operation.ts'
import { bob, carol, forge, spaceId } from '../cast.ts'

const first = forge({ author: bob, body: [setRegister('docs/a', 'one')] })
const second = forge({ author: carol, body: [setRegister('docs/b', 'two')] })

describe('a body of the right size', () => {
  test('with other content is not the one that the header commits to', () => {
    const other = assembleOperation(first.headerBytes, first.signature, [setRegister('docs/a', 'eno')])
    expect(other).toMatchObject({ ok: false, fault: { code: 'BAD_FIELD' } })
    expect(assembleOperation(first.headerBytes, first.signature, first.body).ok).toBe(true)
  })

  test('with the same changes in another order is not either', () => {
    const body = [setRegister('docs/a', 1), setRegister('docs/b', 1)]
    const { headerBytes, signature } = forge({ author: bob, body })
    expect(assembleOperation(headerBytes, signature, body.toReversed()).ok).toBe(false)
  })
})

describe('one operation of a batch that is not well-formed', () => {
  const bad: Operation = { ...first, header: { ...first.header, path: 'a//b' } }

  test('is a fault of its own, and the others are read', () => {
    const bytes = encodeMessage({ kind: 'operations', operations: [bad, second], faults: [] })
    const message = decodeMessage(bytes, spaceId)
    if (!message.ok || message.value.kind !== 'operations') throw new Error('the batch is not read')
    expect(message.value.operations.map(({ id }) => id)).toEqual([second.id])
    expect(message.value.faults.map(({ code }) => code)).toEqual(['BAD_FIELD'])
  })

  test('takes those with it that name it as a parent by its place', () => {
    const child = forge({ author: carol, deps: [bad], body: [setRegister('docs/b', 'two')] })
    const bytes = encodeMessage({ kind: 'operations', operations: [bad, child, second], faults: [] })
    const message = decodeMessage(bytes, spaceId)
    if (!message.ok || message.value.kind !== 'operations') throw new Error('the batch is not read')
    expect(message.value.operations.map(({ id }) => id)).toEqual([second.id])
    expect(message.value.faults).toHaveLength(2)
  })
})
