import type { Connection, ComponentLogger, Logger, Startable, Stream } from '@libp2p/interface'
import { serviceCapabilities } from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { toHex } from '../../src/core/bytes.ts'
import {
  INTRODUCTION_EXCHANGE_TIMEOUT_MS,
  INTRODUCTION_PEER_REQUESTS_BURST,
  INTRODUCTION_PEER_REQUESTS_PER_SECOND,
  INTRODUCTION_RATED_PEERS_MAX,
  INTRODUCTION_REQUEST_BYTES_MAX,
  INTRODUCTION_REQUESTS_BURST,
  INTRODUCTION_REQUESTS_PER_SECOND,
  INTRODUCTION_STREAMS_MAX,
  INTRODUCTION_STREAMS_PER_CONNECTION_MAX,
} from '../../src/core/limits.ts'
import {
  decodeRequest,
  encodeResponse,
  INTRODUCTION_PROTOCOL,
  type IntroductionResponse,
  type RefusalCode,
  type RegisterRequest,
} from './codec.ts'
import { ended, type FrameStream, frameStream } from './frame-stream.ts'
import { verifyRecord } from './record.ts'
import {
  RegistrationTable,
  type RegistrationTableLimits,
  type RegistrationTableSize,
} from './registration-table.ts'
import { type Rate, TokenBuckets } from '../../src/core/token-bucket.ts'

/** How often expired registrations are forgotten, in ms. */
const SWEEP_INTERVAL_MS = 60_000

/** Options of an introducer; all have defaults in limits.ts. */
export interface IntroductionServerInit {
  /** Bounds of the table of registrations. */
  readonly table?: Partial<RegistrationTableLimits>
  /** Requests of one peer. Too low and a node with many spaces cannot renew; too high and one peer takes all. */
  readonly peerRate?: Rate
  /** Requests of all peers together. Bounds the processor time spent on signatures. */
  readonly totalRate?: Rate
  /** Exchanges served at a time, of all peers; one more is aborted at once. */
  readonly streamsMax?: number
  /** From stream opened to stream closed, in ms. Too low and distant peers fail; too high and idle ones hold places. */
  readonly exchangeTimeoutMs?: number
  /** The clock, ms since 1970. Default `Date.now`. */
  readonly nowMs?: () => number
  /** Numbers in [0, 1) to choose whom an answer names. Default `Math.random`: nothing secret depends on it. */
  readonly random?: () => number
}

/** What an introducer needs of libp2p. */
export interface IntroductionServerComponents {
  readonly registrar: Registrar
  readonly logger: ComponentLogger
}

/** Counts since the service was made, and the size of its table now. */
export interface IntroductionServerStatus extends RegistrationTableSize {
  /** Registrations accepted, renewals included. */
  readonly registered: number
  /** Queries answered. */
  readonly queried: number
  /** Requests refused, by code. */
  readonly refused: Readonly<Partial<Record<RefusalCode, number>>>
  /** Exchanges that broke off: the peer left, stalled, or there was no place. */
  readonly brokenOff: number
}

/** The introducer's side of the protocol, as a libp2p service. */
export interface IntroductionServer {
  status(): IntroductionServerStatus
}

/**
 * Makes the service that keeps signed peer records per topic and hands them out: `services: { introduction:
 * introductionServer() }`. It keeps them in memory only, and is not believed by anybody: askers check the signatures.
 */
export function introductionServer(
  init: IntroductionServerInit = {},
): (components: IntroductionServerComponents) => IntroductionServer {
  return (components) => new Server(components, init)
}

/**
 * 1. Each inbound stream ends closed or aborted within `exchangeTimeoutMs`, whatever the peer does.
 * 2. Nothing a peer sends throws beyond its own stream.
 * 3. A peer is listed only with a record signed by the key its connection was authenticated with.
 * 4. The rate is charged before any byte of the request is read.
 */
class Server implements IntroductionServer, Startable {
  readonly [Symbol.toStringTag] = '@hanse/introduction-server'
  readonly [serviceCapabilities]: string[] = ['@hanse/introduction-server']

  readonly #registrar: Registrar
  readonly #log: Logger
  readonly #table: RegistrationTable
  readonly #peerBuckets: TokenBuckets
  readonly #totalBucket: TokenBuckets
  readonly #streamsMax: number
  readonly #exchangeTimeoutMs: number
  readonly #nowMs: () => number
  readonly #random: () => number
  readonly #refused = new Map<RefusalCode, number>()
  #registered = 0
  #queried = 0
  #brokenOff = 0
  #openStreams = 0
  #stopping: AbortController | null = null
  #sweepTimer: NodeJS.Timeout | null = null

  constructor(components: IntroductionServerComponents, init: IntroductionServerInit) {
    this.#registrar = components.registrar
    this.#log = components.logger.forComponent('hanse:introduction:server')
    this.#table = new RegistrationTable(init.table)
    this.#peerBuckets = new TokenBuckets(
      init.peerRate ?? {
        burst: INTRODUCTION_PEER_REQUESTS_BURST,
        perSecond: INTRODUCTION_PEER_REQUESTS_PER_SECOND,
      },
      INTRODUCTION_RATED_PEERS_MAX,
    )
    this.#totalBucket = new TokenBuckets(
      init.totalRate ?? { burst: INTRODUCTION_REQUESTS_BURST, perSecond: INTRODUCTION_REQUESTS_PER_SECOND },
      1,
    )
    this.#streamsMax = init.streamsMax ?? INTRODUCTION_STREAMS_MAX
    this.#exchangeTimeoutMs = init.exchangeTimeoutMs ?? INTRODUCTION_EXCHANGE_TIMEOUT_MS
    this.#nowMs = init.nowMs ?? Date.now
    this.#random = init.random ?? Math.random
  }

  isStarted(): boolean {
    return this.#stopping !== null
  }

  async start(): Promise<void> {
    if (this.#stopping !== null) return
    const stopping = new AbortController()
    this.#stopping = stopping
    this.#sweepTimer = setInterval(() => this.#table.sweep(this.#nowMs()), SWEEP_INTERVAL_MS)
    this.#sweepTimer.unref()
    await this.#registrar.handle(
      INTRODUCTION_PROTOCOL,
      (stream, connection) => this.#serve(stream, connection, stopping.signal),
      { maxInboundStreams: INTRODUCTION_STREAMS_PER_CONNECTION_MAX },
    )
  }

  async stop(): Promise<void> {
    if (this.#stopping === null) return
    await this.#registrar.unhandle(INTRODUCTION_PROTOCOL)
    this.#stopping.abort()
    this.#stopping = null
    if (this.#sweepTimer !== null) clearInterval(this.#sweepTimer)
  }

  status(): IntroductionServerStatus {
    return {
      ...this.#table.size(),
      registered: this.#registered,
      queried: this.#queried,
      refused: Object.fromEntries(this.#refused),
      brokenOff: this.#brokenOff,
    }
  }

  async #serve(stream: Stream, connection: Connection, stopping: AbortSignal): Promise<void> {
    if (this.#openStreams >= this.#streamsMax) {
      this.#brokenOff++
      stream.abort(new Error('too many exchanges at a time'))
      return
    }
    this.#openStreams++
    try {
      const frames = frameStream(stream, INTRODUCTION_REQUEST_BYTES_MAX)
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(this.#exchangeTimeoutMs)])
      const response = await this.#answer(frames, connection, signal)
      this.#count(response)
      await frames.write(encodeResponse(response), signal)
      await stream.close({ signal })
      await ended(stream, signal)
    } catch (error) {
      this.#brokenOff++
      this.#log('exchange with %p broke off - %e', connection.remotePeer, error)
      stream.abort(error instanceof Error ? error : new Error('the stream closed'))
    } finally {
      this.#openStreams--
    }
  }

  async #answer(
    frames: FrameStream,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<IntroductionResponse> {
    if (!this.#takeTokens(connection)) return this.#refuse(connection, 'RATE', 'too many requests')
    const frame = await frames.read(signal)
    if (!frame.ok) return this.#refuse(connection, frame.fault.code, frame.fault.detail)
    const decoded = decodeRequest(frame.value)
    if (!decoded.ok) return this.#refuse(connection, decoded.fault.code, decoded.fault.detail)
    const request = decoded.value
    if (request.kind === 'register') return await this.#register(request, connection, signal)
    const records = this.#table.query(request.topic, request.limit, this.#nowMs(), this.#random)
    return { kind: 'introductions', records }
  }

  async #register(
    request: RegisterRequest,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<IntroductionResponse> {
    const verified = await verifyRecord(request.record, signal)
    if (!verified.ok) return this.#refuse(connection, 'BAD_RECORD', verified.fault.detail)
    const { peerId, envelope, seq } = verified.value
    if (!peerId.equals(connection.remotePeer)) {
      return this.#refuse(connection, 'BAD_RECORD', `record of another peer, ${peerId.toString()}`)
    }
    const { topic, ttlSeconds } = request
    const group = addressGroup(connection.remoteAddr)
    const listed = this.#table.register(
      { peer: peerId.toString(), group, topic, record: envelope, seq, ttlSeconds },
      this.#nowMs(),
    )
    if (!listed.ok) return this.#refuse(connection, listed.fault.code, listed.fault.detail)
    return { kind: 'registered', ttlSeconds: listed.value }
  }

  /** The peer's own bucket first, so that a flooding peer does not drain the common one. */
  #takeTokens(connection: Connection): boolean {
    const nowMs = this.#nowMs()
    if (!this.#peerBuckets.take(connection.remotePeer.toString(), nowMs)) return false
    return this.#totalBucket.take('all', nowMs)
  }

  #refuse(connection: Connection, code: RefusalCode, detail: string): IntroductionResponse {
    this.#log('refused %p: %s - %s', connection.remotePeer, code, detail)
    return { kind: 'refused', code }
  }

  #count(response: IntroductionResponse): void {
    switch (response.kind) {
      case 'registered':
        this.#registered++
        break
      case 'introductions':
        this.#queried++
        break
      case 'refused':
        this.#refused.set(response.code, (this.#refused.get(response.code) ?? 0) + 1)
        break
    }
  }
}

const MULTIADDR_IP4 = 0x04
const MULTIADDR_IP6 = 0x29

/** The network a connection comes from: /24 of IPv4, /48 of IPv6, one group for everything else. */
function addressGroup(address: Multiaddr): string {
  const { bytes } = address
  if (bytes[0] === MULTIADDR_IP4) return toHex(bytes.subarray(0, 1 + 3))
  if (bytes[0] === MULTIADDR_IP6) return toHex(bytes.subarray(0, 1 + 6))
  return 'other'
}
