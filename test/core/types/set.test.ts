import { describe, expect, it } from 'vitest'
import { editSet } from '../../../src/core/types/set/change.ts'
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
const keyOf = (field: string) => ({ path: 'a/b', type: 'set', field, index: INDEX })

describe('a change of a set', () => {
  it('adds and removes members, each a cell of its own', () => {
    const observed = [{ id: new Uint8Array(32).fill(9), index: 2 }]
    const bytes = editSet('a/b', { add: ['urgent', 'a', 'urgent'], remove: { old: observed } })
    expect(readBytes(bytes)).toEqual([
      { ...keyOf('a'), kind: 'set', value: bytesOf(true) },
      { ...keyOf('urgent'), kind: 'set', value: bytesOf(true) },
      { ...keyOf('old'), kind: 'remove', observed },
    ])
    expect(read('set', { remove: { old: MOST_ELEMENTS } })).toHaveLength(1)
  })

  it('has members of 1 to 256 bytes that can be the key of a map, so that whatever is added can be removed', () => {
    for (const member of ['a', 'a/b', ' ', 'constructor', longest]) {
      expect(read('set', { add: [member] })).toHaveLength(1)
      expect(read('set', { remove: { [member]: [element()] } })).toHaveLength(1)
    }
    expectVoid('set', /a member of a set has 1 to 256 bytes and is not __proto__/, [
      { add: [''] },
      { add: [`${longest}x`] },
      { add: ['__proto__'] },
      { remove: { '': [] } },
      { remove: { [`${longest}x`]: [] } },
    ])
  })

  it('lists what it adds ascending by bytes, each once', () => {
    expect(read('set', { add: ['B', 'a', 'aa', 'ä', '\uffee', '\u{10000}'] })).toHaveLength(6)
    expectVoid('set', /ascending, each once, not empty/, [
      { add: [] },
      { add: ['b', 'a'] },
      { add: ['a', 'a'] },
      { add: ['\u{10000}', '\uffee'] },
      { add: ['a', 7] },
      { add: 'a' },
      { add: { a: true } },
      { add: null },
    ])
  })

  it('is void with anything else', () => {
    expectVoid('set', /set change/, NO_PAYLOADS)
    expectVoid('set', /one or both/, [{ add: ['a'], set: 1 }, { x: 1 }])
    expectVoid('set', /map that is not empty/, [{ remove: {} }, { remove: [] }, { add: ['a'], remove: 7 }])
    expectVoid('set', /both added and removed/, [{ add: ['a'], remove: { a: [element()] } }])
    expectVoid(
      'set',
      /names elements/,
      NO_ELEMENTS.map((refs) => ({ add: ['b'], remove: { a: refs } })),
    )
  })
})
