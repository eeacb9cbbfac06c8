import { autoNATv2 } from '@libp2p/autonat-v2'
import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import {
  type IntroductionServer,
  type IntroductionServerStatus,
  introductionServer,
} from '../protocols/introduction/index.ts'
import { DHT_PROTOCOL } from '../src/core/dht-protocol.ts'
import {
  BOOTSTRAP_HOST_CONNECTIONS_PER_SECOND,
  BOOTSTRAP_PENDING_CONNECTIONS_MAX,
  BOOTSTRAP_UPGRADE_TIMEOUT_MS,
} from '../src/core/limits.ts'
import { PendingConnections } from '../src/core/pending-connections.ts'
import { type Fault, fail, ok, type Result } from '../src/core/result.ts'
import { BoundedDatastore } from './bounded-datastore.ts'
import type { BootstrapConfig } from './config.ts'

/** Window of a stream. Below the read buffer, which a paused stream would otherwise overflow (yamux grows to 16 MiB). */
const STREAM_WINDOW_BYTES_MAX = 1024 * 1024
const STREAM_READ_BUFFER_BYTES_MAX = 2 * 1024 * 1024
/** Streams one connection may open towards us, of all protocols together. */
const STREAMS_PER_CONNECTION_MAX = 256

/** What a bootstrap node is made of; `BootstrapConfig` says what each is for. */
export interface BootstrapNodeOptions
  extends Pick<
    BootstrapConfig,
    | 'listen'
    | 'announce'
    | 'maxConnections'
    | 'registrationTtlSeconds'
    | 'relayReservations'
    | 'relayDurationSeconds'
    | 'relayDataBytes'
  > {
  /** Ed25519. Whoever has it is this node. */
  readonly privateKey: PrivateKey
}

/** A bootstrap node's services, by the key libp2p knows them by. */
interface BootstrapServices extends Record<string, unknown> {
  readonly identify: Identify
  readonly identifyPush: IdentifyPush
  readonly ping: Ping
  readonly dht: KadDHT
  readonly relay?: CircuitRelayService
  readonly autoNat: unknown
  readonly introduction: IntroductionServer
}

/** A running bootstrap node. */
export interface BootstrapNode {
  readonly libp2p: Libp2p<BootstrapServices>
  /** What to give to others, each with `/p2p/…`. Empty when it has only public addresses and none to announce. */
  addresses(): readonly string[]
  /** Counts of the introduction service, and the connections now. */
  status(): IntroductionServerStatus & { readonly connections: number }
  /** Closes everything. Bound it: a peer that hangs can hold it up. */
  stop(): Promise<void>
}

/**
 * Starts an introduction node: it keeps signed, expiring records of peers per space topic, serves the DHT, relays for
 * peers behind a NAT, and tells peers whether their address can be reached. It stores no operations, keeps everything in
 * bounded memory, and needs no trust: what it hands out is signed by those it is about.
 *
 * Refuses (`CANNOT_LISTEN`) when one of the addresses cannot be listened on; nothing is left running then.
 */
export async function createBootstrapNode(
  options: BootstrapNodeOptions,
): Promise<Result<BootstrapNode, Fault<'CANNOT_LISTEN'>>> {
  const libp2p = await createStopped(options)
  try {
    await libp2p.start()
  } catch (error) {
    await libp2p.stop()
    if (!(error instanceof Error) || error.name !== 'UnsupportedListenAddressesError') throw error
    return fail('CANNOT_LISTEN', whyNotListening(error.message))
  }
  return ok({
    libp2p,
    addresses: () => libp2p.getMultiaddrs().map(String),
    status: () => ({ ...libp2p.services.introduction.status(), connections: libp2p.getConnections().length }),
    stop: async () => await libp2p.stop(),
  })
}

function createStopped(options: BootstrapNodeOptions): Promise<Libp2p<BootstrapServices>> {
  const ownKey = peerIdFromPrivateKey(options.privateKey).toCID().toString()
  return createLibp2p<BootstrapServices>({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { name: 'hanse-bootstrap', userAgent: 'hanse-bootstrap' },
    datastore: new BoundedDatastore({ isPinned: (key) => key.endsWith(ownKey) }),
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
        streamOptions: {
          maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX,
          maxReadBufferLength: STREAM_READ_BUFFER_BYTES_MAX,
        },
      }),
    ],
    connectionGater: createGater(),
    connectionManager: {
      maxConnections: options.maxConnections,
      inboundConnectionThreshold: BOOTSTRAP_HOST_CONNECTIONS_PER_SECOND,
      // The gater lets the oldest go; libp2p, which turns away the newest, must not come first.
      maxIncomingPendingConnections: 16 * BOOTSTRAP_PENDING_CONNECTIONS_MAX,
      inboundUpgradeTimeout: BOOTSTRAP_UPGRADE_TIMEOUT_MS,
    },
    // A ping that is late on a busy machine is no reason to drop a healthy peer.
    connectionMonitor: { abortConnectionOnPingFailure: false },
    services: {
      identify: identify(),
      // Without it a peer's table never learns of addresses verified after it connected.
      identifyPush: identifyPush(),
      ping: ping(),
      // The default mapper drops private addresses, and with them every peer of a local network.
      dht: kadDHT({ protocol: DHT_PROTOCOL, clientMode: false, peerInfoMapper: passthroughMapper }),
      autoNat: autoNATv2(),
      introduction: introductionServer({ table: { ttlSecondsMax: options.registrationTtlSeconds } }),
      ...(options.relayReservations === 0 ? {} : { relay: relay(options) }),
    },
  })
}

/** Half-open connections, of which the oldest of the largest host goes for one more. */
function createGater(): ConnectionGater {
  const pending = new PendingConnections(BOOTSTRAP_PENDING_CONNECTIONS_MAX)
  return {
    denyInboundConnection: (connection) => {
      pending.begin(connection)
      return false
    },
    denyInboundUpgradedConnection: (_peer, connection) => {
      pending.end(connection)
      return false
    },
  }
}

function relay(options: BootstrapNodeOptions): ReturnType<typeof circuitRelayServer> {
  return circuitRelayServer({
    reservations: {
      maxReservations: options.relayReservations,
      defaultDurationLimit: options.relayDurationSeconds * 1000,
      defaultDataLimit: BigInt(options.relayDataBytes),
    },
  })
}

/** One line out of libp2p's several: each address that failed, and why. */
function whyNotListening(message: string): string {
  const reasons = message.split('\n').flatMap((line) => /^ {2}(\/\S+): (.*)$/.exec(line)?.slice(1, 3) ?? [])
  const lines: string[] = []
  for (let i = 0; i + 1 < reasons.length; i += 2)
    lines.push(`${reasons[i]}: ${plainReason(reasons[i + 1] ?? '')}`)
  return `cannot listen on ${lines.join('; ') || 'any address'}`
}

function plainReason(reason: string): string {
  if (reason.includes('EADDRINUSE'))
    return 'the port is in use; stop what uses it or choose another with --listen'
  if (reason.includes('EACCES')) return 'not permitted; choose a port from 1024 with --listen'
  if (reason.includes('EADDRNOTAVAIL'))
    return 'this machine does not have the address; choose another with --listen'
  return reason
}
