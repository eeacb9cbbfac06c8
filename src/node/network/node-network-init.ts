import type { ConnectionGater, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import type { Libp2pOptions } from 'libp2p'
import type { BlobHost } from '../../../protocols/blobs/index.ts'
import type { Signer, VerifySignature } from '../../core/signature.ts'
import type { HostedSpace } from '../space/hosted-space.ts'

/** What a node's part in the network is made from. */
export interface NodeNetworkInit {
  readonly peerSeed: Uint8Array
  readonly datastore: Datastore
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly bootstrap: readonly Multiaddr[]
  readonly peers: readonly Multiaddr[]
  readonly mdns: boolean
  readonly dht: boolean
  readonly relay: boolean
  readonly antiEntropyIntervalMs: number
  readonly discoveryIntervalMs: number
  /** What is served of attachments. */
  readonly blobs: BlobHost
  readonly transport: Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'> | undefined
  readonly connectionGater: ConnectionGater | undefined
}

/** What the network needs of the node around it. */
export interface NodeNetworkHost {
  readonly verify: VerifySignature
  /** Whose read capability is shown to peers. */
  readonly reader: () => Signer
  now(): number
  log(message: string): void
  onConnect(peer: PeerId, space: HostedSpace): void
}
