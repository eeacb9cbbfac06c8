import { describe, expect, it } from 'vitest'
import { makeClaim, releaseClaim } from '../../../src/core/types/claim/change.ts'
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

const KEY = { path: 'a/b', type: 'claim', field: '', index: INDEX }

describe('a change of a claim', () => {
  it('claims with any value, and releases by naming claims', () => {
    for (const value of [null, 'mine', { build: 7 }])
      expect(readBytes(makeClaim('a/b', value))).toEqual([{ ...KEY, kind: 'set', value: bytesOf(value) }])
    const observed = [{ id: new Uint8Array(32).fill(9), index: 2 }]
    expect(readBytes(releaseClaim('a/b', observed))).toEqual([{ ...KEY, kind: 'remove', observed }])
    expect(read('claim', { release: MOST_ELEMENTS })).toHaveLength(1)
  })

  it('is void with anything else', () => {
    expectVoid('claim', /either claim or release/, [
      ...NO_PAYLOADS,
      { claim: 1, release: [] },
      { claim: 1, x: 1 },
    ])
    expectVoid('claim', /names elements/, [{ set: 1 }, { Release: [element()] }])
    expectVoid(
      'claim',
      /names elements/,
      NO_ELEMENTS.map((refs) => ({ release: refs })),
    )
  })
})
