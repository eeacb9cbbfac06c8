import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import { formatJson, parseJson } from '../../src/core/json.ts'
import { formatCursor, parseCursor } from '../../src/node/feed/cursor.ts'
import { parsePoint } from '../../src/node/history/point.ts'
import { COLUMN_TYPES, readKind } from '../../src/node/query/kind.ts'
import { bytesOf, digest } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const count = fc.nat({ max: 2 ** 31 })

/** A cursor is text around canonical CBOR, so that is what is mutated. */
const cursor: Target = {
  name: 'cursor',
  form: 'cbor',
  inputBytesMax: 8 * 1024,
  words: [],
  valid: fc
    .record({
      feed: bytesOf(8),
      ordinal: count,
      turn: count,
      heads: fc.array(digest, { maxLength: 3 }),
      skip: fc.array(digest, { maxLength: 3 }),
      skipUntil: count,
    })
    .map((fields) => Buffer.from(formatCursor(fields), 'base64url')),
  run(input) {
    const parsed = parseCursor(Buffer.from(input).toString('base64url'))
    if (!parsed.ok) return false
    holds(
      isDeepStrictEqual(parseCursor(formatCursor(parsed.value)), parsed),
      'a cursor is written as it was read',
    )
    return true
  },
}

/** What people type where a point in history is asked for. */
const point: Target = {
  name: 'history-point',
  form: 'text',
  inputBytesMax: 256,
  words: ['now', '^', '2026-', 'T', ':', 'Z', '0123456789abcdef'],
  valid: fc
    .constantFrom('now', `${'a1'.repeat(32)}^`, '1763733600000', '2026-11-21T14:05', '2026-11-21')
    .map(utf8),
  run(input) {
    const parsed = parsePoint(Buffer.from(input).toString())
    if (!parsed.ok) return false
    if (parsed.value.kind === 'time') holds(parsed.value.timeMs >= 0, 'a time is not before 1970')
    return true
  },
}

const json: Target = {
  name: 'json',
  form: 'text',
  inputBytesMax: 4 * 1024,
  words: ['{"', '":', '[', ']', '9007199254740993', '-', 'e', '\\u0000', 'null'],
  valid: fc.json().map(utf8),
  run(input) {
    let value: unknown
    try {
      value = parseJson(Buffer.from(input).toString())
    } catch (error) {
      holds(error instanceof SyntaxError || error instanceof RangeError, 'only bad syntax is thrown')
      return false
    }
    const again = formatJson(value)
    holds(formatJson(parseJson(again)) === again, 'JSON is written as it was read')
    return true
  },
}

/** The fields of a kind's map, as anybody may write them. */
const kind: Target = {
  name: 'kind',
  form: 'cbor',
  inputBytesMax: 8 * 1024,
  words: ['column.', 'path', ...COLUMN_TYPES],
  valid: fc
    .tuple(
      fc.constantFrom('people', 'task', 'a_b'),
      fc.dictionary(fc.stringMatching(/^column\.[a-z]{1,8}$/), fc.constantFrom(...COLUMN_TYPES), {
        maxKeys: 5,
      }),
    )
    .map(([name, columns]) => encodeCanonical([name, { path: 'people', ...columns }])),
  run(input) {
    const decoded = decodeCanonical(input)
    if (!decoded.ok || !Array.isArray(decoded.value)) return false
    const [name, fields] = decoded.value as unknown[]
    if (typeof name !== 'string' || typeof fields !== 'object' || fields === null) return false
    const read = readKind(name, new Map(Object.entries(fields)))
    if (!read.ok) return false
    const names = read.value.columns.map((column) => column.name.toLowerCase())
    holds(new Set(names).size === names.length, 'no two columns have one name')
    return true
  },
}

/** What users and members say when they ask: cursors, points, JSON, kinds. */
export const ASKING_TARGETS: readonly Target[] = [cursor, point, json, kind]
