import { toHex } from '../../core/bytes.ts'
import { parsePath } from '../../core/path.ts'
import { formatDid, parseDid } from '../../core/principal.ts'
import type { SyncProgress, SyncReport } from '../../core/sync/session.ts'
import type { AcceptedReceipt, LinkTraffic } from '../../../protocols/sync/index.ts'
import { orThrow } from '../fault-error.ts'
import { ChangeFeed, type ChangesOptions } from '../feed/change-feed.ts'
import type { ChangeRecord } from '../feed/change-record.ts'
import { PeerBook } from '../peer-book.ts'
import { LOCAL } from '../replica/admission-step.ts'
import type { SqlParameters } from '../query/query-message.ts'
import {
  type SearchHit,
  type SearchOptions,
  SpaceQueries,
  type SqlOptions,
  type SqlResult,
} from '../query/space-queries.ts'
import type { HostedSpace } from './hosted-space.ts'
import {
  type ContainOptions,
  type GrantOptions,
  type InviteOptions,
  type RevokeOptions,
  SpaceAuthority,
} from './authority.ts'
import type { ContainmentReport, RevocationReport } from './revocation-report.ts'
import { type DelegationStatus, describeDelegations } from './delegation-status.ts'
import { parseOperationId } from './operation-id.ts'
import { listOperations, type LogEntry } from './log.ts'
import { explainOperation, type Explanation, explainRight, type RightExplanation } from './explain.ts'
import { SpaceItems } from './space-items.ts'
import { describeStatus, type SpaceStatus } from './status.ts'
import { watchOutdated } from './watch-outdated.ts'
import { type BlobOwner, SpaceBlobs } from '../blobs/space-blobs.ts'
import { SpaceConflicts } from '../history/conflicts.ts'
import { SpaceHistory } from '../history/space-history.ts'
import { watchConflicts } from '../history/watch-conflicts.ts'
import { sharingSpace } from '../tables/sharing-space.ts'
import { SpaceTables } from '../tables/space-tables.ts'
import { SpaceExchange } from '../exchange/space-exchange.ts'
import { isHandedOver } from '../replica/file-source.ts'

/** Operations in one page of a log. */
const LOG_PAGE = 256
/** Shortest pause between two times that peers are written down, in ms. */
const REMEMBER_EVERY_MS = 10_000
/** Bound of one sync that a caller waits for, in ms. */
const SYNC_TIMEOUT_MS = 10 * 60 * 1000

/** What a space needs of the node that holds it. */
export interface SpaceOwner extends BlobOwner {
  /** Multiaddrs of introduction nodes, and of the node itself, as text: what an invite carries. */
  readonly bootstrap: readonly string[]
  readonly addresses: readonly string[]
  /** Compares one space with one peer, or with all of its peers. */
  sync(
    space: Space,
    peer: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly (readonly [string, SyncReport])[]>
}

/** A shared space, as the library offers it. Every method that writes throws a {@link FaultError} for what the caller can mend. */
export class Space extends SpaceItems {
  readonly peers = new PeerBook()
  /** Who may do what: granting, revoking, endorsing. */
  readonly authority: SpaceAuthority
  /** SQLite tables that are shared in this space. */
  readonly tables: SpaceTables
  /** Taking it away in files, and bringing back what others took away. */
  readonly exchange: SpaceExchange
  /** What items were, when, and by whom. */
  readonly history: SpaceHistory
  /** Where concurrent writes met, and settling it. */
  readonly conflicts: SpaceConflicts
  /** Asking with SQL and words, and the kinds declared for it. */
  readonly queries: SpaceQueries
  /** Attachments: content of any size. */
  readonly blobs: SpaceBlobs
  readonly #node: SpaceOwner
  readonly #feed: ChangeFeed
  #rememberedAtMs = 0
  #hasNewProofs = false

  constructor(hosted: HostedSpace, node: SpaceOwner) {
    super(hosted, node)
    this.#node = node
    this.#feed = new ChangeFeed(hosted.replica)
    this.authority = new SpaceAuthority(hosted, node)
    this.exchange = new SpaceExchange(hosted, () => node.now())
    this.history = new SpaceHistory(this)
    this.conflicts = new SpaceConflicts(this)
    this.peers.restore(hosted.keptPeers())
    this.tables = new SpaceTables(sharingSpace(this, hosted))
    this.queries = new SpaceQueries(hosted.store, this)
    this.blobs = new SpaceBlobs(this, node)
    hosted.replica.addEventListener('admitted', ({ detail }) => {
      this.queries.kinds.touched(detail.touched)
      this.tables.touched(detail.touched)
      this.safeDispatchEvent('change', { detail })
    })
    hosted.replica.addEventListener('fork', ({ detail }) => this.safeDispatchEvent('fork', { detail }))
    watchConflicts(this)
    watchOutdated(hosted, (detail) => this.safeDispatchEvent('outdated', { detail }))
    hosted.replica.addEventListener('refused', ({ detail: { fault, peer } }) => {
      if (peer !== LOCAL && !isHandedOver(peer)) this.peers.onRefused(peer, fault.code)
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

  /** Admitted operations that changed something at or below a path, the latest admitted first, at most `limit`. */
  log(prefix = '', limit = LOG_PAGE): readonly LogEntry[] {
    orThrow(parsePath(prefix))
    return listOperations(this.hosted.store, prefix, limit)
  }

  /** Follows the space from a cursor on: at least once, causes first, across restarts (src/node/feed/change-feed.ts). */
  changes(options: ChangesOptions = {}): AsyncGenerator<ChangeRecord, void, void> {
    return this.#feed.changes(options)
  }

  /** The cursor of all that is here now. */
  cursor(): string {
    return this.#feed.now()
  }

  /** Answers a query that only reads (docs/queries.md has the views); in a process of its own, so that nothing else waits for it. */
  async sql(query: string, parameters?: SqlParameters, options?: SqlOptions): Promise<SqlResult> {
    return await this.queries.sql(query, parameters, options)
  }

  /** Where words are in what shows now, the best first. */
  async search(words: string, options?: SearchOptions): Promise<readonly SearchHit[]> {
    return await this.queries.search(words, options)
  }

  /** What became of an operation here, and why. `id`: hexadecimal, whole. */
  explain(id: string): Explanation {
    return explainOperation(this.hosted, parseOperationId(id))
  }

  /** Whether somebody (`did:key`) may do something now, with every chain that reaches them. Default command: `/op/write`. */
  explainRight(author: string, path = '', command = '/op/write'): RightExplanation {
    orThrow(parsePath(path))
    return explainRight(this.hosted, orThrow(parseDid(author)), command, path, this.#node.now())
  }

  /** Where this space stands, and with whom it is in sync by which proof. */
  status(): SpaceStatus {
    const described = describeStatus(this.hosted, this.peers, this.#node.author.publicKey, this.#node.now())
    return { ...described, blobs: this.blobs.status() }
  }

  /** Gives somebody a role, by an operation that publishes the delegation. Returns the token's digest, hexadecimal. */
  grant(options: GrantOptions): string {
    return this.authority.grantAll([options], options.timeMs)[0] as string
  }

  /** Gives several people their roles, in as few operations as will do. Returns the tokens' digests, hexadecimal. */
  grantAll(grants: readonly GrantOptions[], timeMs?: number): readonly string[] {
    return this.authority.grantAll(grants, timeMs)
  }

  /**
   * A link with which whoever has it joins under a role. It carries a delegation to a throw-away key and the key itself, and
   * publishes nothing: it can be made offline.
   */
  invite(options: InviteOptions): string {
    return this.authority.invite(options)
  }

  /** Ends delegations, and the effect of what was done under them outside the cut. `dryRun` tells without doing. */
  revoke(options: RevokeOptions): RevocationReport {
    return this.authority.revoke(options)
  }

  /** Revokes all that an author holds from an operation on, and lists what others did after having seen that operation. */
  contain(options: ContainOptions): ContainmentReport {
    return this.authority.contain(options)
  }

  /** Gives masked operations their effect back, by their ids, hexadecimal. Returns the ids of the endorsements. */
  endorse(operations: readonly string[], timeMs?: number): readonly string[] {
    return this.authority.endorse(operations, timeMs)
  }

  /** Every delegation published here, with what became of it. */
  delegations(): readonly DelegationStatus[] {
    return describeDelegations(this.hosted, this.#node.now())
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

  onReceipt(peer: string, receipt: AcceptedReceipt): void {
    this.peers.onReceipt(peer, receipt, this.#node.now())
    this.#rememberPeers()
  }

  onProgress(peer: string, progress: SyncProgress): void {
    this.safeDispatchEvent('progress', { detail: { peer, progress } })
  }

  onFault(peer: string, code: string): void {
    this.peers.onFault(peer, code)
  }

  /** Closes the space's files; nothing else may be called after. */
  close(): void {
    this.finishWrites()
    this.blobs.close()
    this.tables.close()
    if (this.#hasNewProofs) this.hosted.keepPeers(this.peers.remembered())
    this.queries.close()
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
}
