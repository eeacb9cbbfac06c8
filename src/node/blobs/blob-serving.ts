import type { PeerId } from '@libp2p/interface'
import type { PieceRequest } from '../../../protocols/blobs/index.ts'
import { BLOB_PATHS_ASKED_MAX } from '../../core/limits.ts'
import type { BlobId } from '../../core/types/blob/piece.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import type { BlobContent } from './blob-content.ts'
import type { BlobNetwork } from './blob-network.ts'

/** Paths looked at in one query. */
const PATHS_PAGE = 64

/**
 * Bytes of a piece for a peer; null where it is not here, or the peer may not read one of the first BLOB_PATHS_ASKED_MAX paths at which the
 * space shows the blob: it cannot tell which.
 */
export function servePiece(
  peer: PeerId,
  spaceId: Uint8Array,
  { hash, size, level, index }: PieceRequest,
  { store, content, network }: { store: BlobStore; content: BlobContent; network: BlobNetwork },
): Uint8Array | null {
  const id = { hash, size }
  return mayRead(peer, spaceId, id, store, network) ? content.piece(id, level, index) : null
}

function mayRead(
  peer: PeerId,
  spaceId: Uint8Array,
  id: BlobId,
  store: BlobStore,
  network: BlobNetwork,
): boolean {
  let after: string | null = null
  for (let asked = 0; asked < BLOB_PATHS_ASKED_MAX; asked += PATHS_PAGE) {
    const paths: readonly string[] = store.pathsOf(spaceId, id, after, PATHS_PAGE)
    if (paths.some((path) => network.mayRead(peer, spaceId, path))) return true
    if (paths.length < PATHS_PAGE) return false
    after = paths.at(-1) ?? null
  }
  return false
}
