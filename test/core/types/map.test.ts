import { describe, expect, it } from 'vitest'
import { editMap } from '../../../src/core/types/map/change.ts'
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

const longest = 'ä'.repeat(128)
const keyOf = (field: string) => ({ path: 'a/b', type: 'map', field, index: INDEX })

describe('a change of a map', () => {
  it('sets and removes fields, each a cell of its own', () => {
    const observed = [{ id: new Uint8Array(32).fill(9), index: 2 }]
    const bytes = editMap('a/b', { set: { name: 'Ada', born: 1815 }, remove: { nick: observed } })
    expect(readBytes(bytes)).toHaveLength(3)
    expect(readBytes(bytes)).toEqual(
      expect.arrayContaining([
        { ...keyOf('name'), kind: 'set', value: bytesOf('Ada') },
        { ...keyOf('born'), kind: 'set', value: bytesOf(1815) },
        { ...keyOf('nick'), kind: 'remove', observed },
      ]),
    )
  })

  it('takes field names of 1 to 256 bytes, in which a slash or a dot is a character like any other', () => {
    for (const field of ['a', 'a/b', '..', ' ', longest])
      expect(read('map', { set: { [field]: 1 } })).toHaveLength(1)
    expectVoid('map', /1 to 256 bytes/, [
      { set: { '': 1 } },
      { set: { [`${longest}x`]: 1 } },
      { remove: { '': [] } },
      { remove: { [`${longest}x`]: [] } },
    ])
  })

  it('is void with anything else', () => {
    expectVoid('map', /is a map with set and remove/, [null, true, 7, 'text', []])
    expectVoid('map', /changes nothing/, [{}])
    expectVoid('map', /not "SET"/, [{ set: { a: 1 }, SET: {} }])
    expectVoid('map', /not empty/, [{ set: {} }, { set: { a: 1 }, remove: {} }, { set: [] }, { remove: 7 }])
    expectVoid('map', /both set and removed/, [{ set: { a: 1 }, remove: { a: [element()] } }])
    expectVoid(
      'map',
      /names elements/,
      NO_ELEMENTS.map((refs) => ({ set: { b: 1 }, remove: { a: refs } })),
    )
    expect(read('map', { remove: { a: MOST_ELEMENTS } })).toHaveLength(1)
    expect(NO_PAYLOADS.every((payload) => typeof read('map', payload) === 'string')).toBe(true)
  })
})
