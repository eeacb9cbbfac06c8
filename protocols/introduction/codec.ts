import { decodeCanonical, encodeCanonical } from '../../src/core/canonical-cbor.ts'
import {
  INTRODUCTION_ANSWER_RECORDS_MAX,
  INTRODUCTION_RECORD_BYTES_MAX,
  INTRODUCTION_TOPIC_BYTES,
} from '../../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../../src/core/result.ts'

/** The libp2p protocol name. docs/protocol.md, introduction. */
export const INTRODUCTION_PROTOCOL = '/hanse/introduction/1.0.0'

/** What a node asks of an introducer. One request and one response per stream. */
export type IntroductionRequest = RegisterRequest | QueryRequest

/** Asks to be listed under a topic: `[1, topic, record, ttlSeconds]`. */
export interface RegisterRequest {
  readonly kind: 'register'
  /** 32 bytes. */
  readonly topic: Uint8Array
  /** The asker's own libp2p signed peer record, in its envelope. */
  readonly record: Uint8Array
  /** How long to be listed, in seconds, at least 1. The introducer may shorten it. */
  readonly ttlSeconds: number
}

/** Asks who is listed under a topic: `[2, topic, limit]`. */
export interface QueryRequest {
  readonly kind: 'query'
  /** 32 bytes. */
  readonly topic: Uint8Array
  /** Records wanted, 1 to INTRODUCTION_ANSWER_RECORDS_MAX. */
  readonly limit: number
}

/** What an introducer answers. */
export type IntroductionResponse =
  /** Listed for this long: `[1, ttlSeconds]`. */
  | { readonly kind: 'registered'; readonly ttlSeconds: number }
  /** Some of those listed, in no order: `[2, [record, …]]`. */
  | { readonly kind: 'introductions'; readonly records: readonly Uint8Array[] }
  /** Nothing done: `[0, code]`. */
  | { readonly kind: 'refused'; readonly code: RefusalCode }

/**
 * Why an introducer refuses. These words, and no other text of ours, cross the wire.
 *
 * - `RATE`: too many requests, of this peer or in all; come back later.
 * - `FRAME_TOO_LARGE`: the request's frame is beyond its limit.
 * - `NON_CANONICAL`: not the canonical encoding of a value.
 * - `BAD_FIELD`: a value of the wrong type or shape, or an unknown request.
 * - `LIMIT`: a field beyond its bound.
 * - `BAD_RECORD`: the record is malformed, wrongly signed, or not the connected peer's own.
 * - `STALE_RECORD`: the introducer holds a newer record of this peer.
 * - `FULL`: this peer is listed under as many topics as one peer may be.
 */
export type RefusalCode = (typeof REFUSAL_CODES)[number]

const REFUSAL_CODES = [
  'RATE',
  'FRAME_TOO_LARGE',
  'NON_CANONICAL',
  'BAD_FIELD',
  'LIMIT',
  'BAD_RECORD',
  'STALE_RECORD',
  'FULL',
] as const

/** What a decoder of this protocol refuses with. */
export type DecodeFault = Fault<'NON_CANONICAL' | 'BAD_FIELD' | 'LIMIT'>

const REFUSED = 0
const REGISTER = 1
const QUERY = 2

/** The bytes of a request, without the length prefix. */
export function encodeRequest(request: IntroductionRequest): Uint8Array {
  switch (request.kind) {
    case 'register':
      return encodeCanonical([REGISTER, request.topic, request.record, request.ttlSeconds])
    case 'query':
      return encodeCanonical([QUERY, request.topic, request.limit])
  }
}

/** Reads a request, or refuses it. Total. The caller has bounded `bytes` by INTRODUCTION_REQUEST_BYTES_MAX. */
export function decodeRequest(bytes: Uint8Array): Result<IntroductionRequest, DecodeFault> {
  const decoded = decodeArray(bytes)
  if (!decoded.ok) return decoded
  const fields = decoded.value
  switch (fields[0]) {
    case REGISTER:
      return fields.length === 4 ? decodeRegister(fields) : badLength('register', 4, fields)
    case QUERY:
      return fields.length === 3 ? decodeQuery(fields) : badLength('query', 3, fields)
    default:
      return fail('BAD_FIELD', `kind of request ${describe(fields[0])}, expected ${REGISTER} or ${QUERY}`)
  }
}

/** The bytes of a response, without the length prefix. */
export function encodeResponse(response: IntroductionResponse): Uint8Array {
  switch (response.kind) {
    case 'refused':
      return encodeCanonical([REFUSED, response.code])
    case 'registered':
      return encodeCanonical([REGISTER, response.ttlSeconds])
    case 'introductions':
      return encodeCanonical([QUERY, response.records])
  }
}

/** Reads a response, or refuses it. Total. The caller has bounded `bytes` by INTRODUCTION_RESPONSE_BYTES_MAX. */
export function decodeResponse(bytes: Uint8Array): Result<IntroductionResponse, DecodeFault> {
  const decoded = decodeArray(bytes)
  if (!decoded.ok) return decoded
  const fields = decoded.value
  if (fields.length !== 2) return badLength('response', 2, fields)
  switch (fields[0]) {
    case REFUSED: {
      const code = REFUSAL_CODES.find((known) => known === fields[1])
      return code === undefined
        ? fail('BAD_FIELD', `refusal ${describe(fields[1])}, expected a known code`)
        : ok({ kind: 'refused', code })
    }
    case REGISTER: {
      const ttlSeconds = positiveInteger(fields[1])
      return ttlSeconds === null
        ? fail('BAD_FIELD', `ttl ${describe(fields[1])}, expected seconds from 1`)
        : ok({ kind: 'registered', ttlSeconds })
    }
    case QUERY:
      return decodeIntroductions(fields[1])
    default:
      return fail('BAD_FIELD', `kind of response ${describe(fields[0])}, expected 0, 1 or 2`)
  }
}

function decodeRegister(fields: readonly unknown[]): Result<RegisterRequest, DecodeFault> {
  const [, topic, record, ttl] = fields
  if (!isTopic(topic)) return badTopic(topic)
  if (!(record instanceof Uint8Array)) return fail('BAD_FIELD', `record ${describe(record)}, expected bytes`)
  if (record.length > INTRODUCTION_RECORD_BYTES_MAX) {
    return fail('LIMIT', `record of ${record.length} bytes, at most ${INTRODUCTION_RECORD_BYTES_MAX}`)
  }
  const ttlSeconds = positiveInteger(ttl)
  if (ttlSeconds === null) return fail('BAD_FIELD', `ttl ${describe(ttl)}, expected seconds from 1`)
  return ok({ kind: 'register', topic, record, ttlSeconds })
}

function decodeQuery(fields: readonly unknown[]): Result<QueryRequest, DecodeFault> {
  const [, topic, wanted] = fields
  if (!isTopic(topic)) return badTopic(topic)
  const limit = positiveInteger(wanted)
  if (limit === null) return fail('BAD_FIELD', `limit ${describe(wanted)}, expected an integer from 1`)
  if (limit > INTRODUCTION_ANSWER_RECORDS_MAX) {
    return fail('LIMIT', `limit ${limit}, at most ${INTRODUCTION_ANSWER_RECORDS_MAX}`)
  }
  return ok({ kind: 'query', topic, limit })
}

function decodeIntroductions(value: unknown): Result<IntroductionResponse, DecodeFault> {
  if (!Array.isArray(value)) return fail('BAD_FIELD', `records ${describe(value)}, expected a list`)
  if (value.length > INTRODUCTION_ANSWER_RECORDS_MAX) {
    return fail('LIMIT', `${value.length} records, at most ${INTRODUCTION_ANSWER_RECORDS_MAX}`)
  }
  const records: Uint8Array[] = []
  for (const record of value as readonly unknown[]) {
    if (!(record instanceof Uint8Array))
      return fail('BAD_FIELD', `record ${describe(record)}, expected bytes`)
    if (record.length > INTRODUCTION_RECORD_BYTES_MAX) {
      return fail('LIMIT', `record of ${record.length} bytes, at most ${INTRODUCTION_RECORD_BYTES_MAX}`)
    }
    records.push(record)
  }
  return ok({ kind: 'introductions', records })
}

function decodeArray(bytes: Uint8Array): Result<readonly unknown[], DecodeFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  if (!Array.isArray(decoded.value)) return fail('BAD_FIELD', `${describe(decoded.value)}, expected a list`)
  return ok(decoded.value as readonly unknown[])
}

function isTopic(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === INTRODUCTION_TOPIC_BYTES
}

function badTopic(value: unknown): { readonly ok: false; readonly fault: Fault<'BAD_FIELD'> } {
  return fail('BAD_FIELD', `topic ${describe(value)}, expected ${INTRODUCTION_TOPIC_BYTES} bytes`)
}

function badLength(what: string, expected: number, fields: readonly unknown[]): ReturnType<typeof badTopic> {
  return fail('BAD_FIELD', `${what} of ${fields.length} fields, expected ${expected}`)
}

/** An integer from 1 that a number holds exactly, or null. Integers beyond 2^53 come as bigint and are refused. */
function positiveInteger(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 ? value : null
}

/** Names a foreign value in a few characters, whatever it is. */
function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `of ${value.length} bytes`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 32))
  if (typeof value === 'number' || typeof value === 'bigint') return `${value}`
  return value === null ? 'null' : typeof value
}
