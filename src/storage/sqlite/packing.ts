import type { Body } from '../../core/operation/operation.ts'
import { damagedRow } from '../store-error.ts'

/**
 * How lists lie in one column. Numbers are unsigned LEB128 varints up to 2^53 − 1. These bytes never leave this file and are
 * never hashed; reading them back is not defended against strangers, only against damage (it throws).
 */

/** The body of an operation: number of changes, then each with its length in front. */
export function packBody(body: Body): Uint8Array {
  let size = varintBytes(body.length)
  for (const change of body) size += varintBytes(change.length) + change.length
  const packed = new Uint8Array(size)
  let at = writeVarint(packed, 0, body.length)
  for (const change of body) {
    at = writeVarint(packed, at, change.length)
    packed.set(change, at)
    at += change.length
  }
  return packed
}

/** The inverse of {@link packBody}: exactly the same changes, as views of what was packed. */
export function unpackBody(packed: Uint8Array): Body {
  const reader = new VarintReader(packed)
  const count = reader.next()
  const body: Uint8Array[] = []
  for (let i = 0; i < count; i++) body.push(reader.take(reader.next()))
  return body
}

/** Ordinals of parents, in their order, each as its distance below the child: mostly one byte each. */
export function packParents(child: number, parents: readonly number[]): Uint8Array {
  let size = 0
  for (const parent of parents) size += varintBytes(child - parent)
  const packed = new Uint8Array(size)
  let at = 0
  for (const parent of parents) at = writeVarint(packed, at, child - parent)
  return packed
}

/** The inverse of {@link packParents}. */
export function unpackParents(child: number, packed: Uint8Array): readonly number[] {
  const reader = new VarintReader(packed)
  const parents: number[] = []
  while (!reader.isAtEnd()) parents.push(child - reader.next())
  return parents
}

/** Numbers that ascend, each as its distance from the one before. */
export function packAscending(numbers: readonly number[]): Uint8Array {
  let size = 0
  let before = 0
  for (const number of numbers) {
    size += varintBytes(number - before)
    before = number
  }
  const packed = new Uint8Array(size)
  let at = 0
  before = 0
  for (const number of numbers) {
    at = writeVarint(packed, at, number - before)
    before = number
  }
  return packed
}

/** The inverse of {@link packAscending}. */
export function unpackAscending(packed: Uint8Array): readonly number[] {
  const reader = new VarintReader(packed)
  const numbers: number[] = []
  let number = 0
  while (!reader.isAtEnd()) {
    number += reader.next()
    numbers.push(number)
  }
  return numbers
}

class VarintReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  next(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 56; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw damagedRow('a number has no end')
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw damagedRow('a change is cut short')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

function varintBytes(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

function writeVarint(into: Uint8Array, offset: number, value: number): number {
  let at = offset
  let rest = value
  while (rest >= 128) {
    into[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  into[at++] = rest
  return at
}
