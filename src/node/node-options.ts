import type { ConnectionGater } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { TrustProfile } from '../core/changes/control.ts'
import type { NodeSeeds } from './data-directory.ts'

/** How a node is made. Every option has a default; a node without options lives in memory and listens on a free port. */
export interface NodeOptions {
  /** Folder for keys and spaces; made when it is not there. Absent: everything is in memory and gone with the process. */
  readonly dataDirectory?: string
  /** Keys to use where the data directory has none yet. Default: new random ones. */
  readonly seeds?: Partial<NodeSeeds>
  /** Multiaddrs to listen on. Default: a free TCP port on every interface. An empty list: dial only. */
  readonly listen?: readonly string[]
  /** Multiaddrs to announce beside those listened on, e.g. a public address behind a router. */
  readonly announce?: readonly string[]
  /** Multiaddrs, with peer ids, of introduction nodes. Default: none. */
  readonly bootstrap?: readonly string[]
  /** Multiaddrs, with peer ids, of peers to stay connected to. Default: none. */
  readonly peers?: readonly string[]
  /** Finds peers on the local network. Default false. */
  readonly mdns?: boolean
  /** Takes part in the DHT as a client. Default true. */
  readonly dht?: boolean
  /** Uses circuit relays, and moves to direct connections where that works. Default true. */
  readonly relay?: boolean
  /**
   * Comparing with every peer of every space, in ms; while much is written in a space, four times that. Short: more traffic while idle; long: slower
   * repair. Default 15,000.
   */
  readonly antiEntropyIntervalMs?: number
  /** Longest pause between two rounds of introductions, in ms. Default 60,000. */
  readonly discoveryIntervalMs?: number
  /** Largest blob that is fetched without being asked for, in KiB. 0: none but empty ones. Default 1,024. */
  readonly blobFetchKib?: number
  /** How much is kept of blobs, in MiB; beyond, nothing more is put or fetched. Default 16,384. */
  readonly blobQuotaMib?: number
  /** False: nothing is started that talks to others. Default true. */
  readonly online?: boolean
  /** The clock, ms since 1970. Default `Date.now`. */
  readonly now?: () => number
  /** Where the node says what an operator may want to know. Default: nowhere. */
  readonly log?: (message: string) => void
  /** libp2p parts in place of TCP, WebSocket, Noise and yamux. */
  readonly transport?: Pick<Libp2pOptions, 'transports' | 'connectionEncrypters' | 'streamMuxers'>
  readonly connectionGater?: ConnectionGater
}

/** How a space is made. */
export interface CreateSpaceOptions {
  /** For people, 1 to 128 bytes; need not be unique. */
  readonly name: string
  /** Default `federated`. */
  readonly profile?: TrustProfile
  /** Whether every member may read everything. Default true. */
  readonly openReading?: boolean
  /** The genesis' time, ms since 1970. Default: now. */
  readonly timeMs?: number
  /** Seed of the space key, 32 bytes; may be forgotten after. Default: random, and forgotten. */
  readonly spaceSeed?: Uint8Array
}
