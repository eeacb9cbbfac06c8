import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, ConnectionGater } from '@libp2p/interface'
import { FaultTolerance } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { blobs, type BlobHost } from '../../../protocols/blobs/index.ts'
import { introductionClient } from '../../../protocols/introduction/index.ts'
import { sync, type SyncHost } from '../../../protocols/sync/index.ts'
import { NARROW_NETWORK, publicNetworkOf } from '../../core/address-network.ts'
import { concatBytes } from '../../core/bytes.ts'
import { DHT_PROTOCOL } from '../../core/dht-protocol.ts'
import {
  CONNECTIONS_INBOUND_MAX,
  CONNECTIONS_OUTBOUND_MAX,
  CONNECTIONS_PINNED_MAX,
  HOST_CONNECTIONS_PER_SECOND,
  PENDING_CONNECTIONS_MAX,
  STREAMS_PER_CONNECTION_MAX,
  UPGRADE_TIMEOUT_MS,
} from '../../core/limits.ts'
import { createSigner } from '../../core/native-signature.ts'
import { dhtServersOnly } from './dht-servers.ts'
import { gossipOptions, type GossipTrust } from './gossip-options.ts'
import { pushWhatChanged } from './push-what-changed.ts'
import { steadyNoise } from './steady-noise.ts'
import { steadyYamux } from './steady-yamux.ts'

/** Service tag on the local network. */
const MDNS_SERVICE_TAG = '_hanse._udp.local'

/** What the network of a node is made from. */
export interface NetworkInit {
  /** Seed of the peer identity, 32 bytes. */
  readonly peerSeed: Uint8Array
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly datastore: Datastore
  readonly mdns: boolean
  readonly dht: boolean
  readonly relay: boolean
  readonly logger?: ComponentLogger | undefined
  readonly connectionGater: ConnectionGater
  /** What is served of attachments. */
  readonly blobs: BlobHost
  /** Peers the user named and introduction nodes: not kept out by a crowd in front of the door. */
  readonly pinned: readonly Multiaddr[]
  /** Transports, encrypters and muxers in place of TCP, WebSocket, Noise and yamux: for tests. */
  readonly transport?: Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'> | undefined
}

/** Composes libp2p as Hanse uses it; not started yet. */
export async function createNetwork(init: NetworkInit, host: Omit<SyncHost, 'peerId'>, trust: GossipTrust) {
  // Each is some megabytes of a process: loaded where it is used.
  const [relaying, tables, local] = await Promise.all([
    init.relay ? Promise.all([import('@libp2p/circuit-relay-v2'), import('@libp2p/dcutr')]) : null,
    init.dht ? import('@libp2p/kad-dht') : null,
    init.mdns ? import('@libp2p/mdns') : null,
  ])
  const network = await createLibp2p({
    privateKey: privateKeyFromRaw(concatBytes(init.peerSeed, createSigner(init.peerSeed).publicKey)),
    datastore: init.datastore,
    start: false,
    ...(init.logger === undefined ? {} : { logger: init.logger }),
    connectionGater: init.connectionGater,
    addresses: {
      listen: [...init.listen, ...(init.relay ? ['/p2p-circuit'] : [])],
      appendAnnounce: [...init.announce],
    },
    transports: [tcp(), webSockets(), ...(relaying === null ? [] : [relaying[0].circuitRelayTransport()])],
    connectionEncrypters: [steadyNoise()],
    // The receive window must not outgrow the read buffer, or a paused stream is killed (js-libp2p 3: 16 MiB over 4 MiB).
    streamMuxers: [
      steadyYamux({
        maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
        streamOptions: { maxStreamWindowSize: 1 << 20, maxReadBufferLength: 2 << 20 },
      }),
    ],
    ...init.transport,
    // A relay that is down, or a port in use, is reported by the node, which knows which address the user asked for.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    connectionManager: {
      // The gater gives out the places one by one; this is their sum, beyond which libp2p closes sockets before they say a word.
      maxConnections: CONNECTIONS_INBOUND_MAX + CONNECTIONS_OUTBOUND_MAX + CONNECTIONS_PINNED_MAX,
      inboundConnectionThreshold: HOST_CONNECTIONS_PER_SECOND,
      // The gater lets one of PENDING_CONNECTIONS_MAX go for one more; libp2p, which turns away the newest, must not come first.
      maxIncomingPendingConnections: 16 * PENDING_CONNECTIONS_MAX,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      allow: init.pinned.flatMap(hostOf),
    },
    // A busy event loop would fail the 5 s ping and drop healthy links; runs of the sync protocol have their own bound.
    connectionMonitor: { abortConnectionOnPingFailure: false },
    peerDiscovery: local === null ? [] : [local.mdns({ serviceTag: MDNS_SERVICE_TAG })],
    services: {
      identify: identify(),
      // pushWhatChanged says when.
      identifyPush: identifyPush({ runOnSelfUpdate: false }),
      ping: ping(),
      pubsub: gossipsub(gossipOptions(trust)),
      introductions: introductionClient(),
      sync: sync(({ peerId }) => ({ ...host, peerId })),
      blobs: blobs(init.blobs),
      ...(relaying === null ? {} : { dcutr: relaying[1].dcutr() }),
      // Client only: it asks the introduction nodes, which are the servers. Their private addresses are kept, or a LAN finds nobody.
      ...(tables === null
        ? {}
        : {
            dht: tables.kadDHT({
              protocol: DHT_PROTOCOL,
              clientMode: true,
              peerInfoMapper: dhtServersOnly,
              initialQuerySelfInterval: 50,
            }),
          }),
    },
  })
  pushWhatChanged(network)
  return network
}

export type Network = Awaited<ReturnType<typeof createNetwork>>

/** The host of a public address, for libp2p's list of those that no rate keeps out. A LAN's rate holds for everybody on it. */
function hostOf(address: Multiaddr): readonly string[] {
  if (publicNetworkOf(address.bytes, NARROW_NETWORK) === null) return []
  const [ip] = address.getComponents()
  return ip?.value === undefined ? [] : [`/${ip.name}/${ip.value}/tcp/0`]
}
