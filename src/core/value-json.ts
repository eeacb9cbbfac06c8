import { CID } from 'multiformats/cid'
import { fail, ok, type Fault, type Result } from './result.ts'
import { formatJson, parseJson } from './json.ts'

/** A value of the data model as JSON, by the conventions of DAG-JSON: bytes are `{"/":{"bytes":"…"}}`, links `{"/":"…"}`. */
export function toJsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array)
    return { '/': { bytes: Buffer.from(value).toString('base64').replace(/=+$/, '') } }
  if (value instanceof CID) return { '/': value.toString() }
  if (Array.isArray(value)) return value.map(toJsonValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJsonValue(inner)]))
}

/** A text as a value: what it says as JSON, or else the text itself. `BAD_VALUE` where bytes or a link in it do not hold together. */
export function parseValue(text: string): Result<unknown, Fault<'BAD_VALUE'>> {
  let json: unknown
  try {
    json = parseJson(text)
  } catch {
    return ok(text)
  }
  try {
    return ok(fromJsonValue(json))
  } catch (error) {
    return fail('BAD_VALUE', error instanceof Error ? error.message : String(error))
  }
}

/** A text as it is asked for on the command line: JSON, always. For a text, its JSON string. */
export function formatValue(value: unknown): string {
  return formatJson(toJsonValue(value))
}

/** The other way; throws a TypeError where bytes or a link do not hold together, or a number is not finite. */
export function fromJsonValue(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(fromJsonValue)
  if (typeof json === 'number' && !Number.isFinite(json))
    throw new TypeError('a number in the value is not finite: it is too large')
  if (typeof json !== 'object' || json === null) return json
  const entries = Object.entries(json)
  const [first] = entries
  if (first !== undefined && first[0] === '/') {
    if (entries.length > 1)
      throw new TypeError('a map with the key "/" is for bytes and links in JSON, and has no other key')
    return readReserved(first[1])
  }
  // fromEntries rather than assignment: a key __proto__ must arrive where it is refused.
  return Object.fromEntries(entries.map(([key, inner]) => [key, fromJsonValue(inner)]))
}

function readReserved(content: unknown): unknown {
  if (typeof content === 'string') return readLink(content)
  const bytes =
    typeof content === 'object' && content !== null
      ? (content as { readonly bytes?: unknown }).bytes
      : undefined
  if (typeof bytes !== 'string')
    throw new TypeError('{"/": …} holds {"bytes": "base64"} or the text of a link')
  const decoded = Buffer.from(bytes, 'base64')
  if (decoded.toString('base64').replace(/=+$/, '') !== bytes.replace(/=+$/, ''))
    throw new TypeError('the bytes in {"/": …} are not base64')
  return new Uint8Array(decoded)
}

function readLink(text: string): CID {
  try {
    return CID.parse(text)
  } catch {
    throw new TypeError(`${JSON.stringify(text.slice(0, 60))} in {"/": …} is not a link (a CID)`)
  }
}
