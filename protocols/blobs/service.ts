import type { Connection, PeerId, Startable, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'
import {
  BLOB_REQUESTS_BURST_MAX,
  BLOB_REQUESTS_PER_SECOND_MAX,
  BLOB_STREAMS_MAX,
  BLOB_STREAMS_PER_CONNECTION_MAX,
  LINK_OPEN_TIMEOUT_MS,
  RATED_PEERS_MAX,
} from '../../src/core/limits.ts'
import { TokenBuckets } from '../../src/core/token-bucket.ts'
import type { PiecePlace } from '../../src/core/types/blob/piece.ts'
import { type Asked, PeerAsking } from './asking.ts'
import { BLOBS_PROTOCOL, type PieceRequest } from './codec.ts'
import type { BlobHost } from './host.ts'
import { servePeer } from './serving.ts'

interface BlobComponents {
  readonly registrar: Registrar
  readonly connectionManager: ConnectionManager
}

/**
 * Pieces of blobs as a libp2p service: answers peers by what the host says, and asks them. It decides neither what is fetched nor who may
 * read. One stream towards each peer that is asked, opened when it is needed.
 */
export class BlobService implements Startable {
  readonly [Symbol.toStringTag] = '@hanse/blobs'
  readonly #components: BlobComponents
  readonly #host: BlobHost
  readonly #askings = new Map<string, PeerAsking>()
  readonly #rate = new TokenBuckets(
    { burst: BLOB_REQUESTS_BURST_MAX, perSecond: BLOB_REQUESTS_PER_SECOND_MAX },
    RATED_PEERS_MAX,
  )
  #serving = 0
  #stopping = new AbortController()

  constructor(components: BlobComponents, host: BlobHost) {
    this.#components = components
    this.#host = host
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController()
    await this.#components.registrar.handle(
      BLOBS_PROTOCOL,
      (stream, connection) => this.#serve(stream, connection),
      { maxInboundStreams: BLOB_STREAMS_PER_CONNECTION_MAX, runOnLimitedConnection: true },
    )
  }

  async stop(): Promise<void> {
    await this.#components.registrar.unhandle(BLOBS_PROTOCOL)
    this.#stopping.abort(new Error('the node stops'))
    for (const asking of this.#askings.values()) asking.close()
  }

  /** Asks a peer for one piece, and checks it. Never rejects; bounded by the peer's progress. A lie has been reported to the host. */
  async ask(peer: PeerId, request: PieceRequest, place: PiecePlace): Promise<Asked> {
    return await this.#askingOf(peer).ask(request, place)
  }

  #askingOf(peer: PeerId): PeerAsking {
    const name = peer.toString()
    const known = this.#askings.get(name)
    if (known !== undefined) return known
    const asking: PeerAsking = new PeerAsking(
      peer,
      async () =>
        await this.#components.connectionManager.openStream(peer, BLOBS_PROTOCOL, {
          signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(LINK_OPEN_TIMEOUT_MS)]),
          runOnLimitedConnection: true,
        }),
      (fault) => this.#host.onFault(peer, fault),
      () => this.#askings.delete(name),
    )
    this.#askings.set(name, asking)
    return asking
  }

  async #serve(stream: Stream, connection: Connection): Promise<void> {
    if (this.#serving >= BLOB_STREAMS_MAX) {
      stream.abort(new Error('too many peers ask at a time'))
      return
    }
    this.#serving++
    try {
      await servePeer(stream, connection.remotePeer, this.#host, this.#rate, this.#stopping.signal)
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('the stream failed'))
    } finally {
      this.#serving--
    }
  }
}

/** The blobs protocol as a libp2p service: `services: { blobs: blobs(host) }`. */
export function blobs(host: BlobHost) {
  return (components: BlobComponents): BlobService => new BlobService(components, host)
}
