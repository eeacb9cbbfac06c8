import type { DialTarget, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import { serviceCapabilities } from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import { isLoopback, isPrivate } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  INTRODUCTION_ANSWER_RECORDS_MAX,
  INTRODUCTION_EXCHANGE_TIMEOUT_MS,
  INTRODUCTION_RESPONSE_BYTES_MAX,
  INTRODUCTION_TTL_SECONDS_MAX,
} from '../../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../../src/core/result.ts'
import {
  decodeResponse,
  encodeRequest,
  INTRODUCTION_PROTOCOL,
  type IntroductionRequest,
  type IntroductionResponse,
  type RefusalCode,
} from './codec.ts'
import { ended, frameStream } from './frame-stream.ts'
import { type IntroducedPeer, sealRecord, verifyRecord } from './record.ts'

/**
 * Why a request to an introducer came to nothing: the introducer's own refusal, or
 *
 * - `UNREACHABLE`: it could not be dialled, does not speak the protocol, broke off, or did not answer in time.
 * - `BAD_ANSWER`: it answered with what the protocol does not allow.
 * - `NO_ADDRESS`: this node has no address that others could dial, so there is nothing to register.
 */
export type IntroductionFault = Fault<RefusalCode | 'UNREACHABLE' | 'BAD_ANSWER' | 'NO_ADDRESS'>

/** Options of the asker's side. */
export interface IntroductionClientInit {
  /** How long to be listed, in seconds. Short forgets leavers sooner, but must outlast the interval of renewal. */
  readonly ttlSeconds?: number
  /** For one exchange, dialling included, in ms. */
  readonly exchangeTimeoutMs?: number
  /** The clock, ms since 1970, for the number of the record. Default `Date.now`. */
  readonly nowMs?: () => number
}

/** What the asker's side needs of libp2p. */
export interface IntroductionClientComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly connectionManager: ConnectionManager
  readonly addressManager: AddressManager
}

/** How one topic fared: the seconds it is listed for, or why it is not. */
export interface TopicRegistration {
  readonly topic: Uint8Array
  readonly outcome: Result<number, IntroductionFault>
}

/** What an introducer told. */
export interface Introductions {
  /** Checked, one per peer, this node itself left out, at most as many as asked for. */
  readonly peers: readonly IntroducedPeer[]
  /** Records thrown away because they do not verify: a sign of a lying introducer, since honest ones check too. */
  readonly bad: number
}

/** Options of one query. */
export interface QueryOptions {
  /** Peers wanted. Default and at most INTRODUCTION_ANSWER_RECORDS_MAX. */
  readonly limit?: number
  /** Keep this node's own record in the answer. Default false. */
  readonly includeSelf?: boolean
  readonly signal: AbortSignal
}

/**
 * The asker's side of the protocol, as a libp2p service. Neither method throws because of a peer, an abort included;
 * both take at most `exchangeTimeoutMs` for each exchange.
 */
export interface IntroductionClient {
  /**
   * Lists this node's present addresses under each topic, one exchange each, in order. Call again well before the
   * seconds in the outcome have passed, and when addresses change. When the introducer cannot be reached, or says
   * `RATE`, the topics left get the same outcome without being tried.
   */
  register(
    introducer: DialTarget,
    topics: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<readonly TopicRegistration[]>
  /** Asks who is listed under a topic, and checks every record of the answer. */
  query(
    introducer: DialTarget,
    topic: Uint8Array,
    options: QueryOptions,
  ): Promise<Result<Introductions, IntroductionFault>>
}

/** Makes the service: `services: { introductions: introductionClient() }`. It does nothing until it is called. */
export function introductionClient(
  init: IntroductionClientInit = {},
): (components: IntroductionClientComponents) => IntroductionClient {
  return (components) => new Client(components, init)
}

class Client implements IntroductionClient {
  readonly [Symbol.toStringTag] = '@hanse/introduction-client'
  readonly [serviceCapabilities]: string[] = ['@hanse/introduction-client']

  readonly #components: IntroductionClientComponents
  readonly #ttlSeconds: number
  readonly #exchangeTimeoutMs: number
  readonly #nowMs: () => number
  #lastSeq = 0n

  constructor(components: IntroductionClientComponents, init: IntroductionClientInit) {
    this.#components = components
    this.#ttlSeconds = init.ttlSeconds ?? INTRODUCTION_TTL_SECONDS_MAX
    this.#exchangeTimeoutMs = init.exchangeTimeoutMs ?? INTRODUCTION_EXCHANGE_TIMEOUT_MS
    this.#nowMs = init.nowMs ?? Date.now
  }

  async register(
    introducer: DialTarget,
    topics: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<readonly TopicRegistration[]> {
    const record = await this.#sealOwnRecord(signal)
    const registrations: TopicRegistration[] = []
    let outcome: Result<number, IntroductionFault> | null = record.ok ? null : record
    for (const topic of topics) {
      if (record.ok && !isFinal(outcome))
        outcome = await this.#registerOne(introducer, topic, record.value, signal)
      if (outcome !== null) registrations.push({ topic, outcome })
    }
    return registrations
  }

  async query(
    introducer: DialTarget,
    topic: Uint8Array,
    { limit = INTRODUCTION_ANSWER_RECORDS_MAX, includeSelf = false, signal }: QueryOptions,
  ): Promise<Result<Introductions, IntroductionFault>> {
    const wanted = Math.min(limit, INTRODUCTION_ANSWER_RECORDS_MAX)
    const answer = await this.#exchange(introducer, { kind: 'query', topic, limit: wanted }, signal)
    if (!answer.ok) return answer
    if (answer.value.kind !== 'introductions') return badAnswer(answer.value)
    if (answer.value.records.length > wanted) {
      return fail('BAD_ANSWER', `${answer.value.records.length} records, asked for ${wanted}`)
    }
    const newestByPeer = new Map<string, IntroducedPeer>()
    let bad = 0
    for (const record of answer.value.records) {
      const verified = await verifyUnlessAborted(record, signal)
      if (!verified.ok) {
        if (verified.fault.code === 'UNREACHABLE') return fail('UNREACHABLE', verified.fault.detail)
        bad++
        continue
      }
      const peer = verified.value
      if (!includeSelf && peer.peerId.equals(this.#components.peerId)) continue
      const known = newestByPeer.get(peer.peerId.toString())
      if (known === undefined || peer.seq > known.seq) newestByPeer.set(peer.peerId.toString(), peer)
    }
    return ok({ peers: [...newestByPeer.values()], bad })
  }

  async #sealOwnRecord(signal: AbortSignal): Promise<Result<Uint8Array, IntroductionFault>> {
    const now = BigInt(this.#nowMs())
    this.#lastSeq = now > this.#lastSeq ? now : this.#lastSeq + 1n
    const addresses = mostUsefulFirst(this.#components.addressManager.getAddresses())
    try {
      const record = await sealRecord(this.#components.privateKey, addresses, this.#lastSeq, signal)
      return record === null ? fail('NO_ADDRESS', 'this node has no address to register') : ok(record)
    } catch (error) {
      if (!signal.aborted) throw error
      return fail('UNREACHABLE', 'aborted')
    }
  }

  async #registerOne(
    introducer: DialTarget,
    topic: Uint8Array,
    record: Uint8Array,
    signal: AbortSignal,
  ): Promise<Result<number, IntroductionFault>> {
    const request = { kind: 'register', topic, record, ttlSeconds: this.#ttlSeconds } as const
    const answer = await this.#exchange(introducer, request, signal)
    if (!answer.ok) return answer
    return answer.value.kind === 'registered' ? ok(answer.value.ttlSeconds) : badAnswer(answer.value)
  }

  /** One request and its response, on a stream of its own that is always closed or aborted. */
  async #exchange(
    introducer: DialTarget,
    request: IntroductionRequest,
    callerSignal: AbortSignal,
  ): Promise<Result<IntroductionResponse, IntroductionFault>> {
    let stream: Stream | null = null
    try {
      const signal = AbortSignal.any([callerSignal, AbortSignal.timeout(this.#exchangeTimeoutMs)])
      stream = await this.#components.connectionManager.openStream(introducer, INTRODUCTION_PROTOCOL, {
        signal,
      })
      const frames = frameStream(stream, INTRODUCTION_RESPONSE_BYTES_MAX)
      await frames.write(encodeRequest(request), signal)
      await stream.close({ signal })
      const frame = await frames.read(signal)
      if (!frame.ok) {
        stream.abort(new Error(frame.fault.code))
        return fail('BAD_ANSWER', frame.fault.detail)
      }
      const answered = stream
      ended(answered, signal).catch(() =>
        answered.abort(new Error('the introducer did not close the stream in time')),
      )
      const decoded = decodeResponse(frame.value)
      if (!decoded.ok) return fail('BAD_ANSWER', `${decoded.fault.code}: ${decoded.fault.detail}`)
      if (decoded.value.kind === 'refused') return fail(decoded.value.code, 'refused by the introducer')
      return decoded
    } catch (error) {
      const cause = error instanceof Error ? error : new Error('the stream closed')
      stream?.abort(cause)
      return fail('UNREACHABLE', `${cause.name}: ${cause.message}`)
    }
  }
}

async function verifyUnlessAborted(
  record: Uint8Array,
  signal: AbortSignal,
): Promise<Result<IntroducedPeer, Fault<'BAD_RECORD' | 'UNREACHABLE'>>> {
  try {
    return await verifyRecord(record, signal)
  } catch {
    return fail('UNREACHABLE', 'aborted')
  }
}

/** True when the other topics would fare the same. */
function isFinal(outcome: Result<number, IntroductionFault> | null): boolean {
  if (outcome === null || outcome.ok) return false
  return outcome.fault.code === 'UNREACHABLE' || outcome.fault.code === 'RATE'
}

function badAnswer(answer: IntroductionResponse): {
  readonly ok: false
  readonly fault: Fault<'BAD_ANSWER'>
} {
  return fail('BAD_ANSWER', `answered another question: ${answer.kind}`)
}

/** Public addresses before private ones before loopback, so that what is cut off at the limit is the least useful. */
function mostUsefulFirst(addresses: readonly Multiaddr[]): readonly Multiaddr[] {
  const rank = (address: Multiaddr): number => (isLoopback(address) ? 2 : isPrivate(address) ? 1 : 0)
  return [...addresses].sort((a, b) => rank(a) - rank(b))
}
