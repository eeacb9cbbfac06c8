import { randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import type { SyncReport } from '../core/sync/session.ts'
import { equalBytes, toHex } from '../core/bytes.ts'
import { createSpaceChange, putDelegations } from '../core/changes/control.ts'
import { createSigner, type SignatureVerifier } from '../core/native-signature.ts'
import { type Operation, signOperation } from '../core/operation/operation.ts'
import { formatDid, formatPeerId } from '../core/principal.ts'
import { ok, type Fault, type Result } from '../core/result.ts'
import type { Signer } from '../core/signature.ts'
import { decodeDelegation, issueDelegation, verifyDelegation } from '../core/ucan/delegation.ts'
import type { SpaceIdentity } from '../storage/sqlite/inspect.ts'
import { createMemorySpaceStore } from '../storage/memory-space-store.ts'
import type { SpaceStore } from '../storage/space-store.ts'
import { StoreError } from '../storage/store-error.ts'
import { AgentBook } from './agents/agent-book.ts'
import { createNodeBlobs } from './blobs/create-node-blobs.ts'
import type { NodeBlobs } from './blobs/node-blobs.ts'
import type { NodeStorage } from './data-directory.ts'
import { openDataDirectory, initDataDirectory, isDataDirectory } from './data-directory.ts'
import { FaultError, orThrow } from './fault-error.ts'
import { HealthCheck } from './health.ts'
import { NodeIdentity } from './identity.ts'
import { createMemoryStorage } from './memory-storage.ts'
import type { NodeNetwork } from './network/node-network.ts'
import { parseAddress } from './network/parse-address.ts'
import type { CreateSpaceOptions, NodeOptions } from './node-options.ts'
import { FILE_SOURCE } from './replica/file-source.ts'
import { RemoteBook } from './remotes/remote-book.ts'
import { Replica } from './replica/replica.ts'
import { HostedSpace } from './space/hosted-space.ts'
import { parseInvite } from './space/invite.ts'
import { Space } from './space/space.ts'
import { processVerifier } from './verification/process-verifier.ts'

export interface NodeEvents {
  /** A peer has proved that it may read one of our spaces. */
  connect: CustomEvent<{ readonly peer: PeerId; readonly space: Space }>
}

/** Makes and starts a node. Rejects with a {@link FaultError} for what the caller can mend. */
export async function createNode(options: NodeOptions = {}): Promise<HanseNode> {
  const storage = openStorage(options)
  const node = new HanseNode(options, storage)
  try {
    node.openSpaces()
    if (options.online !== false) await node.goOnline()
    return node
  } catch (error) {
    await node.stop()
    throw error
  }
}

function openStorage({ dataDirectory, seeds }: NodeOptions): NodeStorage {
  if (dataDirectory === undefined) return createMemoryStorage(seeds)
  if (!isDataDirectory(dataDirectory)) initDataDirectory(dataDirectory, seeds)
  return orThrow(openDataDirectory(dataDirectory))
}

/** A Hanse node: its keys, its spaces, and its part in the network. */
export class HanseNode extends TypedEventEmitter<NodeEvents> {
  readonly #options: NodeOptions
  readonly #storage: NodeStorage
  readonly #verifier: SignatureVerifier = processVerifier()
  readonly #spaces = new Map<string, Space>()
  readonly #unreadable: Fault[] = []
  #network: NodeNetwork | null = null
  #promotion: NodeJS.Timeout | null = null
  #stopped: Promise<void> | null = null
  /** Attachments of all spaces. */
  readonly blobs: NodeBlobs
  /** The author key: whether it may be written with, recovering it, taking another. */
  readonly identity: NodeIdentity
  /** Who uses this node with less than its own authority. */
  readonly agents: AgentBook
  /** Whether it can do what it is for. */
  readonly health: HealthCheck
  /** Where else its spaces are. */
  readonly remotes: RemoteBook

  constructor(options: NodeOptions, storage: NodeStorage) {
    super()
    this.#options = options
    this.#storage = storage
    this.identity = new NodeIdentity(storage, this)
    this.blobs = createNodeBlobs(options, storage, this)
    this.agents = new AgentBook(storage, this)
    this.health = new HealthCheck(storage, this)
    this.remotes = new RemoteBook(storage, this)
  }

  /** The key that signs this node's own operations. */
  get author(): Signer {
    return this.identity.author
  }

  /** Tells the operator something. */
  log(message: string): void {
    this.#options.log?.(message)
  }

  /** This node's clock, ms since 1970. */
  now(): number {
    return (this.#options.now ?? Date.now)()
  }

  /** `did:key` of the node's author. */
  get did(): string {
    return formatDid(this.author.publicKey)
  }

  /** The libp2p identity, as text; the same offline. */
  get peerId(): string {
    return formatPeerId(createSigner(this.#storage.seeds.peer).publicKey)
  }

  /** Multiaddrs of introduction nodes, as text; offline those it would ask. */
  get bootstrap(): readonly string[] {
    return this.#network?.bootstrap ?? this.#options.bootstrap ?? []
  }

  /** Multiaddrs, as text, at which others can dial this node; offline those it would announce. */
  get addresses(): readonly string[] {
    return this.#network?.addresses ?? this.#options.announce ?? []
  }

  /** The network of this node; null while offline. */
  get network(): NodeNetwork | null {
    return this.#network
  }

  /** Spaces whose files could not be opened, and why. They are left untouched. */
  get unreadableSpaces(): readonly Fault[] {
    return this.#unreadable
  }

  /** Opens the spaces of the data directory, and finishes what a crash has left half done. */
  openSpaces(): void {
    for (const identity of this.#storage.listSpaces()) {
      const store = identity.ok ? this.#storage.openSpace(identity.value, false) : identity
      const hosted = store.ok ? this.#tryHost(store.value) : store
      if (!hosted.ok) this.#unreadable.push(hosted.fault)
    }
    this.identity.begin()
    this.#promotion = setInterval(() => {
      for (const space of this.#spaces.values()) space.hosted.replica.promoteDue()
    }, PROMOTION_INTERVAL_MS)
    this.#promotion.unref()
  }

  /** Starts listening, finding peers and syncing. */
  async goOnline(): Promise<void> {
    const options = this.#options
    // Loaded only where it is needed: libp2p takes longer than a whole command that stays offline.
    const { NodeNetwork } = await import('./network/node-network.ts')
    const { connectBlobs } = await import('./network/blob-network.ts')
    const network = await NodeNetwork.create(
      {
        peerSeed: this.#storage.seeds.peer,
        datastore: this.#storage.datastore,
        listen: options.listen ?? ['/ip4/0.0.0.0/tcp/0'],
        announce: options.announce ?? [],
        bootstrap: (options.bootstrap ?? []).map(parseAddress),
        peers: (options.peers ?? []).map(parseAddress),
        mdns: options.mdns ?? false,
        dht: options.dht ?? true,
        relay: options.relay ?? true,
        antiEntropyIntervalMs: options.antiEntropyIntervalMs ?? 15_000,
        discoveryIntervalMs: options.discoveryIntervalMs ?? 60_000,
        blobs: this.blobs.host,
        transport: options.transport,
        connectionGater: options.connectionGater,
      },
      {
        now: () => this.now(),
        verify: this.#verifier.verifySync,
        reader: () => this.author,
        log: (message) => this.log(message),
        onConnect: (peer, hosted) => {
          const space = this.#spaces.get(toHex(hosted.id))
          if (space !== undefined) this.safeDispatchEvent('connect', { detail: { peer, space } })
        },
      },
    )
    this.#network = network
    // Those in which something has happened last are added last, and so are live.
    const byLast = [...this.#spaces.values()].toSorted((a, b) => lastTime(a) - lastTime(b))
    for (const space of byLast) network.add(space)
    connectBlobs(this.blobs, network)
    await network.start()
  }

  /** Stops within a bound: closes connections, then files. Again is no harm; a stopped node cannot be started again. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    await this.#stopped
  }

  async #stop(): Promise<void> {
    if (this.#promotion !== null) clearInterval(this.#promotion)
    await this.#network?.stop()
    this.#network = null
    for (const space of this.#spaces.values()) space.close()
    this.#spaces.clear()
    this.blobs.close()
    this.#storage.close()
  }

  /** The spaces this node holds. */
  spaces(): readonly Space[] {
    return [...this.#spaces.values()]
  }

  /** The space of that id, or of an unambiguous beginning of it, or of that name. Throws `NO_SPACE` or `AMBIGUOUS`. */
  space(idOrName: string): Space {
    const found = this.spaces().filter(
      ({ id, name }) => id.startsWith(idOrName.toLowerCase()) || name === idOrName,
    )
    const exact = found.filter(({ id }) => id === idOrName.toLowerCase())
    const [first, ...others] = exact.length > 0 ? exact : found
    if (first === undefined) {
      throw new FaultError({
        code: 'NO_SPACE',
        detail: `there is no space ${JSON.stringify(idOrName)} here: see "hanse space list"`,
      })
    }
    if (others.length > 0) {
      throw new FaultError({
        code: 'AMBIGUOUS',
        detail: `${JSON.stringify(idOrName)} means ${found.length} spaces: give more of the id`,
      })
    }
    return first
  }

  /** Makes a space whose first owner is this node's author. The space key signs the genesis and the owner's token. */
  createSpace(options: CreateSpaceOptions): Space {
    const spaceKey = createSigner(options.spaceSeed ?? new Uint8Array(randomBytes(32)))
    const owner = orThrow(
      issueDelegation({
        signer: spaceKey,
        audience: this.author.publicKey,
        subject: spaceKey.publicKey,
        command: '/',
        policy: [],
        nonce: new Uint8Array(randomBytes(12)),
        expiresSeconds: null,
      }),
    )
    const description = {
      name: options.name,
      profile: options.profile ?? 'federated',
      openReading: options.openReading ?? true,
    }
    if (description.name === '' || new TextEncoder().encode(description.name).length > 128) {
      throw new FaultError({ code: 'BAD_NAME', detail: 'the name of a space has 1 to 128 bytes' })
    }
    const body = [createSpaceChange(description), putDelegations([owner.bytes])]
    const genesis = signOperation(
      {
        space: null,
        author: spaceKey.publicKey,
        seq: 0,
        prev: null,
        deps: [],
        lamport: 1,
        time: options.timeMs ?? this.now(),
        epoch: 0,
        caps: [],
        command: '/cap/grant',
        path: '',
      },
      body,
      spaceKey.sign,
    )
    const space = this.#open({ spaceId: genesis.id, spaceKey: spaceKey.publicKey })
    this.identity.onCreated(genesis.id)
    const outcome = space.hosted.replica.admitOwn(genesis)
    if (outcome.kind !== 'admitted') throw new Error(`bug: our own genesis was ${outcome.kind}`)
    this.#network?.add(space)
    return space
  }

  /**
   * Joins a space by an invite link: delegates from the link's throw-away key to this node's author, and remembers where to find
   * the others. The space is empty until the first sync; the guest's tokens are published right after it.
   */
  join(link: string): Space {
    const invite = orThrow(parseInvite(link))
    const tokens = invite.tokens.map((token) => orThrow(decodeDelegation(token)))
    const [root] = tokens
    const last = tokens.at(-1)
    const guest = createSigner(invite.secret)
    if (root?.subject == null || last === undefined || !equalBytes(last.audience, guest.publicKey)) {
      throw new FaultError({
        code: 'BAD_INVITE',
        detail: 'the link does not hold together: ask for a new one',
      })
    }
    for (const token of tokens) orThrow(verifyDelegation(token, this.#verifier.verifySync))
    const expired = tokens.find(
      ({ expiresSeconds }) => expiresSeconds !== null && expiresSeconds * 1000 < this.now(),
    )
    if (expired !== undefined)
      throw new FaultError({ code: 'BAD_INVITE', detail: 'the invite has expired: ask for a new one' })
    const addresses = { peers: invite.peers.map(parseAddress), bootstrap: invite.bootstrap.map(parseAddress) }
    const identity = { spaceId: invite.spaceId, spaceKey: root.subject }
    const own = orThrow(
      issueDelegation({
        signer: guest,
        audience: this.author.publicKey,
        subject: root.subject,
        command: last.command,
        policy: [],
        nonce: new Uint8Array(randomBytes(12)),
        expiresSeconds: last.expiresSeconds,
      }),
    )
    const known = this.#spaces.get(toHex(invite.spaceId))
    const space = known ?? this.#open(identity)
    space.hosted.keepPendingTokens([...invite.tokens, own.bytes])
    space.hosted.keepMeetingPoints(invite)
    this.#network?.meet([...addresses.bootstrap, ...addresses.peers], addresses.bootstrap)
    this.#network?.add(space)
    return space
  }

  /**
   * Opens a space that this node does not hold, as its genesis in a file says, and has it filled; peers hear of it after that, however it
   * ended. Throws `BAD_FILE` where the genesis is none that a node would admit.
   */
  async adopt<T>(genesis: Operation, fill: (space: Space) => Promise<T>): Promise<T> {
    const identity = { spaceId: genesis.id, spaceKey: genesis.header.author }
    const verifier = this.#verifier
    const trial = new Replica({ store: createMemorySpaceStore(identity), verifier, now: () => this.now() })
    const [outcome] = await trial.receive([genesis], FILE_SOURCE)
    if (outcome?.kind !== 'admitted') {
      const why = outcome !== undefined && 'fault' in outcome ? outcome.fault.detail : 'it is none'
      throw new FaultError({ code: 'BAD_FILE', detail: `the genesis in the file is not sound: ${why}` })
    }
    const space = this.#spaces.get(toHex(genesis.id)) ?? this.#open(identity)
    try {
      return await fill(space)
    } finally {
      if (this.#spaces.has(space.id)) this.#network?.add(space)
    }
  }

  /** Checks signatures, off this thread where it is asked to. */
  get verifier(): SignatureVerifier {
    return this.#verifier
  }

  /** Compares one space with one peer (all of its peers where none is named). For `space.sync`. */
  async sync(
    space: Space,
    peer: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly (readonly [string, SyncReport])[]> {
    if (this.#network === null) throw new FaultError({ code: 'OFFLINE', detail: 'this node is offline' })
    return await this.#network.sync(space, peer, signal)
  }

  #open(identity: SpaceIdentity): Space {
    return this.#host(orThrow(this.#storage.openSpace(identity, true)))
  }

  /** A damaged row that is found only now must not keep a node from serving its other spaces. */
  #tryHost(store: SpaceStore): Result<Space> {
    try {
      return ok(this.#host(store))
    } catch (error) {
      store.close()
      if (error instanceof StoreError) return { ok: false, fault: error.fault }
      throw error
    }
  }

  #host(store: SpaceStore): Space {
    const space = new Space(new HostedSpace(store, this.#verifier, () => this.now(), this.identity), this)
    this.#spaces.set(space.id, space)
    this.agents.opened(space)
    return space
  }
}

/** How often held operations are looked at, in ms: a held future operation is late by at most this. */
const PROMOTION_INTERVAL_MS = 1_000
/** The time of the last operation admitted in a space, ms since 1970; 0 where there is none. */
function lastTime({ hosted: { store } }: Space): number {
  return store.count() === 0 ? 0 : store.at(store.count() - 1).time
}
