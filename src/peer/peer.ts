import { randomUUID } from 'node:crypto'
import { TypedEventEmitter } from 'main-event'
import { FaultError } from '../node/fault-error.ts'
import type { Admission } from '../node/replica/admission-step.ts'
import type { OutdatedKind } from '../node/replica/outdated.ts'
import type { Space } from '../node/space/space.ts'
import type { TableReport } from '../node/tables/table-report.ts'
import { ConnectedPeer } from './connected-peer.ts'
import { PEER_SCHEMA_VERSION } from './message.ts'
import type { PeerEvents, PeerName } from './peer-events.ts'
import type { PeerTransport, RemotePeer } from './transport.ts'

/** How a peer was made. */
export interface PeerConfig {
  readonly peerId: string
  readonly schemaVersion: number
  /** Id of its space, hexadecimal. */
  readonly space: string
  /** Names of its transports. */
  readonly transports: readonly string[]
}

/**
 * A space that syncs over transports of the program's choice, beside or instead of libp2p (docs/transports.md). Whatever comes in passes
 * the same pipeline as everything else, so a transport need not be trusted; what goes out is limited to what the transport says that the
 * other may read. Several transports work at once, and what comes by one goes on by the others. Events are told one after the other.
 */
export class Peer extends TypedEventEmitter<PeerEvents> {
  /** Unique in the world; another one for every peer that is made. */
  readonly id = randomUUID()
  readonly schemaVersion = PEER_SCHEMA_VERSION
  readonly #space: Space | (() => Space)
  readonly #transports: readonly PeerTransport[]
  readonly #connected = new Map<string, ConnectedPeer>()
  #stopWatching: (() => void) | null = null
  #opened: Space | null = null

  /** `space`: itself, or what gives it when the peer is started. */
  constructor(space: Space | (() => Space), transports: readonly PeerTransport[]) {
    super()
    this.#space = space
    this.#transports = transports
    const names = transports.map(({ name }) => name)
    if (new Set(names).size !== names.length)
      throw new TypeError('two transports of a peer have the same name')
  }

  getConfig(): PeerConfig {
    const { id: peerId, schemaVersion } = this
    return {
      peerId,
      schemaVersion,
      space: this.space.id,
      transports: this.#transports.map(({ name }) => name),
    }
  }

  get space(): Space {
    this.#opened ??= typeof this.#space === 'function' ? this.#space() : this.#space
    return this.#opened
  }

  /** Those that are connected now. */
  get peers(): readonly PeerName[] {
    return [...this.#connected.values()].map(({ name }) => name)
  }

  /** Starts all transports. One that cannot start ends those that did, and rejects with its error. */
  async start(): Promise<void> {
    if (this.#stopWatching !== null) return
    this.#stopWatching = this.#watch()
    try {
      await Promise.all(this.#transports.map(async (transport) => transport.start(this.#hostOf(transport))))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** Ends all connections. The peer can be started again. */
  async stop(): Promise<void> {
    this.#stopWatching?.()
    this.#stopWatching = null
    for (const connected of this.#connected.values()) connected.close()
    await Promise.allSettled(this.#transports.map(async (transport) => transport.stop()))
    this.#connected.clear()
  }

  /** Publishes what other programs have written to the tables shared in the space. The peers get it like anything that changes here. */
  async checkLocalChanges(): Promise<readonly TableReport[]> {
    return await this.space.tables.checkLocalChanges()
  }

  /** Asks every peer again for what is lacked here. */
  sync(): void {
    for (const connected of this.#connected.values()) connected.ask()
  }

  #hostOf(transport: PeerTransport) {
    const find = (peerId: string) => this.#connected.get(keyOf(transport, peerId))
    return {
      peerId: this.id,
      schemaVersion: this.schemaVersion,
      onConnect: (remote: RemotePeer) => this.#connect(transport, remote),
      onSync: (peerId: string, cursor: unknown) => find(peerId)?.onSync(cursor),
      onReceive: async (peerId: string, message: unknown) => find(peerId)?.onReceive(message),
      onDisconnect: (peerId: string) => {
        const gone = find(peerId)
        gone?.close()
        this.#connected.delete(keyOf(transport, peerId))
        if (gone !== undefined) this.safeDispatchEvent('disconnect', { detail: gone.name })
      },
    }
  }

  #connect(transport: PeerTransport, remote: RemotePeer): void {
    const key = keyOf(transport, remote.id)
    this.#connected.get(key)?.close()
    const connected = new ConnectedPeer({
      space: this.space,
      transport,
      remote,
      onSynced: (name, sent) => this.safeDispatchEvent('sync', { detail: { ...name, sent } }),
      onEose: (name, tally) => {
        this.#publishRights(name)
        this.safeDispatchEvent('eose', { detail: { ...name, ...tally } })
      },
      onOutdated: (name, requiredVersion) =>
        this.safeDispatchEvent('outdated', { detail: { ...name, requiredVersion } }),
      onFault: (name, code, detail) => this.safeDispatchEvent('fault', { detail: { ...name, code, detail } }),
    })
    this.#connected.set(key, connected)
    this.safeDispatchEvent('connect', { detail: connected.name })
    connected.ask()
  }

  /** Whoever has joined by an invite and has the genesis now publishes what they joined with, as after a first sync over libp2p. */
  #publishRights(name: PeerName): void {
    try {
      this.space.publishPendingTokens()
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      const { code, message } = error
      this.safeDispatchEvent('fault', { detail: { ...name, code, detail: message } })
    }
  }

  #watch(): () => void {
    const { space } = this
    const onChange = ({ detail }: CustomEvent<Admission>) => {
      const items = detail.touched.map(({ path, type }) => ({ path, type }))
      const unique = [...new Map(items.map((item) => [`${item.type} ${item.path}`, item])).values()]
      if (unique.length > 0)
        this.safeDispatchEvent('change', { detail: { items: unique, source: detail.source } })
      for (const connected of this.#connected.values()) connected.flush()
    }
    const onOutdated = ({ detail: { type, version } }: CustomEvent<OutdatedKind>) =>
      this.safeDispatchEvent('outdated', { detail: { requiredVersion: version, type } })
    space.addEventListener('change', onChange)
    space.addEventListener('outdated', onOutdated)
    return () => {
      space.removeEventListener('change', onChange)
      space.removeEventListener('outdated', onOutdated)
    }
  }
}

const keyOf = ({ name }: PeerTransport, peerId: string): string => `${name} ${peerId}`
