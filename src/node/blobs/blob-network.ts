import type { PeerId } from '@libp2p/interface'
import type { Asked, BlobHost, PieceRequest } from '../../../protocols/blobs/index.ts'
import type { PiecePlace } from '../../core/types/blob/piece.ts'

/** What fetching and serving blobs needs of the network; nothing of it while the node is offline. */
export interface BlobNetwork {
  /** Peers that have proved, on a connection that lasts, that they may read the space. */
  provenPeers(spaceId: Uint8Array): readonly PeerId[]
  /** True where such a peer may read what is at a path now. */
  mayRead(peer: PeerId, spaceId: Uint8Array, path: string): boolean
  /** Asks a peer for a piece. Never rejects; bounded by the peer's progress. */
  ask(peer: PeerId, request: PieceRequest, place: PiecePlace): Promise<Asked>
  /** Holds against a peer what no honest one does. */
  blame: BlobHost['onFault']
}
