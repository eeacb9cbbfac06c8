import type { PeerId } from '@libp2p/interface'
import type { Fault } from '../../src/core/result.ts'
import type { PieceRequest } from './codec.ts'

/** The node behind the blobs protocol. */
export interface BlobHost {
  /** This node's clock, ms since 1970. */
  now(): number
  /**
   * Bytes of a piece for a peer, checked just now; null where it is not here, or the peer may not read any path of that space at which this
   * blob is referred to: it must not be told apart.
   */
  serve(peer: PeerId, request: PieceRequest): Uint8Array | null
  /** A peer sent what no honest one sends: `BAD_PIECE`, `BAD_FIELD`, `NON_CANONICAL`, `FRAME_TOO_LARGE`. Held against it. */
  onFault(peer: PeerId, fault: Fault): void
}
