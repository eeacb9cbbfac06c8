import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeChange } from '../../../../src/core/changes/change.ts'
import { TEXT_EDITS_MAX } from '../../../../src/core/limits.ts'
import { deleteText, editText, readText } from '../../../../src/core/types/text/change.ts'
import { isCreating, type TextEdit } from '../../../../src/core/types/text/edit.ts'

const read = (payload: unknown) => readText({ type: 'text', version: 1, path: 'note', payload }, 0)

describe('a change of a text', () => {
  it('comes back as it was written', () => {
    const edits = fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 9 }).map((n) => n + 1),
        fc.string({ unit: 'binary' }),
      ),
      { minLength: 1, maxLength: 5 },
    )
    fc.assert(
      fc.property(edits, (list) => {
        const decoded = decodeChange(editText('a/note', list))
        if (!decoded.ok) throw new Error(decoded.fault.detail)
        expect(decoded.value).toMatchObject({ type: 'text', version: 1, path: 'a/note' })
        expect(readText(decoded.value, 3)).toEqual({
          ok: true,
          value: [{ path: 'a/note', type: 'text', field: '', index: 3, kind: 'edit', edits: list }],
        })
      }),
    )
    const decoded = decodeChange(deleteText('a/note'))
    expect(decoded.ok && readText(decoded.value, 0)).toMatchObject({ ok: true, value: [{ kind: 'clear' }] })
  })

  it.each([
    ['nothing', {}],
    ['both', { edits: [[0, 0, 'a']], delete: true }],
    ['a deletion of elements', { delete: [] }],
    ['no edit', { edits: [] }],
    ['an edit of two parts', { edits: [[0, 0]] }],
    ['an edit of four parts', { edits: [[0, 0, 'a', 1]] }],
    ['a negative position', { edits: [[-1, 0, 'a']] }],
    ['a position that is no whole number', { edits: [[0.5, 0, 'a']] }],
    ['a negative count', { edits: [[0, -1, 'a']] }],
    ['a count beyond all numbers', { edits: [[0, 2n ** 60n, 'a']] }],
    ['bytes for a text', { edits: [[0, 0, new Uint8Array(1)]] }],
    ['half a character', { edits: [[0, 0, '\ud83d']] }],
    [
      'an empty edit beside others',
      {
        edits: [
          [0, 0, 'a'],
          [0, 0, ''],
        ],
      },
    ],
    ['another word', { insert: 'a' }],
    ['a list', [[0, 0, 'a']]],
  ])('with %s is void', (_, payload) => {
    expect(read(payload)).toMatchObject({ ok: false, fault: { code: 'CHANGE_INVALID' } })
  })

  it('makes as many edits as the limit says, and no more', () => {
    const edits = Array.from({ length: TEXT_EDITS_MAX }, (): TextEdit => [0, 0, 'a'])
    expect(read({ edits })).toMatchObject({ ok: true })
    expect(read({ edits: [...edits, [0, 0, 'a']] })).toMatchObject({
      ok: false,
      fault: { code: 'CHANGE_INVALID' },
    })
  })

  it('brings its text to be with what it inserts, or as the one empty edit', () => {
    const creates = (...edits: TextEdit[]) => isCreating({ kind: 'edit', edits })
    expect([creates([0, 0, '']), creates([0, 1, 'a']), creates([0, 1, ''], [0, 0, 'b'])]).toEqual([
      true,
      true,
      true,
    ])
    expect([creates([0, 1, '']), isCreating({ kind: 'delete' })]).toEqual([false, false])
  })
})
