import type { CellEdit, WriteStamp } from './cell.ts'
import { entryField, LOG } from './log/change.ts'
import { MAP } from './map/change.ts'
import { REGISTER } from './register/change.ts'
import { FIELD_BYTES_MAX } from '../limits.ts'
import { isAtOrBelow, parsePath } from '../path.ts'

/** Where a change stands. */
interface Place {
  /** The path of its operation. */
  readonly path: string
  /** Its index in the body. */
  readonly index: number
  /** The place of its operation in the order of writes. */
  readonly operation: Omit<WriteStamp, 'index'>
}

/** What a value nests here; a deeper one takes the other way, long before a limit. */
const DEPTH_MAX = 16
const NOT_PLAIN = -1
const UTF8 = new TextDecoder('utf-8', { fatal: true })
/** As long as a head of two bytes can say. A text is copied here first, which takes less than a view of where it stands. */
const shortText = Buffer.alloc(255)
const float = new DataView(new ArrayBuffer(8))

const bytesOf = (text: string): readonly number[] => Array.from(text, (letter) => letter.charCodeAt(0))
/** Frames up to the path, and after the path up to the value. */
const LIST_OF_FOUR = 0x84
const MAP_OF_ONE = 0xa1
const framed = (text: string): readonly number[] => [0x60 + text.length, ...bytesOf(text)]
const HEADS = ([REGISTER, MAP, LOG] as const).map((type) => ({
  type,
  head: [LIST_OF_FOUR, ...framed(type), 1],
}))
const SET = [MAP_OF_ONE, ...framed('set')]
const APPEND = [MAP_OF_ONE, ...framed('append')]
const PROTO = bytesOf('__proto__')

/**
 * Reads the changes that most are, straight from their bytes: one that sets a register or fields of a map, or appends to a log, at or below
 * the operation's path. The value is checked to be canonical where it stands, and is given as a view of `bytes`: nothing of it is decoded or
 * encoded again. Null says nothing about the change: it is for `decodeChange` and `readItemChange`, whose edits these are for every
 * change that is taken here (test/core/types/plain-change.test.ts). Total.
 */
export function readPlainChange(bytes: Uint8Array, place: Place): readonly CellEdit[] | null {
  for (let i = 0; i < HEADS.length; i++) {
    const { type, head } = HEADS[i] as (typeof HEADS)[number]
    if (!hasAt(bytes, 0, head)) continue
    const path = pathAt(bytes, head.length, place.path)
    if (path === null) return null
    const at = endOfHead(bytes, head.length) + argumentAt(bytes, head.length)
    switch (type) {
      case REGISTER:
        return readValue(bytes, at, SET, path, REGISTER, '', place.index)
      case LOG: {
        const { index, operation } = place
        const { time, lamport, id } = operation
        return readValue(bytes, at, APPEND, path, LOG, entryField({ time, lamport, id, index }), index)
      }
      default:
        return readFields(bytes, at, path, place.index)
    }
  }
  return null
}

function readValue(
  bytes: Uint8Array,
  at: number,
  frame: readonly number[],
  path: string,
  type: typeof REGISTER | typeof LOG,
  field: string,
  index: number,
): readonly CellEdit[] | null {
  if (!hasAt(bytes, at, frame)) return null
  const from = at + frame.length
  if (endOf(bytes, from, 0) !== bytes.length) return null
  return [{ path, type, field, index, kind: 'set', value: view(bytes, from, bytes.length) }]
}

function readFields(bytes: Uint8Array, at: number, path: string, index: number): readonly CellEdit[] | null {
  if (!hasAt(bytes, at, SET)) return null
  const from = at + SET.length
  const head = bytes[from] ?? 0
  const count = head - 0xa0
  // Few fields, none of which JavaScript would put before others, which is what it does with numbers.
  if (count < 1 || count > 23 || endOf(bytes, from, 0) !== bytes.length) return null
  const edits: CellEdit[] = []
  let next = from + 1
  for (let i = 0; i < count; i++) {
    const end = endOf(bytes, next, 0)
    const field = shortAscii(bytes, next, FIELD_BYTES_MAX)
    if (field === null || field === '' || isDigit(field.charCodeAt(0))) return null
    next = endOf(bytes, end, 0)
    edits.push({ path, type: MAP, field, index, kind: 'set', value: view(bytes, end, next) })
  }
  return edits
}

/** The path at an offset: that of the operation itself, or one below it; null where it is neither, or takes the other way. */
function pathAt(bytes: Uint8Array, at: number, operationPath: string): string | null {
  const text = shortAscii(bytes, at, 255)
  if (text === null) return null
  if (text === operationPath) return operationPath
  return isAtOrBelow(text, operationPath) && parsePath(text).ok ? text : null
}

/** A text of ASCII with a head of one or two bytes; null for what is none, or longer. */
function shortAscii(bytes: Uint8Array, at: number, bytesMax: number): string | null {
  const first = bytes[at] ?? 0
  if (first < 0x60 || first > 0x78) return null
  const isLong = first === 0x78
  const length = isLong ? (bytes[at + 1] ?? 0) : first - 0x60
  const from = at + (isLong ? 2 : 1)
  const end = from + length
  if ((isLong && length < 24) || length > bytesMax || end > bytes.length) return null
  for (let i = 0; i < length; i++) {
    const byte = bytes[from + i] as number
    if (byte >= 0x80) return null
    shortText[i] = byte
  }
  return shortText.toString('latin1', 0, length)
}

/** Where the canonical item at an offset ends; {@link NOT_PLAIN} where it is none, or takes the other way (links, deep ones). */
function endOf(bytes: Uint8Array, at: number, depth: number): number {
  const first = bytes[at]
  if (first === undefined || depth > DEPTH_MAX) return NOT_PLAIN
  const info = first & 31
  switch (first >> 5) {
    case 0:
    case 1:
      return info === 27 ? endOfLargeInteger(bytes, at) : endOfHead(bytes, at)
    case 2: {
      const from = endOfHead(bytes, at)
      const end = from + argumentAt(bytes, at)
      return from === NOT_PLAIN || end > bytes.length ? NOT_PLAIN : end
    }
    case 3:
      return endOfText(bytes, at)
    case 4: {
      let next = endOfHead(bytes, at)
      for (let left = argumentAt(bytes, at); left > 0 && next !== NOT_PLAIN; left--)
        next = endOf(bytes, next, depth + 1)
      return next
    }
    case 5:
      return endOfMap(bytes, at, depth)
    case 7:
      if (first === 0xf4 || first === 0xf5 || first === 0xf6) return at + 1
      return first === 0xfb ? endOfFloat(bytes, at) : NOT_PLAIN
    default:
      return NOT_PLAIN
  }
}

function endOfMap(bytes: Uint8Array, at: number, depth: number): number {
  let next = endOfHead(bytes, at)
  let previous = 0
  let previousEnd = 0
  for (let left = argumentAt(bytes, at); left > 0 && next !== NOT_PLAIN; left--) {
    const end = endOfText(bytes, next)
    if (end === NOT_PLAIN) return NOT_PLAIN
    const key = endOfHead(bytes, next)
    if (end - key === PROTO.length && hasAt(bytes, key, PROTO)) return NOT_PLAIN
    if (previousEnd > 0 && !isBefore(bytes, previous, previousEnd, key, end)) return NOT_PLAIN
    previous = key
    previousEnd = end
    next = endOf(bytes, end, depth + 1)
  }
  return next
}

function endOfText(bytes: Uint8Array, at: number): number {
  if ((bytes[at] ?? 0) >> 5 !== 3) return NOT_PLAIN
  const from = endOfHead(bytes, at)
  const end = from + argumentAt(bytes, at)
  if (from === NOT_PLAIN || end > bytes.length) return NOT_PLAIN
  for (let i = from; i < end; i++)
    if ((bytes[i] as number) >= 0x80) return isUtf8(bytes, i, end) ? end : NOT_PLAIN
  return end
}

function isUtf8(bytes: Uint8Array, from: number, end: number): boolean {
  try {
    UTF8.decode(view(bytes, from, end))
    return true
  } catch {
    return false
  }
}

function endOfFloat(bytes: Uint8Array, at: number): number {
  if (at + 9 > bytes.length) return NOT_PLAIN
  for (let i = 0; i < 8; i++) float.setUint8(i, bytes[at + 1 + i] as number)
  const value = float.getFloat64(0)
  return Number.isFinite(value) && !Number.isSafeInteger(value) ? at + 9 : NOT_PLAIN
}

/** An integer of eight bytes that does not fit into four. */
function endOfLargeInteger(bytes: Uint8Array, at: number): number {
  if (at + 9 > bytes.length) return NOT_PLAIN
  for (let i = at + 1; i < at + 5; i++) if (bytes[i] !== 0) return at + 9
  return NOT_PLAIN
}

/** Where the head of an item ends whose argument is in its shortest form, of four bytes at most. */
function endOfHead(bytes: Uint8Array, at: number): number {
  const info = (bytes[at] ?? 0) & 31
  if (info < 24) return at + 1
  if (info > 26) return NOT_PLAIN
  const end = at + 1 + (1 << (info - 24))
  const least = info === 24 ? 24 : info === 25 ? 0x100 : 0x1_0000
  return end <= bytes.length && argumentAt(bytes, at) >= least ? end : NOT_PLAIN
}

/** The argument of a head of up to four bytes. */
function argumentAt(bytes: Uint8Array, at: number): number {
  const info = (bytes[at] as number) & 31
  if (info < 24) return info
  let argument = 0
  for (let i = 0; i < 1 << (info - 24); i++) argument = argument * 256 + (bytes[at + 1 + i] ?? 0)
  return argument
}

/** The order of keys in DAG-CBOR: shorter first, then by bytes. */
function isBefore(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = aEnd - a
  if (length !== bEnd - b) return length < bEnd - b
  for (let i = 0; i < length; i++)
    if (bytes[a + i] !== bytes[b + i]) return (bytes[a + i] as number) < (bytes[b + i] as number)
  return false
}

function hasAt(bytes: Uint8Array, at: number, expected: readonly number[]): boolean {
  if (at < 0) return false
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false
  return true
}

/** Always a plain array, whatever the bytes are a view of. */
function view(bytes: Uint8Array, from: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, end - from)
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
