import { expect } from 'vitest'
import { encodeCanonical } from '../../../src/core/canonical-cbor.ts'
import { decodeChange, encodeChange } from '../../../src/core/changes/change.ts'
import type { CellEdit } from '../../../src/core/types/cell.ts'
import { readItemChange } from '../../../src/core/types/read-item-change.ts'

/** An operation that the changes of these tests stand in. */
export const OPERATION = { id: new Uint8Array(32).fill(7), time: 1_800_000_000_000, lamport: 42 }
export const INDEX = 3

/** An element, named as on the wire. */
export const element = (byte = 1, index: unknown = 0) => [new Uint8Array(32).fill(byte), index]

/** What a payload of a type does, in words: its edits, or why it is void. */
export function read(type: string, payload: unknown, path = 'a/b'): readonly CellEdit[] | string {
  return readBytes(encodeChange({ type, version: 1, path, payload }))
}

/** The same of bytes as they came. */
export function readBytes(bytes: Uint8Array): readonly CellEdit[] | string {
  const decoded = decodeChange(bytes)
  if (!decoded.ok) return decoded.fault.detail
  const result = readItemChange(decoded.value, INDEX, OPERATION)
  if (result === null) return 'unknown'
  return result.ok ? result.value : result.fault.detail
}

/** Expects each payload to void its change, for the same reason. */
export function expectVoid(type: string, why: string | RegExp, payloads: readonly unknown[]): void {
  for (const payload of payloads) {
    const found = read(type, payload)
    expect(typeof found === 'string' ? found : `taken: ${JSON.stringify(payload)}`).toMatch(why)
  }
}

/** What is none of the payloads of any type. */
export const NO_PAYLOADS: readonly unknown[] = [null, true, 7, 'text', [], {}, new Uint8Array(3)]

/** Lists that name no elements: of other things, ids of another length, indexes that are none, too many. */
export const NO_ELEMENTS: readonly unknown[] = [
  null,
  {},
  'x',
  [7],
  [[new Uint8Array(32)]],
  [[...element(), 0]],
  [[new Uint8Array(31), 0]],
  [[new Uint8Array(33), 0]],
  [['x', 0]],
  [element(1, -1)],
  [element(1, 0.5)],
  [element(1, '0')],
  [element(1, 2n ** 60n)],
  Array.from({ length: 65 }, () => element()),
]

/** As many elements as one removal may name. */
export const MOST_ELEMENTS = Array.from({ length: 64 }, (_, i) => element(i))

/** Canonical bytes. */
export const bytesOf = (value: unknown): Uint8Array => encodeCanonical(value)
