import { equalBytes, fromHex, toHex } from '../bytes.ts'
import { decodeChange, encodeChange } from '../changes/change.ts'
import { HASH_BYTES } from '../hash.ts'
import { formatJson, parseJson } from '../json.ts'
import { BODY_CHANGES_MAX, CBOR_DEPTH_MAX, OPERATION_LINE_BYTES_MAX } from '../limits.ts'
import { formatDid, parseDid } from '../principal.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'
import { fromJsonValue, toJsonValue } from '../value-json.ts'
import { encodeHeader, type Header } from './header.ts'
import { assembleOperation, type Body, type Operation, type OperationFault } from './operation.ts'

/** The version of operations that a line can hold: the first field of the header (docs/protocol.md §2). */
const VERSION = 1

/** Fields of a line in the order in which they are written. */
const FIELDS = [
  'id',
  'version',
  'space',
  'author',
  'seq',
  'prev',
  'deps',
  'lamport',
  'time',
  'epoch',
  'caps',
  'command',
  'path',
  'bodyHash',
  'bodySize',
  'signature',
  'body',
] as const

export type OperationLineFault = OperationFault | Fault<'BAD_JSON' | 'BAD_ID'>

/**
 * One operation as one line of JSON for people and programs (docs/formats.md), without its end. It is complete: the header is canonical
 * and so follows from its fields, and each change of the body follows from its own fields, or has its bytes beside them where
 * DAG-JSON cannot say it exactly (a whole number that is a float, a map with the key `/`, a change that does not decode).
 */
export function formatOperationLine(operation: Operation): string {
  const { id, header, signature, body } = operation
  return formatJson({
    id: toHex(id),
    version: VERSION,
    space: hexOrNull(header.space),
    author: formatDid(header.author),
    seq: header.seq,
    prev: hexOrNull(header.prev),
    deps: header.deps.map(toHex),
    lamport: header.lamport,
    time: header.time,
    epoch: header.epoch,
    caps: header.caps.map(toHex),
    command: header.command,
    path: header.path,
    bodyHash: toHex(header.bodyHash),
    bodySize: header.bodySize,
    signature: toHex(signature),
    body: body === null ? null : body.map(toReadableChange),
  } satisfies Readonly<Record<(typeof FIELDS)[number], unknown>>)
}

/**
 * Strict reading of a line. In this order:
 * 1. at most OPERATION_LINE_BYTES_MAX characters (`LIMIT`), JSON nested at most CBOR_DEPTH_MAX and a few levels deep, no key twice in
 *    one object, which would show people another value than programs (`BAD_JSON`);
 * 2. an object with exactly the fields that are written (`BAD_FIELD`), of version 1 (`VERSION`);
 * 3. the bytes of each change follow from its fields, or are given and say the same as the fields (`BAD_FIELD`);
 * 4. header, signature and body as assembleOperation has them;
 * 5. the id is that of the header (`BAD_ID`).
 */
export function parseOperationLine(line: string): Result<Operation, OperationLineFault> {
  if (line.length > OPERATION_LINE_BYTES_MAX)
    return fail('LIMIT', `line of ${line.length} characters, at most ${OPERATION_LINE_BYTES_MAX} are allowed`)
  const keys = countKeys(line, LINE_DEPTH_MAX)
  if (keys === null) return fail('BAD_JSON', `the line is nested deeper than ${LINE_DEPTH_MAX} levels`)
  let json: unknown
  try {
    json = parseJson(line)
  } catch {
    return fail('BAD_JSON', 'the line is not JSON')
  }
  if (!isObject(json)) return fail('BAD_JSON', 'the line is not a JSON object')
  if (keysOf(json) !== keys) return fail('BAD_JSON', 'a key is there twice')
  if (json['version'] !== VERSION)
    return fail('VERSION', `the line is not of version ${VERSION}: use the version of Hanse that wrote it`)
  const unknown = Object.keys(json).find((key) => !(FIELDS as readonly string[]).includes(key))
  if (unknown !== undefined)
    return fail('BAD_FIELD', `there is no field ${JSON.stringify(unknown.slice(0, 40))}`)
  const header = readHeaderFields(json)
  if (!header.ok) return header
  const signature = readHex(json['signature'])
  if (signature === null) return bad('signature', 'hexadecimal digits')
  const body = readBody(json['body'])
  if (!body.ok) return body
  const headerBytes = encodeSafely(header.value)
  if (headerBytes === null) return fail('BAD_FIELD', 'the fields cannot be encoded as a header')
  const operation = assembleOperation(headerBytes, signature, body.value)
  if (!operation.ok) return operation
  if (json['id'] !== toHex(operation.value.id))
    return fail('BAD_ID', `the fields are those of operation ${toHex(operation.value.id)}`)
  return operation
}

/** What stands around a value: the line, its body, the change, and the object that stands for bytes and links. */
const DEPTH_AROUND_VALUES = 6
const LINE_DEPTH_MAX = CBOR_DEPTH_MAX + DEPTH_AROUND_VALUES

function readHeaderFields(json: Readonly<Record<string, unknown>>): Result<Header, OperationLineFault> {
  const space = readHexOrNull(json['space'])
  if (space === undefined) return bad('space', 'the id of a genesis, or null')
  const author = typeof json['author'] === 'string' ? parseDid(json['author']) : null
  if (author?.ok !== true) return bad('author', 'a did:key')
  const prev = readHexOrNull(json['prev'])
  if (prev === undefined) return bad('prev', 'an id, or null')
  const deps = readHexList(json['deps'])
  if (deps === null) return bad('deps', 'a list of ids')
  const caps = readHexList(json['caps'])
  if (caps === null) return bad('caps', 'a list of digests')
  const bodyHash = readHex(json['bodyHash'])
  if (bodyHash === null) return bad('bodyHash', 'a hash')
  // The others are of the form that encodes and decodes to themselves: decodeHeader says what is wrong with them.
  const { seq, lamport, time, epoch, command, path, bodySize } = json as unknown as Header
  return ok({
    space,
    author: author.value,
    seq,
    prev,
    deps,
    lamport,
    time,
    epoch,
    caps,
    command,
    path,
    bodyHash,
    bodySize,
  })
}

function readBody(json: unknown): Result<Body | null, Fault<'BAD_FIELD' | 'LIMIT'>> {
  if (json === null) return ok(null)
  if (!Array.isArray(json)) return bad('body', 'a list of changes, or null')
  if (json.length > BODY_CHANGES_MAX)
    return fail('LIMIT', `body of ${json.length} changes, at most ${BODY_CHANGES_MAX} are allowed`)
  const body: Uint8Array[] = []
  for (const [index, change] of json.entries()) {
    const read = readChangeBytes(change)
    if (!read.ok) return fail('BAD_FIELD', `change ${index}: ${read.fault.detail}`)
    body.push(read.value)
  }
  return ok(body)
}

interface ReadableChange {
  readonly type?: string
  readonly version?: number
  readonly path?: string
  readonly payload?: unknown
  /** Base64. */
  readonly bytes?: string
}

/** A change as it stands in a line. */
function toReadableChange(bytes: Uint8Array): ReadableChange {
  const decoded = decodeChange(bytes)
  if (!decoded.ok) return { bytes: toBase64(bytes) }
  const { type, version, path, payload } = decoded.value
  const fields: ReadableChange = { type, version, path, payload: toJsonValue(payload) }
  const again = fromFields(throughText(fields))
  return again !== null && equalBytes(again, bytes) ? fields : { ...fields, bytes: toBase64(bytes) }
}

function readChangeBytes(change: unknown): Result<Uint8Array, Fault<'BAD_FIELD'>> {
  if (!isObject(change)) return fail('BAD_FIELD', 'it is not an object')
  const { bytes: text, ...fields } = change
  if (text === undefined) {
    const bytes = hasFieldsOfChange(fields) ? fromFields(fields) : null
    return bytes === null
      ? fail('BAD_FIELD', 'its bytes do not follow from type, version, path and payload')
      : ok(bytes)
  }
  const bytes = typeof text === 'string' ? readBase64(text) : null
  if (bytes === null) return fail('BAD_FIELD', 'its bytes are not base64')
  const { bytes: _, ...expected } = throughText(toReadableChange(bytes))
  return isSameJson(expected, fields)
    ? ok(bytes)
    : fail('BAD_FIELD', 'its fields do not say what its bytes say')
}

const CHANGE_FIELDS = 4

function hasFieldsOfChange(fields: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(fields).length === CHANGE_FIELDS && 'payload' in fields
}

/** The bytes that follow from the fields of a change; null where none do. */
function fromFields({ type, version, path, payload }: ReadableChange): Uint8Array | null {
  if (typeof type !== 'string' || typeof version !== 'number' || typeof path !== 'string') return null
  try {
    return encodeChange({ type, version, path, payload: fromJsonValue(payload) })
  } catch {
    return null
  }
}

/** Fields come unchecked and are checked on the encoded header; what cannot even be encoded is null. */
function encodeSafely(header: Header): Uint8Array | null {
  try {
    return encodeHeader(header)
  } catch {
    return null
  }
}

/** As whoever reads the line sees it: a whole number that was a float is none any more. */
const throughText = (change: ReadableChange): ReadableChange =>
  parseJson(formatJson(change)) as ReadableChange

/** True where both are the same JSON, in whatever order their keys are. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const entries = Object.entries(a)
  return (
    entries.length === Object.keys(b).length &&
    entries.every(
      ([key, inner]) => Object.hasOwn(b, key) && isSameJson(inner, (b as Record<string, unknown>)[key]),
    )
  )
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c

/**
 * The keys of all objects in a JSON text; null where brackets are nested deeper, which is asked first because reading JSON takes stack
 * for every level. What is no JSON gives any number.
 */
function countKeys(json: string, depthMax: number): number | null {
  let keys = 0
  let depth = 0
  let isInText = false
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (isInText) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isInText = false
    } else if (code === QUOTE) isInText = true
    else if (code === COLON) keys++
    else if ('[{'.includes(json[at] as string)) {
      if (++depth > depthMax) return null
    } else if (']}'.includes(json[at] as string)) depth--
  }
  return keys
}

/** The keys of all objects in a JSON value. */
function keysOf(json: unknown): number {
  if (typeof json !== 'object' || json === null) return 0
  const inner = Object.values(json)
  const own = Array.isArray(json) ? 0 : inner.length
  return inner.reduce<number>((sum, value) => sum + keysOf(value), own)
}

const isObject = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

const bad = (field: string, expected: string) => fail('BAD_FIELD', `the field ${field} is not ${expected}`)

const hexOrNull = (bytes: Uint8Array | null): string | null => (bytes === null ? null : toHex(bytes))

/** Lower-case digits only, so that a line says one thing in one way. */
function readHex(json: unknown): Uint8Array | null {
  return typeof json === 'string' && json.toLowerCase() === json ? fromHex(json) : null
}

/** Undefined where it is neither. */
function readHexOrNull(json: unknown): Uint8Array | null | undefined {
  if (json === null) return null
  const bytes = readHex(json)
  return bytes?.length === HASH_BYTES ? bytes : undefined
}

function readHexList(json: unknown): readonly Uint8Array[] | null {
  if (!Array.isArray(json)) return null
  const list = json.map(readHex)
  return list.every((bytes) => bytes !== null) ? list : null
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

function readBase64(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  return toBase64(bytes) === text ? bytes : null
}
