import type { PeerInfo } from '@libp2p/interface'
import { DHT_PROTOCOL } from '../../core/dht-protocol.ts'

/**
 * For kad-dht as a client: whom it takes into its routing table, as its `peerInfoMapper`. It offers every peer that an answer names, those that merely
 * provide what was asked for among them, and dials each to see whether it lives (kad-dht 16.4): in a large space every node would be connected to many
 * times as many others as it wants, and go on shaking hands when nothing happens. Only who is connected and speaks the protocol has its place there; one without
 * addresses is passed over. Servers that others name are found by the queries themselves.
 */
export function dhtServersOnly(peer: PeerInfo): PeerInfo {
  // Of those that are connected kad-dht says what they speak, of those that an answer names it does not know.
  const isServer =
    'protocols' in peer && Array.isArray(peer.protocols) && peer.protocols.includes(DHT_PROTOCOL)
  return isServer ? peer : { ...peer, multiaddrs: [] }
}
