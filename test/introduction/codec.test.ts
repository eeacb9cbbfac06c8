import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type IntroductionRequest,
  type IntroductionResponse,
} from '../../protocols/introduction/codec.ts'
import { toHex } from '../../src/core/bytes.ts'
import { encodeCanonical } from '../../src/core/canonical-cbor.ts'
import {
  INTRODUCTION_ANSWER_RECORDS_MAX,
  INTRODUCTION_RECORD_BYTES_MAX,
  INTRODUCTION_REQUEST_BYTES_MAX,
  INTRODUCTION_RESPONSE_BYTES_MAX,
} from '../../src/core/limits.ts'
import type { Result } from '../../src/core/result.ts'

const topic = new Uint8Array(32).fill(7)
const record = new Uint8Array([1, 2, 3])

function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.fault.code
}

const topicArbitrary = fc.uint8Array({ minLength: 32, maxLength: 32 })
const recordArbitrary = fc.uint8Array({ maxLength: 80 })
const requestArbitrary: fc.Arbitrary<IntroductionRequest> = fc.oneof(
  fc.record({
    kind: fc.constant('register' as const),
    topic: topicArbitrary,
    record: recordArbitrary,
    ttlSeconds: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({
    kind: fc.constant('query' as const),
    topic: topicArbitrary,
    limit: fc.integer({ min: 1, max: INTRODUCTION_ANSWER_RECORDS_MAX }),
  }),
)
const responseArbitrary: fc.Arbitrary<IntroductionResponse> = fc.oneof(
  fc.record({ kind: fc.constant('registered' as const), ttlSeconds: fc.integer({ min: 1, max: 2 ** 40 }) }),
  fc.record({
    kind: fc.constant('introductions' as const),
    records: fc.array(recordArbitrary, { maxLength: INTRODUCTION_ANSWER_RECORDS_MAX }),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    code: fc.constantFrom('RATE' as const, 'FULL' as const),
  }),
)

describe('introduction codec', () => {
  it('encodes to the bytes written in the protocol document', () => {
    const t = '07'.repeat(32)
    expect(toHex(encodeRequest({ kind: 'register', topic, record, ttlSeconds: 7200 }))).toBe(
      `84015820${t}43010203191c20`,
    )
    expect(toHex(encodeRequest({ kind: 'query', topic, limit: 32 }))).toBe(`83025820${t}1820`)
    expect(toHex(encodeResponse({ kind: 'registered', ttlSeconds: 7200 }))).toBe('8201191c20')
    expect(toHex(encodeResponse({ kind: 'introductions', records: [record] }))).toBe('82028143010203')
    expect(toHex(encodeResponse({ kind: 'refused', code: 'RATE' }))).toBe('82006452415445')
  })

  it('reads back every request and response it writes', () => {
    fc.assert(
      fc.property(requestArbitrary, (request) => {
        expect(decodeRequest(encodeRequest(request))).toEqual({ ok: true, value: request })
      }),
    )
    fc.assert(
      fc.property(responseArbitrary, (response) => {
        expect(decodeResponse(encodeResponse(response))).toEqual({ ok: true, value: response })
      }),
    )
  })

  it('reads a frame that is a view into a larger buffer', () => {
    const encoded = encodeRequest({ kind: 'query', topic, limit: 5 })
    const larger = new Uint8Array(encoded.length + 20)
    larger.set(encoded, 9)
    expect(decodeRequest(larger.subarray(9, 9 + encoded.length))).toEqual({
      ok: true,
      value: { kind: 'query', topic, limit: 5 },
    })
  })

  it('decodes any bytes to a value or a fault, and only the one encoding of each value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const request = decodeRequest(bytes)
        if (request.ok) expect(encodeRequest(request.value)).toEqual(bytes)
        const response = decodeResponse(bytes)
        if (response.ok) expect(encodeResponse(response.value)).toEqual(bytes)
      }),
    )
  })

  it('never reads a request with one byte changed as the same request', () => {
    const request = { kind: 'register', topic, record, ttlSeconds: 7200 } as const
    const encoded = encodeRequest(request)
    for (let at = 0; at < encoded.length; at++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const corrupt = Uint8Array.from(encoded)
        corrupt[at] = (corrupt[at] as number) ^ flip
        expect(decodeRequest(corrupt)).not.toEqual({ ok: true, value: request })
      }
    }
  })

  it.each([
    ['a map', { kind: 1 }],
    ['an empty list', []],
    ['an unknown kind', [3, topic, 1]],
    ['a kind as text', ['1', topic, record, 1]],
    ['a missing field', [1, topic, record]],
    ['a field too many', [2, topic, 1, 1]],
    ['a topic of 31 bytes', [2, topic.subarray(1), 1]],
    ['a topic of 33 bytes', [2, new Uint8Array(33), 1]],
    ['a topic as text', [2, 'topic', 1]],
    ['a record as text', [1, topic, 'record', 1]],
    ['a ttl of 0', [1, topic, record, 0]],
    ['a negative ttl', [1, topic, record, -1]],
    ['a fraction as ttl', [1, topic, record, 1.5]],
    ['a ttl beyond 2^53', [1, topic, record, 2n ** 60n]],
    ['a limit of 0', [2, topic, 0]],
    ['a limit of null', [2, topic, null]],
  ])('refuses a request that is %s', (_, value) => {
    expect(codeOf(decodeRequest(encodeCanonical(value)))).toBe('BAD_FIELD')
  })

  it.each([
    ['a map', {}],
    ['an unknown kind', [3, 1]],
    ['an unknown refusal', [0, 'WEATHER']],
    ['a refusal that is no text', [0, 1]],
    ['a ttl of 0', [1, 0]],
    ['records that are no list', [2, 'records']],
    ['a record that is no bytes', [2, [1]]],
    ['a field too many', [2, [], 1]],
  ])('refuses a response that is %s', (_, value) => {
    expect(codeOf(decodeResponse(encodeCanonical(value)))).toBe('BAD_FIELD')
  })

  it('takes what is at a limit and refuses one past it', () => {
    const full = new Uint8Array(INTRODUCTION_RECORD_BYTES_MAX)
    const past = new Uint8Array(INTRODUCTION_RECORD_BYTES_MAX + 1)
    const records = Array.from({ length: INTRODUCTION_ANSWER_RECORDS_MAX }, () => full)
    expect(codeOf(decodeRequest(encodeCanonical([1, topic, full, 1])))).toBe('ok')
    expect(codeOf(decodeRequest(encodeCanonical([1, topic, past, 1])))).toBe('LIMIT')
    expect(codeOf(decodeRequest(encodeCanonical([2, topic, INTRODUCTION_ANSWER_RECORDS_MAX])))).toBe('ok')
    expect(codeOf(decodeRequest(encodeCanonical([2, topic, INTRODUCTION_ANSWER_RECORDS_MAX + 1])))).toBe(
      'LIMIT',
    )
    expect(codeOf(decodeResponse(encodeCanonical([2, records])))).toBe('ok')
    expect(codeOf(decodeResponse(encodeCanonical([2, [...records, full]])))).toBe('LIMIT')
    expect(codeOf(decodeResponse(encodeCanonical([2, [past]])))).toBe('LIMIT')
  })

  it('fits the largest request and response into their frames', () => {
    const full = new Uint8Array(INTRODUCTION_RECORD_BYTES_MAX)
    const records = Array.from({ length: INTRODUCTION_ANSWER_RECORDS_MAX }, () => full)
    const ttlSeconds = Number.MAX_SAFE_INTEGER
    expect(encodeRequest({ kind: 'register', topic, record: full, ttlSeconds }).length).toBeLessThanOrEqual(
      INTRODUCTION_REQUEST_BYTES_MAX,
    )
    expect(encodeResponse({ kind: 'introductions', records }).length).toBeLessThanOrEqual(
      INTRODUCTION_RESPONSE_BYTES_MAX,
    )
  })

  it('refuses bytes that are not canonical', () => {
    expect(codeOf(decodeRequest(new Uint8Array([])))).toBe('NON_CANONICAL')
    expect(codeOf(decodeRequest(new Uint8Array([0x83, 0x18, 0x02])))).toBe('NON_CANONICAL')
    const trailing = new Uint8Array([...encodeRequest({ kind: 'query', topic, limit: 1 }), 0])
    expect(codeOf(decodeRequest(trailing))).toBe('NON_CANONICAL')
  })
})
