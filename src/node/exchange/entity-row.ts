import { parseJson } from '../../core/json.ts'
import { CBOR_DEPTH_MAX, IMPORT_COLUMNS_MAX, IMPORT_ROW_BYTES_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { fromJsonValue } from '../../core/value-json.ts'
import { readJsonValues } from './json-values.ts'

/** One entity of a file: its fields, or why it is none. */
export interface EntityRow {
  /** Where it begins, from 1. */
  readonly line: number
  /** Which object of a JSON file it is, from 1: many may be on one line. Absent for rows of CSV. */
  readonly index?: number
  readonly fields: Result<Readonly<Record<string, unknown>>>
}

/** The objects of a JSON file: the elements of an array, or one after the other. Bytes and links as in DAG-JSON. */
export async function* readJsonRows(source: AsyncIterable<Uint8Array>): AsyncGenerator<EntityRow> {
  let index = 0
  for await (const { line, text } of readJsonValues(source, IMPORT_ROW_BYTES_MAX))
    yield { line, index: ++index, fields: text.ok ? parseEntity(text.value) : text }
}

/** Reads an object as fields: `BAD_JSON` where it is none, `LIMIT` where it has more than IMPORT_COLUMNS_MAX. */
export function parseEntity(
  text: string,
): Result<Readonly<Record<string, unknown>>, Fault<'BAD_JSON' | 'LIMIT'>> {
  let value: unknown
  try {
    value = parseJson(text)
    if (isDeeper(value, CBOR_DEPTH_MAX))
      return fail('BAD_JSON', `it is nested deeper than ${CBOR_DEPTH_MAX} levels`)
    value = fromJsonValue(value)
  } catch (error) {
    // Whatever is wrong with JSON, or with bytes and links in it, is one object's fault; so is nesting that no stack holds.
    return fail('BAD_JSON', error instanceof RangeError ? 'it is nested too deep' : messageOf(error))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !isPlain(value))
    return fail('BAD_JSON', 'it is not an object with fields')
  const count = Object.keys(value).length
  if (count > IMPORT_COLUMNS_MAX)
    return fail('LIMIT', `it has ${count} fields, at most ${IMPORT_COLUMNS_MAX} are taken`)
  return ok(value as Readonly<Record<string, unknown>>)
}

function isDeeper(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depthMax === 0) return true
  return Object.values(value).some((inner) => isDeeper(inner, depthMax - 1))
}

const isPlain = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
