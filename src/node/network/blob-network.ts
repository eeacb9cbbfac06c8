import type { BlobNetwork } from '../blobs/blob-network.ts'
import type { NodeBlobs } from '../blobs/node-blobs.ts'
import type { NodeNetwork } from './node-network.ts'

/** Lets a node's blobs use its network: who may read is what the links of the sync protocol have proved. */
export function connectBlobs(blobs: NodeBlobs, network: NodeNetwork): void {
  const { sync, blobs: service } = network.libp2p.services
  const parts: BlobNetwork = {
    provenPeers: (spaceId) => sync.provenPeers(spaceId),
    mayRead: (peer, spaceId, path) => sync.mayRead(peer, spaceId, path),
    ask: async (peer, request, place) => await service.ask(peer, request, place),
    blame: (peer, fault) => network.blame(peer, fault),
  }
  sync.addEventListener('open', ({ detail: { peer, space } }) => blobs.onPeer(peer, space.spaceId))
  blobs.connect(parts)
}
