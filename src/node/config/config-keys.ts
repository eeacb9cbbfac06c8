import { WELL_KNOWN_BOOTSTRAP_ADDRESSES } from '../../../bootstrap/well-known.ts'
import { BLOB_FETCH_KIB, BLOB_QUOTA_MIB } from '../../core/limits.ts'

/** The configuration of a node, complete. What each key means is said once, in {@link CONFIG_KEYS}. */
export interface NodeConfig {
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly bootstrap: readonly string[]
  readonly peers: readonly string[]
  readonly mdns: boolean
  readonly dht: boolean
  readonly relay: boolean
  readonly antiEntropyIntervalMs: number
  readonly discoveryIntervalMs: number
  readonly tablePollIntervalMs: number
  readonly blobFetchKib: number
  readonly blobQuotaMib: number
  readonly http: string
  readonly httpTlsCert: string
  readonly httpTlsKey: string
  readonly httpCors: readonly string[]
}

/** A key of the configuration. Its environment variable and its flag follow from its name. */
export type ConfigKey = {
  /** As in `config.toml`: lower case, with underscores. */
  readonly name: string
  /** One line for help, template and docs: what it does, and where it matters what goes wrong with a bad value. */
  readonly description: string
} & (
  | {
      readonly kind: 'addresses'
      readonly property: 'listen' | 'announce' | 'bootstrap' | 'peers'
      /** - `listen`: a transport this node listens with; `peer`: names a peer id at its end; `any`: any multiaddr. */
      readonly form: 'listen' | 'peer' | 'any'
      readonly preset: readonly string[]
      readonly example: string
    }
  | {
      readonly kind: 'text'
      readonly property: 'http' | 'httpTlsCert' | 'httpTlsKey'
      readonly preset: string
      /** For help: what stands in the place of the value. */
      readonly form: string
      /** What it has to look like. */
      readonly pattern: RegExp
    }
  | {
      readonly kind: 'texts'
      readonly property: 'httpCors'
      readonly preset: readonly string[]
      readonly form: string
      readonly pattern: RegExp
    }
  | { readonly kind: 'boolean'; readonly property: 'mdns' | 'dht' | 'relay'; readonly preset: boolean }
  | {
      readonly kind: 'integer'
      readonly property:
        | 'antiEntropyIntervalMs'
        | 'discoveryIntervalMs'
        | 'tablePollIntervalMs'
        | 'blobFetchKib'
        | 'blobQuotaMib'
      /** For messages, in the plural. */
      readonly unit: string
      readonly min: number
      readonly max: number
      readonly preset: number
    }
)

const HOUR_MS = 60 * 60 * 1000

/** Every key there is, in the order of the file. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  {
    name: 'listen',
    kind: 'addresses',
    property: 'listen',
    form: 'listen',
    preset: ['/ip4/0.0.0.0/tcp/0'],
    example: '/ip4/0.0.0.0/tcp/4001',
    description:
      'addresses to listen on; port 0 takes a free port at every start, which breaks older invites; none to dial only',
  },
  {
    name: 'announce',
    kind: 'addresses',
    property: 'announce',
    form: 'any',
    preset: [],
    example: '/dns4/node.example.org/tcp/4001',
    description: 'addresses to tell others besides those listened on, e.g. the public one of your router',
  },
  {
    name: 'bootstrap',
    kind: 'addresses',
    property: 'bootstrap',
    form: 'peer',
    preset: WELL_KNOWN_BOOTSTRAP_ADDRESSES,
    example: '/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...',
    description: 'introduction nodes, which help the members of a space find each other',
  },
  {
    name: 'peers',
    kind: 'addresses',
    property: 'peers',
    form: 'peer',
    preset: [],
    example: '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...',
    description: 'peers to stay connected to',
  },
  {
    name: 'mdns',
    kind: 'boolean',
    property: 'mdns',
    preset: true,
    description: 'find peers on the local network, and be found there',
  },
  {
    name: 'dht',
    kind: 'boolean',
    property: 'dht',
    preset: true,
    description: 'use the distributed hash table of the introduction nodes to find peers',
  },
  {
    name: 'relay',
    kind: 'boolean',
    property: 'relay',
    preset: true,
    description: 'use relays where no direct connection is possible',
  },
  {
    name: 'anti_entropy_interval_ms',
    kind: 'integer',
    property: 'antiEntropyIntervalMs',
    unit: 'milliseconds',
    min: 100,
    max: 24 * HOUR_MS,
    preset: 15_000,
    description:
      'pause between two comparisons with every peer, four times that while much is written; short costs traffic while idle, long delays repair',
  },
  {
    name: 'discovery_interval_ms',
    kind: 'integer',
    property: 'discoveryIntervalMs',
    unit: 'milliseconds',
    min: 1_000,
    max: 24 * HOUR_MS,
    preset: 60_000,
    description: 'longest pause between two rounds of asking introduction nodes',
  },
  {
    name: 'table_poll_interval_ms',
    kind: 'integer',
    property: 'tablePollIntervalMs',
    unit: 'milliseconds',
    min: 50,
    max: HOUR_MS,
    preset: 500,
    description:
      'pause between two looks whether another program has written to a shared table; short costs a little reading while idle, long delays changes',
  },
  {
    name: 'blob_fetch_kib',
    kind: 'integer',
    property: 'blobFetchKib',
    unit: 'KiB',
    min: 0,
    max: 1024 * 1024 * 1024,
    preset: BLOB_FETCH_KIB,
    description: 'blobs up to this size are fetched as soon as an item refers to them; larger ones on demand',
  },
  {
    name: 'blob_quota_mib',
    kind: 'integer',
    property: 'blobQuotaMib',
    unit: 'MiB',
    min: 1,
    max: 1024 * 1024 * 1024,
    preset: BLOB_QUOTA_MIB,
    description: 'how much is kept of blobs; beyond it, nothing more is put or fetched until some are pruned',
  },
  {
    name: 'http',
    kind: 'text',
    property: 'http',
    form: 'host:port',
    pattern: /^(auto|none|(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5})$/,
    preset: 'auto',
    description:
      'where HTTP, MCP and the dashboard are served: HOST:PORT, "none", or "auto" for 127.0.0.1:7420 and a free port where that is taken',
  },
  {
    name: 'http_tls_cert',
    kind: 'text',
    property: 'httpTlsCert',
    form: 'file',
    pattern: /^[^\0]*$/,
    preset: '',
    description:
      'PEM file of the certificate that HTTP is served with; needed where others than this machine reach it',
  },
  {
    name: 'http_tls_key',
    kind: 'text',
    property: 'httpTlsKey',
    form: 'file',
    pattern: /^[^\0]*$/,
    preset: '',
    description: 'PEM file of the certificate’s key',
  },
  {
    name: 'http_cors',
    kind: 'texts',
    property: 'httpCors',
    form: 'origin',
    pattern: /^https?:\/\/[^/\s]+$/,
    preset: [],
    description:
      'origins whose pages may ask over HTTP, such as "https://app.example"; none: only the page that the node serves itself',
  },
]

/** The environment variable of a key. */
export function variableOf(key: ConfigKey): string {
  return `HANSE_${key.name.toUpperCase()}`
}

/** The flag of a key, with its dashes. */
export function flagOf(key: ConfigKey): string {
  return `--${key.name.replaceAll('_', '-')}`
}

/** The default of a key as it stands in the file. */
export function presetOf(key: ConfigKey): string {
  return JSON.stringify(key.preset)
}
