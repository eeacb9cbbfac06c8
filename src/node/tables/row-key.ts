import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { SqlValue } from './sql-value.ts'

/** Values of a row's primary key, in the order of its columns; never NULL. */
export type KeyValues = readonly SqlValue[]

/** An integer as it is written in one way only. */
const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/
/** What stands in a segment as it is, in ASCII; the rest is escaped. */
const ESCAPED = /[%/\p{Cc}]/gu
const BEYOND_ASCII = /[^ -~]/gu

/**
 * A primary key as path segments, one for each column, below the table's prefix:
 *
 * | value | segment |
 * |---|---|
 * | INTEGER, and REAL without a fraction (one key for SQLite too) | decimal: `42`, `-7` |
 * | TEXT | itself, with `%`, `/` and control characters as `%2F`; all that is not ASCII escaped too where it is not in NFC |
 * | TEXT that would read as something else (an integer, empty, `.`, `..`, with `~` in front) | `~t` and the text |
 * | other REAL | `~r` and its shortest decimal form |
 * | BLOB | `~b` and lower-case hexadecimal |
 *
 * Laws (test/node/tables/row-key.test.ts): two keys have one path only if SQLite takes them for equal; what `decodeRowKey` gives has
 * exactly the path it was read from; the path is in NFC with no empty or dot segment.
 */
export function encodeRowKey(values: KeyValues): string {
  return values.map(encodeSegment).join('/')
}

/** Reads what {@link encodeRowKey} writes, and nothing else: `BAD_KEY` for any other path. Strangers choose paths. `columns`: of the key. */
export function decodeRowKey(path: string, columns: number): Result<KeyValues, Fault<'BAD_KEY'>> {
  const segments = path.split('/')
  if (segments.length !== columns) return fail('BAD_KEY', `${segments.length} segments, not ${columns}`)
  const values: SqlValue[] = []
  for (const segment of segments) {
    const value = decodeSegment(segment)
    if (value === undefined || encodeSegment(value) !== segment)
      return fail('BAD_KEY', `${JSON.stringify(segment.slice(0, 80))} is no segment of a key`)
    values.push(value)
  }
  return ok(values)
}

/** True where both are the same value of the same storage class. */
export function isSameKey(a: KeyValues, b: KeyValues): boolean {
  return encodeRowKey(a) === encodeRowKey(b)
}

function encodeSegment(value: SqlValue): string {
  switch (typeof value) {
    case 'bigint':
      return String(value)
    case 'number':
      return Number.isSafeInteger(value) ? String(value + 0) : `~r${value}`
    case 'string':
      return encodeText(value)
    default:
      if (value === null) throw new Error('bug: a primary key with NULL has no path')
      return `~b${Buffer.from(value).toString('hex')}`
  }
}

function encodeText(text: string): string {
  const isPlain = text !== '' && !text.startsWith('~') && text !== '.' && text !== '..' && !INTEGER.test(text)
  const tag = isPlain ? '' : '~t'
  const segment = tag + text.replace(ESCAPED, escaped)
  return segment.normalize('NFC') === segment
    ? segment
    : tag + text.replace(ESCAPED, escaped).replace(BEYOND_ASCII, escaped)
}

const escaped = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** Undefined for what is no segment of a key; what is one in another spelling is found out by encoding it again. */
function decodeSegment(segment: string): SqlValue | undefined {
  if (INTEGER.test(segment)) {
    const integer = BigInt(segment)
    return BigInt.asIntN(64, integer) === integer ? integer : undefined
  }
  if (!segment.startsWith('~')) return unescaped(segment)
  const rest = segment.slice(2)
  switch (segment[1]) {
    case 't':
      return unescaped(rest)
    case 'r':
      return rest === '' || Number.isNaN(Number(rest)) ? undefined : Number(rest)
    case 'b':
      return /^(?:[0-9a-f]{2})*$/.test(rest) ? new Uint8Array(Buffer.from(rest, 'hex')) : undefined
    default:
      return undefined
  }
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
