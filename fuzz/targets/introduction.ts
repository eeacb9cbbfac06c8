import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type RefusalCode,
} from '../../protocols/introduction/codec.ts'
import { sealRecord, verifyRecord } from '../../protocols/introduction/record.ts'
import { equalBytes } from '../../src/core/bytes.ts'
import {
  INTRODUCTION_ADDRESSES_MAX,
  INTRODUCTION_RECORD_BYTES_MAX,
  INTRODUCTION_REQUEST_BYTES_MAX,
  INTRODUCTION_RESPONSE_BYTES_MAX,
} from '../../src/core/limits.ts'
import { bytesOf } from '../grammar.ts'
import { holds, type Target } from '../target.ts'

const NEVER = new AbortController().signal

const ADDRESSES = [
  '/ip4/192.0.2.1/tcp/4001',
  '/ip6/2001:db8::1/tcp/4002/ws',
  '/dns4/example.org/tcp/443/tls/ws',
  '/ip4/192.0.2.9/udp/4001/quic-v1/webtransport',
].map((text) => multiaddr(text))

/** Real records, sealed once: sealing is asynchronous, which a grammar is not. */
const RECORDS: readonly Uint8Array[] = await Promise.all(
  [1, 2, 3, 4].map(async (count) => {
    const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(count))
    return (await sealRecord(key, ADDRESSES.slice(0, count), BigInt(count), NEVER)) ?? new Uint8Array()
  }),
)

const record = fc.constantFrom(...RECORDS)
const topic = bytesOf(32)

const request: Target = {
  name: 'introduction-request',
  form: 'cbor',
  inputBytesMax: INTRODUCTION_REQUEST_BYTES_MAX,
  valid: fc.oneof(
    fc
      .record({ topic, record, ttlSeconds: fc.integer({ min: 1 }) })
      .map((fields) => encodeRequest({ kind: 'register', ...fields })),
    fc
      .record({ topic, limit: fc.integer({ min: 1, max: 32 }) })
      .map((fields) => encodeRequest({ kind: 'query', ...fields })),
  ),
  run(input) {
    const decoded = decodeRequest(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeRequest(decoded.value), input), 'a request is encoded as the same bytes')
    return true
  },
}

const response: Target = {
  name: 'introduction-response',
  form: 'cbor',
  inputBytesMax: INTRODUCTION_RESPONSE_BYTES_MAX,
  valid: fc.oneof(
    fc.integer({ min: 1 }).map((ttlSeconds) => encodeResponse({ kind: 'registered', ttlSeconds })),
    fc.array(record, { maxLength: 4 }).map((records) => encodeResponse({ kind: 'introductions', records })),
    fc
      .constantFrom<RefusalCode>('RATE', 'FULL', 'BAD_RECORD')
      .map((code) => encodeResponse({ kind: 'refused', code })),
  ),
  run(input) {
    const decoded = decodeResponse(input)
    if (!decoded.ok) return false
    holds(equalBytes(encodeResponse(decoded.value), input), 'a response is encoded as the same bytes')
    return true
  },
}

const peerRecord: Target = {
  name: 'peer-record',
  form: 'bytes',
  inputBytesMax: INTRODUCTION_RECORD_BYTES_MAX + 64,
  valid: record,
  async run(input) {
    const verified = await verifyRecord(input, NEVER)
    if (!verified.ok) return false
    const { multiaddrs } = verified.value
    holds(
      multiaddrs.length > 0 && multiaddrs.length <= INTRODUCTION_ADDRESSES_MAX,
      'the addresses of a record are bounded',
    )
    holds(
      RECORDS.some((record) => equalBytes(record, input)),
      'a record that holds is one that was sealed',
    )
    return true
  },
}

/** What strangers send to introducers, and introducers to nodes. */
export const INTRODUCTION_TARGETS: readonly Target[] = [request, response, peerRecord]
