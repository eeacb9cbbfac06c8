import { describe, expect, it } from 'vitest'
import { deleteRegister, setRegister } from '../../../src/core/types/register/change.ts'
import {
  bytesOf,
  element,
  expectVoid,
  INDEX,
  MOST_ELEMENTS,
  NO_ELEMENTS,
  NO_PAYLOADS,
  read,
  readBytes,
} from './reading.ts'

const KEY = { path: 'a/b', type: 'register', field: '', index: INDEX }

describe('a change of a register', () => {
  it('sets the one cell of its path, to any value', () => {
    for (const value of [null, 0, 'text', [1, [2]], { a: { b: new Uint8Array(2) } }])
      expect(readBytes(setRegister('a/b', value))).toEqual([{ ...KEY, kind: 'set', value: bytesOf(value) }])
  })

  it('deletes by naming elements, none to as many as one removal may name', () => {
    const observed = [{ id: new Uint8Array(32).fill(9), index: 2 }]
    expect(readBytes(deleteRegister('a/b', observed))).toEqual([{ ...KEY, kind: 'remove', observed }])
    expect(read('register', { delete: [] })).toHaveLength(1)
    expect(read('register', { delete: MOST_ELEMENTS })).toHaveLength(1)
  })

  it('is void with anything else', () => {
    expectVoid('register', /either set or delete/, [...NO_PAYLOADS, { set: 1, delete: [] }, { set: 1, x: 1 }])
    expectVoid('register', /names elements/, [{ x: 1 }, { SET: 1 }, { Delete: [element()] }])
    expectVoid(
      'register',
      /names elements/,
      NO_ELEMENTS.map((refs) => ({ delete: refs })),
    )
  })
})
