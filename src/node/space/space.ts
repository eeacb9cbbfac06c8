import { TypedEventEmitter } from 'main-event'
import type { CellKey } from '../../core/changes/cell.ts'
import { fromHex, toHex } from '../../core/bytes.ts'
import { MAP } from '../../core/changes/map.ts'
import { REGISTER } from '../../core/changes/register.ts'
import type { ForkProof } from '../../core/forks.ts'
import type { Entry } from '../../core/graph.ts'
import { parsePath } from '../../core/path.ts'
import { formatDid, parseDid } from '../../core/principal.ts'
import type { Signer } from '../../core/signature.ts'
import type { SyncProgress, SyncReport } from '../../core/sync/session.ts'
import type { VerifiedDelegation } from '../../core/ucan/delegation.ts'
import { createSigner } from '../../core/native-signature.ts'
import { randomBytes } from 'node:crypto'
import type { LinkTraffic } from '../../../protocols/sync/index.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import { PeerBook } from '../peer-book.ts'
import { type Admission, LOCAL } from '../replica/admission-step.ts'
import { visibleFields } from '../replica/visible-state.ts'
import type { HostedSpace } from './hosted-space.ts'
import { formatInvite } from './invite.ts'
import { checkEdit } from './check-edit.ts'
import { type Item, toItem } from './item.ts'
import type { ItemEdit, ItemType } from './item-edit.ts'
import { roleTerms, type Role, type RoleTerms } from './roles.ts'
import { explainOperation, type Explanation } from './explain.ts'
import { describeStatus, type SpaceStatus } from './status.ts'

/** One admitted operation, for people. */
export interface LogEntry {
  readonly id: string
  /** `did:key` of the author. */
  readonly author: string
  readonly seq: number
  readonly lamport: number
  /** Milliseconds since 1970 as the author's clock said. */
  readonly time: number
  readonly command: string
  readonly path: string
  /** Number of changes; null while the body has not arrived. */
  readonly changes: number | null
}

/** Options of a write. */
export interface PutOptions {
  /** Sign with this key rather than the node's own. */
  readonly author?: Signer
  /** Hexadecimal ids: build on exactly these operations rather than on all this node has seen. */
  readonly after?: readonly string[]
  /** The author's clock, ms since 1970; raised to the parents' where it is behind. Default: now. */
  readonly timeMs?: number
  /** Path of the operation where it is not the common path of its edits. */
  readonly path?: string
}

/** To whom something is granted, and how much. */
export interface GrantOptions {
  /** `did:key` of who gets it. */
  readonly to: string
  readonly role: Role
  /** Limits a writer to this path and below. Default: the whole space. */
  readonly path?: string
  /** Milliseconds since 1970. Default: never. */
  readonly expiresMs?: number
  /** The operation's time. Default: now. */
  readonly timeMs?: number
}

/** What an invite gives. */
export interface InviteOptions {
  readonly role: Role
  /** Limits a writer to this path and below. Default: the whole space. */
  readonly path?: string
  /** Milliseconds since 1970. Default: never. */
  readonly expiresMs?: number
  /** False leaves this node's addresses out: the guest finds peers through the introduction nodes. Default true. */
  readonly addresses?: boolean
}

export interface SpaceEvents {
  /** Operations were admitted, with the items they touched. */
  change: CustomEvent<Admission>
  /** A run with a peer has ended. */
  sync: CustomEvent<{
    readonly peer: string
    readonly report: SyncReport
    /** Of the link, since it was opened. */
    readonly traffic: LinkTraffic
    /** Of this run. */
    readonly runTraffic: LinkTraffic
  }>
  /** Both sides have proved to be equal: end of stored. */
  eose: CustomEvent<{ readonly peer: string; readonly clockRoot: string }>
  progress: CustomEvent<{ readonly peer: string; readonly progress: SyncProgress }>
  /** An author has forked; the proof is kept. */
  fork: CustomEvent<ForkProof>
}

/** Operations in one page of a log. */
const LOG_PAGE = 256
/** Shortest pause between two times that peers are written down, in ms. */
const REMEMBER_EVERY_MS = 10_000
/** Bound of one sync that a caller waits for, in ms. */
const SYNC_TIMEOUT_MS = 10 * 60 * 1000

/** What a space needs of the node that holds it. */
export interface SpaceOwner {
  /** The key that signs the node's own operations. */
  readonly author: Signer
  /** Multiaddrs of introduction nodes, and of the node itself, as text: what an invite carries. */
  readonly bootstrap: readonly string[]
  readonly addresses: readonly string[]
  /** The node's clock, ms since 1970. */
  now(): number
  /** Compares one space with one peer, or with all of its peers. */
  sync(
    space: Space,
    peer: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly (readonly [string, SyncReport])[]>
}

/** A shared space, as the library offers it. Every method that writes throws a {@link FaultError} for what the caller can mend. */
export class Space extends TypedEventEmitter<SpaceEvents> {
  /** The space's parts inside the node. */
  readonly hosted: HostedSpace
  readonly peers = new PeerBook()
  readonly #node: SpaceOwner
  #rememberedAtMs = 0
  #hasNewProofs = false

  constructor(hosted: HostedSpace, node: SpaceOwner) {
    super()
    this.hosted = hosted
    this.#node = node
    this.peers.restore(hosted.keptPeers())
    hosted.replica.addEventListener('admitted', ({ detail }) => this.safeDispatchEvent('change', { detail }))
    hosted.replica.addEventListener('fork', ({ detail }) => this.safeDispatchEvent('fork', { detail }))
    hosted.replica.addEventListener('refused', ({ detail: { fault, peer } }) => {
      if (peer !== LOCAL) this.peers.onRefused(peer, fault.code)
    })
  }

  /** Id of the genesis, hexadecimal. */
  get id(): string {
    return toHex(this.hosted.id)
  }

  /** What its founder called it; empty while the genesis has not arrived. */
  get name(): string {
    return this.hosted.description()?.name ?? ''
  }

  /** `did:key` of the space: the subject of all its tokens. */
  get did(): string {
    return formatDid(this.hosted.spaceKey)
  }

  /** Replaces the register at a path. Returns the operation's id. */
  put(path: string, value: unknown, options: PutOptions = {}): string {
    return this.write([{ kind: 'put', path, value }], options)
  }

  /** Sets and removes fields of the map at a path. Returns the operation's id, or null where nothing changes. */
  edit(
    path: string,
    set: Readonly<Record<string, unknown>>,
    remove: readonly string[] = [],
    options: PutOptions = {},
  ): string | null {
    return this.write([{ kind: 'edit', path, set, remove }], options)
  }

  /** Deletes what shows at a path, of every type. Returns the operation's id, or null where there is nothing. */
  delete(path: string, options: PutOptions = {}): string | null {
    const items = this.#itemsAt(path)
    if (items.length === 0) return null
    return this.write(
      items.map(({ type }) => ({ kind: 'delete', path, type })),
      options,
    )
  }

  /** Several edits as one operation with one signature. Also writes an operation without changes, where `edits` is empty. */
  write(edits: readonly ItemEdit[], options: PutOptions = {}): string {
    for (const edit of edits) orThrow(checkEdit(edit))
    const operation = this.hosted.write(edits, {
      author: options.author ?? this.#node.author,
      after: options.after?.map(parseId),
      timeMs: options.timeMs ?? this.#node.now(),
      path: options.path,
    })
    return toHex(operation.id)
  }

  /** The item at a path: its register, or else its map. Undefined where nothing shows. */
  get(path: string, type?: ItemType): Item | undefined {
    orThrow(parsePath(path))
    const items = this.#itemsAt(path)
    return type === undefined
      ? (items.find((item) => item.type === REGISTER) ?? items[0])
      : items.find((item) => item.type === type)
  }

  /** The items at or below a path, ascending, one after the other; a bounded page of cells is in memory at a time. */
  *list(prefix = ''): Generator<Item> {
    orThrow(parsePath(prefix))
    let after: CellKey | undefined
    let current: { readonly key: CellKey; readonly fields: Map<string, Uint8Array> } | null = null
    for (;;) {
      const page = this.hosted.store.cells({
        prefix,
        limit: LOG_PAGE,
        ...(after === undefined ? {} : { after }),
      })
      for (const { key, cell } of page) {
        if (current === null || current.key.path !== key.path || current.key.type !== key.type) {
          if (current !== null) yield toItem(current.key, current.fields)
          current = { key, fields: new Map() }
        }
        current.fields.set(key.field, cell.value)
      }
      if (page.length < LOG_PAGE) break
      after = page.at(-1)?.key
    }
    if (current !== null) yield toItem(current.key, current.fields)
  }

  /** Admitted operations that changed something at or below a path, the latest admitted first, at most `limit`. */
  log(prefix = '', limit = LOG_PAGE): readonly LogEntry[] {
    orThrow(parsePath(prefix))
    const { store } = this.hosted
    if (prefix !== '')
      return store
        .changedBelow(prefix, store.count(), limit)
        .map((ordinal) => this.#logEntry(store.at(ordinal)))
    const entries: LogEntry[] = []
    for (let ordinal = store.count() - 1; ordinal >= 0 && entries.length < limit; ordinal--) {
      entries.push(this.#logEntry(store.at(ordinal)))
    }
    return entries
  }

  /** What became of an operation here, and why. `id`: hexadecimal, whole. */
  why(id: string): Explanation {
    return explainOperation(this.hosted, parseId(id))
  }

  /** Where this space stands, and with whom it is in sync by which proof. */
  status(): SpaceStatus {
    return describeStatus(this.hosted, this.peers)
  }

  /** Gives somebody a role, by an operation that publishes the delegation. Returns the token's digest, hexadecimal. */
  grant(options: GrantOptions): string {
    const audience = orThrow(parseDid(options.to))
    const terms = orThrow(roleTerms(options.role, options.path ?? ''))
    this.#chainFor(options.role, terms, options.path ?? '')
    const token = this.hosted.issue(this.#node.author, audience, terms, toSeconds(options.expiresMs))
    this.hosted.publish([token], { author: this.#node.author, timeMs: options.timeMs ?? this.#node.now() })
    return toHex(token.digest)
  }

  /** Gives several people their roles in one operation. Returns the tokens' digests, hexadecimal. */
  grantAll(grants: readonly GrantOptions[], timeMs?: number): readonly string[] {
    const tokens = grants.map(({ to, role, path, expiresMs }) => {
      const terms = orThrow(roleTerms(role, path ?? ''))
      return this.hosted.issue(this.#node.author, orThrow(parseDid(to)), terms, toSeconds(expiresMs))
    })
    this.hosted.publish(tokens, { author: this.#node.author, timeMs: timeMs ?? this.#node.now() })
    return tokens.map((token) => toHex(token.digest))
  }

  /**
   * A link with which whoever has it joins under a role. It carries a delegation to a throw-away key and the key itself, and
   * publishes nothing: it can be made offline.
   */
  invite(options: InviteOptions): string {
    const secret = new Uint8Array(randomBytes(32))
    const terms = orThrow(roleTerms(options.role, options.path ?? ''))
    const { author } = this.#node
    const token = this.hosted.issue(
      author,
      createSigner(secret).publicKey,
      terms,
      toSeconds(options.expiresMs),
    )
    const above = this.#chainFor(options.role, terms, options.path ?? '')
    return formatInvite({
      spaceId: this.hosted.id,
      tokens: [...above, token].map(({ bytes }) => bytes),
      secret,
      bootstrap: this.#node.bootstrap,
      peers: options.addresses === false ? [] : this.#node.addresses,
    })
  }

  /**
   * Compares with one peer, or with all connected peers of the space, until equal or nothing more is gained. Reports by peer id.
   * Rejects when a named peer cannot be reached; with no peer named, unreachable ones are left out.
   */
  async sync(
    peer?: string,
    signal: AbortSignal = AbortSignal.timeout(SYNC_TIMEOUT_MS),
  ): Promise<ReadonlyMap<string, SyncReport>> {
    return new Map(await this.#node.sync(this, peer, signal))
  }

  /** Publishes what this node joined with, if the genesis has arrived and it is not published yet. */
  publishPendingTokens(): void {
    this.hosted.publishPendingTokens({ author: this.#node.author, timeMs: this.#node.now() })
  }

  onProven(peer: string, isProven: boolean): void {
    this.peers.setProven(peer, isProven)
  }

  onReport(peer: string, report: SyncReport, traffic: LinkTraffic, runTraffic: LinkTraffic): void {
    this.peers.onReport(peer, report, this.#node.now())
    if (report.inSync) this.#rememberPeers()
    this.safeDispatchEvent('sync', { detail: { peer, report, traffic, runTraffic } })
    if (report.inSync)
      this.safeDispatchEvent('eose', { detail: { peer, clockRoot: toHex(report.mine.clockRoot) } })
  }

  onProgress(peer: string, progress: SyncProgress): void {
    this.safeDispatchEvent('progress', { detail: { peer, progress } })
  }

  onFault(peer: string, code: string): void {
    this.peers.onFault(peer, code)
  }

  /** Closes the space's files; nothing else may be called after. */
  close(): void {
    if (this.#hasNewProofs) this.hosted.keepPeers(this.peers.remembered())
    this.hosted.store.close()
  }

  /** Now and then, because there may be many proofs a second; the rest when the space is closed. */
  #rememberPeers(): void {
    this.#hasNewProofs = true
    const nowMs = this.#node.now()
    if (nowMs - this.#rememberedAtMs < REMEMBER_EVERY_MS) return
    this.#rememberedAtMs = nowMs
    this.#hasNewProofs = false
    this.hosted.keepPeers(this.peers.remembered())
  }

  /** The chain by which this node's author has what it is about to give. Nobody gives more: the token would only look as if. */
  #chainFor(role: Role, { command }: RoleTerms, path: string): readonly VerifiedDelegation[] {
    const invoker = this.#node.author.publicKey
    const chain = this.hosted.tokens.find({ invoker, command, path, timeMs: this.#node.now(), bodySize: 0 })
    if (chain.ok) return chain.value
    const where = path === '' ? '' : ` at ${JSON.stringify(path)}`
    const detail = `this node cannot give the role ${role}${where}, because it has not got that itself: ask an admin of the space`
    throw new FaultError({ code: chain.fault.code, detail })
  }

  #itemsAt(path: string): readonly Item[] {
    return ([REGISTER, MAP] as const).flatMap((type) => {
      const fields = visibleFields(this.hosted.store, { path, type })
      return fields.size === 0 ? [] : [toItem({ path, type, field: '' }, fields)]
    })
  }

  #logEntry(entry: Entry): LogEntry {
    const { body } = this.hosted.store.operation(entry.ordinal)
    return {
      id: toHex(entry.id),
      author: formatDid(entry.author),
      seq: entry.seq,
      lamport: entry.lamport,
      time: entry.time,
      command: entry.command,
      path: entry.path,
      changes: body === null ? null : body.length,
    }
  }
}

function parseId(text: string): Uint8Array {
  const id = fromHex(text)
  if (id?.length === 32) return id
  throw new FaultError({
    code: 'BAD_ID',
    detail: `${JSON.stringify(text)} is not an operation's id: 64 hexadecimal digits, see "hanse log"`,
  })
}

const toSeconds = (ms: number | undefined): number | null => (ms === undefined ? null : Math.floor(ms / 1000))
