import { describe, expect, it } from 'vitest'
import { decideLocal, decideRemote, stateAfter, stateSettled } from '../../../src/node/tables/merge-row.ts'

const columns = { key: ['id'], others: ['a', 'b'] } as const
const rowOf = (fields: Readonly<Record<string, unknown>>) => new Map(Object.entries(fields))
const fields = { id: 1, a: 'x', b: null }
const row = rowOf(fields)
const agreed = stateAfter(columns, row, fields)
const noDefault = () => false

describe('what a row means for the space', () => {
  it('is nothing once it was written, also where that was not remembered', () => {
    const changed = rowOf({ ...fields, a: 'y' })
    const first = decideLocal(columns, changed, agreed, fields, noDefault)
    expect(first).toMatchObject({ kind: 'set', set: { a: 'y' } })
    expect(decideLocal(columns, changed, agreed, { ...fields, a: 'y' }, noDefault).kind).toBe('none')
    expect(decideLocal(columns, undefined, agreed, undefined, noDefault).kind).toBe('none')
    expect(decideLocal(columns, undefined, agreed, fields, noDefault)).toEqual({
      kind: 'delete',
      next: undefined,
    })
  })

  it('is the whole row where the space has lost its key, else what differs', () => {
    expect(decideLocal(columns, row, undefined, { a: 'x' }, noDefault)).toMatchObject({ set: fields })
    expect(decideLocal(columns, row, undefined, { ...fields, b: 2 }, noDefault)).toMatchObject({
      set: { b: null },
    })
  })

  it('keeps in mind what is still to be applied', () => {
    const decision = decideLocal(
      columns,
      rowOf({ ...fields, a: 'y' }),
      agreed,
      { ...fields, b: 'theirs' },
      noDefault,
    )
    expect(decision).toMatchObject({ kind: 'set', set: { a: 'y' } })
    const after = decideRemote(columns, rowOf({ ...fields, a: 'y' }), decision.next, {
      ...fields,
      a: 'y',
      b: 'theirs',
    })
    expect(after).toEqual({ kind: 'update', set: new Map([['b', 'theirs']]) })
  })
})

describe('what the space means for a row', () => {
  it('is nothing for one that a trigger has taken away, until its map changes', () => {
    const settled = stateSettled(columns, undefined, agreed)
    expect(decideRemote(columns, undefined, settled, fields).kind).toBe('none')
    expect(decideRemote(columns, undefined, settled, { ...fields, b: 2 }).kind).toBe('insert')
  })

  it('is nothing for a value that the table keeps as another', () => {
    const kept = stateAfter(columns, rowOf({ ...fields, a: '5' }), { ...fields, a: 5 })
    expect(decideRemote(columns, rowOf({ ...fields, a: '5' }), kept, { ...fields, a: 5 }).kind).toBe('none')
    expect(
      decideLocal(columns, rowOf({ ...fields, a: '5' }), kept, { ...fields, a: 5 }, noDefault).kind,
    ).toBe('none')
  })

  it('is the default for a field that is gone, and no row without the whole key', () => {
    expect(decideRemote(columns, row, agreed, { id: 1, b: null })).toEqual({
      kind: 'update',
      set: new Map([['a', undefined]]),
    })
    expect(decideRemote(columns, row, agreed, { a: 'x', b: null }).kind).toBe('delete')
    expect(decideRemote(columns, row, stateSettled(columns, row, undefined), undefined).kind).toBe('none')
  })

  it('waits for what was changed here', () => {
    for (const changed of [rowOf({ ...fields, a: 'mine' }), undefined])
      expect(decideRemote(columns, changed, agreed, { ...fields, b: 2 }).kind).toBe('unpublished')
    expect(decideRemote(columns, row, undefined, fields).kind).toBe('unpublished')
  })
})
