import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PATH_BYTES_MAX } from '../../../src/core/limits.ts'
import { parsePath } from '../../../src/core/path.ts'
import { edgeField, parseEdgeField, removeEdge, setEdge } from '../../../src/core/types/edge/change.ts'
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

const END = { label: 'knows', to: 'people/grace' }
const KEY = { path: 'a/b', type: 'edge', field: 'knows/people/grace', index: INDEX }
const longest = 'ä'.repeat(128)
/** A path of exactly so many bytes, in segments that are short enough. */
const pathOf = (bytes: number) =>
  `${'x'.repeat(99)}/`.repeat(Math.ceil(bytes / 100)).slice(0, bytes - 1) + 'x'

describe('a change of an edge', () => {
  it('draws one edge at its source, with any value, or takes it away', () => {
    for (const value of [null, 7, { since: 1833 }])
      expect(readBytes(setEdge('a/b', END, value))).toEqual([{ ...KEY, kind: 'set', value: bytesOf(value) }])
    const observed = [{ id: new Uint8Array(32).fill(9), index: 2 }]
    expect(readBytes(removeEdge('a/b', END, observed))).toEqual([{ ...KEY, kind: 'remove', observed }])
    expect(read('edge', { ...END, remove: MOST_ELEMENTS })).toHaveLength(1)
  })

  it('has a label of one segment of 1 to 256 bytes', () => {
    for (const label of ['k', ' ', 'knows well', longest])
      expect(read('edge', { ...END, label, set: 1 })).toHaveLength(1)
    expectVoid(
      'edge',
      /label of an edge is one path segment of 1 to 256 bytes/,
      ['', '.', '..', 'a/b', '/', `${longest}x`, 'A\u030a'].map((label) => ({ ...END, label, set: 1 })),
    )
  })

  it('leads to the path of an item, never to the root', () => {
    for (const to of ['x', 'a/b', pathOf(PATH_BYTES_MAX)]) {
      expect(parsePath(to).ok).toBe(true)
      expect(read('edge', { ...END, to, set: 1 })).toHaveLength(1)
    }
    expectVoid(
      'edge',
      /target of an edge is the path of an item/,
      ['', '/', 'a//b', 'a/', '../x', pathOf(PATH_BYTES_MAX + 1), 'A\u030a'].map((to) => ({
        ...END,
        to,
        set: 1,
      })),
    )
  })

  it('is void with anything else', () => {
    expectVoid('edge', /has label, to, and set or remove/, [
      ...NO_PAYLOADS,
      END,
      { label: 'k', set: 1 },
      { ...END, set: 1, remove: [] },
      { ...END, set: 1, x: 1 },
    ])
    expectVoid('edge', /are texts/, [
      { label: 7, to: 'x', set: 1 },
      { label: 'k', to: null, set: 1 },
      { label: 'k', set: 1, remove: [] },
    ])
    expectVoid('edge', /names elements/, [
      { ...END, x: 1 },
      { ...END, Remove: [element()] },
    ])
    expectVoid(
      'edge',
      /names elements/,
      NO_ELEMENTS.map((refs) => ({ ...END, remove: refs })),
    )
  })

  it('has a cell for each label and target, never one for two', () => {
    const segment = fc.string({ minLength: 1, maxLength: 6 }).filter((text) => !text.includes('/'))
    const end = fc.record({
      label: segment,
      to: fc.array(segment, { minLength: 1 }).map((path) => path.join('/')),
    })
    fc.assert(
      fc.property(end, end, (a, b) => {
        expect(parseEdgeField(edgeField(a))).toEqual(a)
        expect(edgeField(a) === edgeField(b)).toBe(a.label === b.label && a.to === b.to)
      }),
    )
  })
})
