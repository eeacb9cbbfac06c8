import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operation as anyOperation } from '../../fuzz/grammar.ts'
import { encodeChange } from '../../src/core/changes/change.ts'
import { encodeHeader } from '../../src/core/operation/header.ts'
import { formatOperationLine, parseOperationLine } from '../../src/core/operation/operation-line.ts'
import { bodyCommitment, type Body, type Operation, operationId } from '../../src/core/operation/operation.ts'
import { setRegister } from '../../src/core/types/register/change.ts'
import { BODY_BYTES_MAX, OPERATION_LINE_BYTES_MAX } from '../../src/core/limits.ts'
import { bob, forge, genesis } from '../cast.ts'

/** An operation with this body, in the cast's space. */
function withBody(body: Body): Operation {
  return forge({ author: bob, body })
}

function lineWith(operation: Operation, edit: (fields: Record<string, unknown>) => void): string {
  const fields = JSON.parse(formatOperationLine(operation)) as Record<string, unknown>
  edit(fields)
  return JSON.stringify(fields)
}

const note = withBody([setRegister('notes/ä', { text: 'hello', at: 1.5 })])

describe('an operation as a line', () => {
  it('says everything in fields that people read', () => {
    const fields = JSON.parse(formatOperationLine(note)) as Record<string, unknown>
    expect(fields).toMatchObject({
      version: 1,
      author: expect.stringMatching(/^did:key:z6Mk/) as unknown,
      command: '/op/write',
      seq: 0,
      lamport: note.header.lamport,
      time: note.header.time,
      body: [{ type: 'register', version: 1, path: 'notes/ä', payload: { set: { text: 'hello', at: 1.5 } } }],
    })
    expect(Object.keys(fields)).toHaveLength(17)
  })

  it('gives back exactly the operation it was made from, whatever that holds', () => {
    fc.assert(
      fc.property(anyOperation, (operation) => {
        const line = formatOperationLine(operation)
        expect(line).not.toContain('\n')
        expect(parseOperationLine(line)).toEqual({ ok: true, value: operation })
      }),
      { numRuns: 300 },
    )
  })

  it('carries the bytes of a change beside its fields where DAG-JSON cannot say it, and alone where it is no change', () => {
    const odd = [
      encodeChange({ type: 'register', version: 1, path: 'a', payload: { set: 1e20 } }),
      encodeChange({ type: 'register', version: 1, path: 'a', payload: { set: { '/': 'no link' } } }),
      new Uint8Array([0xff]),
      new Uint8Array(),
      setRegister('a', 1),
    ]
    const operation = withBody(odd)
    const line = formatOperationLine(operation)
    const { body } = JSON.parse(line) as { body: readonly object[] }
    expect(body.map((change) => 'bytes' in change)).toEqual([true, true, true, true, false])
    expect(body.map((change) => 'payload' in change)).toEqual([true, true, false, false, true])
    expect(parseOperationLine(line)).toEqual({ ok: true, value: operation })
  })

  it('is read in whatever order its fields are, with whatever space between them', () => {
    const fields = Object.entries(JSON.parse(formatOperationLine(note)) as object).toReversed()
    const line = JSON.stringify(Object.fromEntries(fields), null, ' ').replaceAll('\n', ' ')
    expect(parseOperationLine(line)).toEqual({ ok: true, value: note })
  })

  it('holds the largest bodies within its bound', () => {
    const dense = [0x84, 0x61, 0x78, 0x01, 0x60, 0x9a, 0x00, 0x03, 0xff]
    const count = BODY_BYTES_MAX - dense.length - 1
    dense.push((count >> 0) & 0xff)
    dense[7] = (count >> 16) & 0xff
    dense[8] = (count >> 8) & 0xff
    dense[6] = 0
    const bytes = new Uint8Array(BODY_BYTES_MAX).fill(0x40)
    bytes.set(dense)
    bytes.set([0x9a, (count >>> 24) & 0xff, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff], 5)
    const operation = withBody([bytes])
    const line = formatOperationLine(operation)
    expect((JSON.parse(line) as { body: readonly object[] }).body[0]).toHaveProperty('payload')
    expect(line.length).toBeGreaterThan(4 * 1024 * 1024)
    expect(line.length).toBeLessThanOrEqual(OPERATION_LINE_BYTES_MAX)
    expect(parseOperationLine(line)).toEqual({ ok: true, value: operation })
  })
})

describe('a line that is not one', () => {
  it.each([
    ['no JSON', 'BAD_JSON', '{'],
    ['a list', 'BAD_JSON', '[]'],
    ['another version', 'VERSION', lineWith(note, (fields) => (fields['version'] = 2))],
    ['a field too many', 'BAD_FIELD', lineWith(note, (fields) => (fields['more'] = 1))],
    ['a field too few', 'BAD_FIELD', lineWith(note, (fields) => delete fields['seq'])],
    ['a key twice', 'BAD_JSON', formatOperationLine(note).replace('{"id"', '{"path":"elsewhere","id"')],
    ['another id', 'BAD_ID', lineWith(note, (fields) => (fields['id'] = '00'.repeat(32)))],
    ['another path', 'BAD_ID', lineWith(note, (fields) => (fields['path'] = 'notes'))],
    ['another lamport', 'BAD_ID', lineWith(note, (fields) => (fields['lamport'] = 9))],
    ['another size', 'BAD_FIELD', lineWith(note, (fields) => (fields['bodySize'] = 9))],
    ['capitals in an id', 'BAD_FIELD', lineWith(note, (fields) => (fields['prev'] = 'AA'.repeat(32)))],
    ['a short signature', 'BAD_FIELD', lineWith(note, (fields) => (fields['signature'] = '00'))],
    ['another body', 'BAD_FIELD', lineWith(note, (fields) => (fields['body'] = []))],
    ['a float for a number', 'BAD_FIELD', lineWith(note, (fields) => (fields['seq'] = 0.5))],
    ['a huge number', 'BAD_FIELD', formatOperationLine(note).replace('"seq":0', `"seq":${'9'.repeat(30)}`)],
    ['depth', 'BAD_JSON', `{"id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('is refused: %s', (_what, code, line) => {
    expect(parseOperationLine(line)).toMatchObject({ ok: false, fault: { code } })
  })

  it('is refused where the fields of a change do not say what its bytes say', () => {
    const change = setRegister('a', 'true')
    const other = setRegister('a', 'false')
    const operation = withBody([change])
    const line = lineWith(operation, (fields) => {
      fields['body'] = [
        {
          type: 'register',
          version: 1,
          path: 'a',
          payload: { set: 'false' },
          bytes: Buffer.from(change).toString('base64'),
        },
      ]
    })
    expect(parseOperationLine(line)).toMatchObject({
      ok: false,
      fault: { code: 'BAD_FIELD', detail: 'change 0: its fields do not say what its bytes say' },
    })
    expect(other).not.toEqual(change)
  })

  it('is refused one character past its bound, before it is read', () => {
    const line = formatOperationLine(genesis)
    expect(parseOperationLine(line.padEnd(OPERATION_LINE_BYTES_MAX))).toEqual({ ok: true, value: genesis })
    expect(parseOperationLine(line.padEnd(OPERATION_LINE_BYTES_MAX + 1))).toMatchObject({
      ok: false,
      fault: { code: 'LIMIT' },
    })
  })

  it('is refused or the same operation, whichever character is changed', () => {
    const line = formatOperationLine(note)
    fc.assert(
      fc.property(fc.nat(line.length - 1), fc.constantFrom('0', 'a', '"', ',', ' ', '}'), (at, character) => {
        const parsed = parseOperationLine(line.slice(0, at) + character + line.slice(at + 1))
        if (parsed.ok) {
          expect(parsed.value.id).toEqual(note.id)
          expect(parsed.value.body).toEqual(note.body)
        } else expect(parsed.fault.detail).not.toBe('')
      }),
      { numRuns: 500 },
    )
  })
})

it('a line says of an operation without its body that it is not there', () => {
  const headerBytes = encodeHeader({ ...note.header, ...bodyCommitment(note.body ?? []) })
  const bodyless = { ...note, headerBytes, id: operationId(headerBytes), body: null }
  expect(formatOperationLine(bodyless)).toContain('"body":null')
  expect(parseOperationLine(formatOperationLine(bodyless))).toEqual({ ok: true, value: bodyless })
})
