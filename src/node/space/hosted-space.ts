import { randomBytes } from 'node:crypto'
import { isInPast, PastReader } from '../../core/ancestry.ts'
import { compareBytes, toHex } from '../../core/bytes.ts'
import { encodeCanonical } from '../../core/canonical-cbor.ts'
import { putDelegations, readSpaceDescription, type SpaceDescription } from '../../core/changes/control.ts'
import { decodeChange } from '../../core/changes/change.ts'
import { rotateTo } from '../../core/changes/rotate.ts'
import type { Entry } from '../../core/graph.ts'
import { BODY_BYTES_MAX, BODY_CHANGES_MAX, DEPS_MAX } from '../../core/limits.ts'
import type { SignatureVerifier } from '../../core/native-signature.ts'
import { decodeHeader } from '../../core/operation/header.ts'
import {
  bodyCommitment,
  operationId,
  signOperation,
  type Body,
  type Operation,
  type VerifiedOperation,
} from '../../core/operation/operation.ts'
import { commonPath, ROOT_PATH } from '../../core/path.ts'
import { formatDid } from '../../core/principal.ts'
import type { Fault } from '../../core/result.ts'
import type { Signer } from '../../core/signature.ts'
import { spaceTopic } from '../../core/space-topic.ts'
import type { SyncView } from '../../core/sync/view.ts'
import { depthMeta } from '../../core/ucan/chain.ts'
import {
  issueDelegation,
  decodeDelegation,
  verifyDelegation,
  type VerifiedDelegation,
} from '../../core/ucan/delegation.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError, orThrow } from '../fault-error.ts'
import type { RememberedPeer } from '../peer-book.ts'
import { LOCAL } from '../replica/admission-step.ts'
import { Replica } from '../replica/replica.ts'
import { AbsentBodies } from './absent-bodies.ts'
import { HeadClaims } from './head-claims.ts'
import { type MeetingPoints, readMeetingPoints, readRememberedPeers } from './kept-notes.ts'
import { encodeEdits, type HasSeen, type ItemEdit, latestNotBuiltOn } from './item-edit.ts'
import { NO_WATCH, type OwnKeyWatch } from './own-key-watch.ts'
import { PendingTokens } from './pending-tokens.ts'
import type { RoleTerms } from './roles.ts'
import { SpaceReading } from './space-reading.ts'
import { TextWriting } from './text-writing.ts'
import { createSyncView, type ViewReaders, WHOLE_READERS } from './sync-view.ts'
import { type ChainPurpose, TokenBook } from './token-book.ts'

/** Of DEPS_MAX, how many may be what a revocation or an endorsement names; the rest is for the frontier. */
const NAMED_DEPS = DEPS_MAX / 2

/** The note under which a guest keeps the tokens it has not published yet. */
const JOIN_NOTE = 'join'
/** The note under which a guest keeps where to find the others. */
const MEETING_NOTE = 'meeting'

/** The note that remembers peers across restarts. */
const PEERS_NOTE = 'peers'

/** How an operation of our own is made. */
export interface WriteOptions {
  /** Who signs; one of the node's authors. Default: the node's own. */
  readonly author: Signer
  /** Build on exactly these operations (and the author's own last) rather than on all that this node has seen. */
  readonly after?: readonly Uint8Array[] | undefined
  /** Operations to build on besides, e.g. what a revocation names. */
  readonly including?: readonly Entry[]
  /** The author's clock, ms since 1970; raised to the parents' where it is behind. */
  readonly timeMs: number
  /** Where the operation is, if not at the common path of its edits. */
  readonly path?: string | undefined
}

/**
 * One space as this node holds it: the replica, the delegations known in it, and how own operations are made. It knows nothing of
 * the network.
 */
export class HostedSpace {
  readonly id: Uint8Array
  readonly spaceKey: Uint8Array
  readonly topic: Uint8Array
  readonly replica: Replica
  readonly tokens: TokenBook
  /** What this node may read, and proves to peers. */
  readonly reading: SpaceReading
  readonly absent: AbsentBodies
  readonly #store: SpaceStore
  readonly #verifier: SignatureVerifier
  readonly #claims = new HeadClaims()
  readonly #pending = new PendingTokens((token) => this.#verified(token))
  #description: SpaceDescription | null = null
  readonly #now: () => number
  readonly #watch: OwnKeyWatch

  /** `watch`: whoever knows whether this node's own log is whole here. */
  constructor(store: SpaceStore, verifier: SignatureVerifier, now: () => number, watch = NO_WATCH) {
    this.#watch = watch
    this.id = store.spaceId
    this.spaceKey = store.spaceKey
    this.topic = spaceTopic(store.spaceId)
    this.#store = store
    this.#now = now
    this.#verifier = verifier
    this.replica = new Replica({
      store,
      verifier,
      now,
      readsAll: () => this.description()?.openReading ?? false,
    })
    this.tokens = new TokenBook(this.spaceKey, (caps) => this.replica.closedBy(caps))
    this.absent = new AbsentBodies(store)
    this.reading = new SpaceReading({
      spaceKey: this.spaceKey,
      tokens: this.tokens,
      rules: {
        closedBy: (chain) => this.replica.closedBy(chain.map(({ digest }) => digest)),
        isOpenReading: () => this.description()?.openReading ?? false,
      },
    })
    for (const { delegation } of store.tokens()) this.tokens.add(delegation)
    for (const delegation of this.pendingTokens()) this.tokens.add(delegation)
    this.replica.addEventListener('admitted', ({ detail }) => {
      for (const { author, ordinal } of detail.entries) {
        // What has waited is published with what it waited for, and was made elsewhere all the same.
        if (detail.source !== LOCAL || detail.promoted.includes(ordinal)) watch.onArrived(this.id, author)
      }
      if (detail.hasSevered) this.absent.forget()
      if (detail.entries.some((entry) => entry.command.startsWith('/cap/'))) {
        for (const { delegation } of store.tokens()) this.tokens.add(delegation)
        this.reading.changed()
      }
    })
  }

  get store(): SpaceStore {
    return this.#store
  }

  /** What the genesis says; null while it has not arrived. */
  description(): SpaceDescription | null {
    if (this.#description !== null) return this.#description
    const genesis = this.#store.find(this.id)
    if (genesis === undefined) return null
    const first = this.#store.operation(genesis.ordinal).body?.[0]
    const change = first === undefined ? null : decodeChange(first)
    const read = change?.ok ? readSpaceDescription(change.value) : null
    // A genesis never changes, and this is asked at every frame of every link.
    this.#description = read?.ok ? read.value : null
    return this.#description
  }

  /** True where a reader may read the body of an operation at that path now, by what this node knows. */
  mayRead(reader: Uint8Array, path: string): boolean {
    return this.reading.scopeOf(reader, this.#now()).mayRead(path, this.#now())
  }

  /** An admitted operation, whole. */
  operation(ordinal: number): Operation {
    const { headerBytes, signature, body } = this.#store.operation(ordinal)
    const header = decodeHeader(headerBytes)
    if (!header.ok) throw new Error(`bug: an admitted header does not decode: ${header.fault.detail}`)
    return { id: operationId(headerBytes), header: header.value, headerBytes, signature, body }
  }

  /** What one sync session reads. Sessions with several peers share the work: each head is asked of one at a time. */
  view(readers: ViewReaders = WHOLE_READERS): SyncView {
    const onListed = (author: Uint8Array) => this.#watch.onListed(this.id, author)
    return createSyncView(this, this.#claims.session(this.#now), readers, this.#now, onListed)
  }

  /** Makes, admits and returns one operation with these edits. Throws a FaultError where the author may not or cannot. */
  write(edits: readonly ItemEdit[], options: WriteOptions): VerifiedOperation {
    const parents = this.#parentsOf(options)
    const texts = new TextWriting(this.replica.texts, this.#store, {
      parents: parents.all,
      seesAll: parents.isOnAll,
    })
    const body = encodeEdits(edits, this.#store, parents.hasSeen, texts)
    const path = options.path ?? commonPath(edits.map((edit) => edit.path))
    const outdone = latestNotBuiltOn(edits, this.#store)
    const timeMs = Math.max(options.timeMs, outdone + 1)
    return this.#author('/op/write', path, body, parents, { ...options, timeMs })
  }

  /** Why this node must not go on with the log of a key here; null where it may. */
  refusal(author: Uint8Array): Fault<'OWN_FORK' | 'RESTORED' | 'OWN_HEAD_BEHIND'> | null {
    if (this.#store.heads(author).length < 2) return this.#watch.refusal(this.id, author)
    const detail = `the key ${formatDid(author)} has two branches here, so nothing is built on it: go on with a new key, hanse identity rotate`
    return { code: 'OWN_FORK', detail }
  }

  /**
   * Publishes delegations in an operation of their own. `using`: the chain to name, where it is not published yet. `next`: the key
   * that the author announces to go on with.
   */
  publish(
    tokens: readonly VerifiedDelegation[],
    options: WriteOptions,
    using?: readonly VerifiedDelegation[],
    next?: Uint8Array,
  ): VerifiedOperation {
    const announced = next === undefined ? [] : [rotateTo(next)]
    const body = [putDelegations(tokens.map((token) => token.bytes)), ...announced]
    return this.#author('/cap/grant', ROOT_PATH, body, this.#parentsOf(options), options, using)
  }

  /**
   * Revokes or endorses in an operation of its own, under `chain`. `names`: the operations that the changes name; those this author
   * has not built on yet (a forked author's, or masked ones) come into its past first, in operations without changes if they are many.
   */
  judge(
    command: '/cap/revoke' | '/cap/endorse',
    body: Body,
    names: readonly Entry[],
    chain: readonly VerifiedDelegation[],
    options: WriteOptions,
  ): VerifiedOperation {
    const { all } = this.#parentsOf(options)
    const past = new PastReader(this.#store, all)
    const unseen = names.toSorted((a, b) => b.ordinal - a.ordinal).filter((entry) => !past.has(entry))
    while (unseen.length > NAMED_DEPS) {
      const including = unseen.splice(0, NAMED_DEPS)
      const parents = this.#parentsOf({ ...options, including })
      this.#author(command, ROOT_PATH, [], parents, options, chain)
    }
    const parents = this.#parentsOf({ ...options, including: unseen })
    return this.#author(command, ROOT_PATH, body, parents, options, chain)
  }

  /** Issues a delegation by an author of this node; it takes effect where it is published. `depth`: how often it may be passed on. */
  issue(
    issuer: Signer,
    audience: Uint8Array,
    terms: RoleTerms,
    expiresSeconds: number | null,
    depth: number | null = null,
  ): VerifiedDelegation {
    return orThrow(
      issueDelegation({
        signer: issuer,
        audience,
        subject: this.spaceKey,
        command: terms.command,
        policy: terms.policy,
        nonce: new Uint8Array(randomBytes(12)),
        expiresSeconds,
        meta: depthMeta(depth),
      }),
    )
  }

  /** Keeps the tokens of a guest, root first, until they can be published. Throws where one of them does not hold. */
  keepPendingTokens(tokens: readonly Uint8Array[]): void {
    const delegations = tokens.map((token) => this.#verified(token))
    this.#store.transaction('power', (writer) => writer.putNote(JOIN_NOTE, encodeCanonical(tokens)))
    for (const delegation of delegations) this.tokens.add(delegation)
  }

  /** The tokens of a guest that are not published yet, root first; none where everything is. */
  pendingTokens(): readonly VerifiedDelegation[] {
    return this.#pending.of(this.#store.note(JOIN_NOTE))
  }

  /**
   * Publishes what a guest joined with, once the genesis has arrived: the guest's first operation. Null where there is nothing to
   * publish, or not yet.
   */
  publishPendingTokens(options: WriteOptions): VerifiedOperation | null {
    const pending = this.pendingTokens()
    const isUnpublished = (token: VerifiedDelegation) => this.#store.token(token.digest) === undefined
    if (pending.length === 0 || this.#store.find(this.id) === undefined || !pending.some(isUnpublished))
      return null
    return this.publish(pending.filter(isUnpublished), options, pending)
  }

  /** Keeps where to find the others, so that a guest whom nobody answered today tries again tomorrow. */
  keepMeetingPoints({ peers, bootstrap }: MeetingPoints): void {
    this.#store.transaction('power', (writer) =>
      writer.putNote(MEETING_NOTE, encodeCanonical([peers, bootstrap])),
    )
  }

  /** What the invite said; nothing in a space that was made here. */
  meetingPoints(): MeetingPoints {
    return readMeetingPoints(this.#store.note(MEETING_NOTE))
  }

  /** Remembers peers across a restart; may be lost with the power. */
  keepPeers(peers: readonly RememberedPeer[]): void {
    this.#store.transaction('process', (writer) => writer.putNote(PEERS_NOTE, encodeCanonical(peers)))
  }

  /** The peers that were remembered last. */
  keptPeers(): readonly RememberedPeer[] {
    return readRememberedPeers(this.#store.note(PEERS_NOTE))
  }

  #verified(token: Uint8Array): VerifiedDelegation {
    return orThrow(verifyDelegation(orThrow(decodeDelegation(token)), this.#verifier.verifySync))
  }

  #parentsOf({ author, after, including = [] }: WriteOptions): ParentsOfOwn {
    const refusal = this.refusal(author.publicKey)
    if (refusal !== null) throw new FaultError(refusal)
    const prev = this.#store.heads(author.publicKey)[0] ?? null
    const isOnAll = after === undefined || (after.length === 0 && prev === null)
    const frontier = isOnAll ? this.replica.frontier() : []
    // A wider frontier is picked up by later operations: the newest first.
    const room = DEPS_MAX - including.length
    const newest =
      frontier.length <= room ? frontier : frontier.toSorted((a, b) => b.lamport - a.lamport).slice(0, room)
    const named = isOnAll ? newest : after.map((id) => this.#known(id))
    const seen = [...new Map([...named, ...including].map((entry) => [entry.ordinal, entry])).values()]
    const deps = seen
      .filter((entry) => entry.ordinal !== prev?.ordinal)
      .toSorted((a, b) => compareBytes(a.id, b.id))
    const all = prev === null ? deps : [prev, ...deps]
    const isWhole = isOnAll && newest.length === frontier.length
    // Of what has an effect, the whole frontier leaves out only what forked authors wrote and nobody has built on.
    const hasSeen = (entry: Entry) =>
      (isWhole && !this.replica.isFrozen(entry.author)) || isInPast(this.#store, entry, all)
    return { prev, deps, all, hasSeen, isOnAll }
  }

  /** The shortest chain there is, or else the author's last once more: among thousands of hostile delegations it may not be found. */
  #chainFor(purpose: ChainPurpose, prev: Entry | null): readonly VerifiedDelegation[] {
    const found = this.tokens.find(purpose)
    if (found.ok || prev === null) return orThrow(found)
    const last = prev.caps.flatMap((digest) => this.#store.token(digest)?.delegation ?? [])
    return this.tokens.faultOf(last, purpose) === null ? last : orThrow(found)
  }

  #known(id: Uint8Array): Entry {
    const entry = this.#store.find(id)
    if (entry !== undefined) return entry
    throw new FaultError({
      code: 'UNKNOWN_OPERATION',
      detail: `operation ${toHex(id)} has not arrived here: sync first`,
    })
  }

  #author(
    command: string,
    path: string,
    body: Body,
    parents: ParentsOfOwn,
    { author, timeMs }: WriteOptions,
    using?: readonly VerifiedDelegation[],
  ): VerifiedOperation {
    const time = parents.all.reduce((latest, parent) => Math.max(latest, parent.time), timeMs)
    const { bodySize } = bodyCommitment(body)
    if (bodySize > BODY_BYTES_MAX || body.length > BODY_CHANGES_MAX) {
      throw new FaultError({
        code: 'LIMIT',
        detail: `the write has ${bodySize} bytes in ${body.length} changes, at most ${BODY_BYTES_MAX} in ${BODY_CHANGES_MAX} are allowed: split it`,
      })
    }
    const anyCommand = command === '/cap/grant'
    const purpose = { invoker: author.publicKey, command, path, timeMs: time, bodySize, anyCommand }
    const chain = using ?? this.#chainFor(purpose, parents.prev)
    const operation = signOperation(
      {
        space: this.id,
        author: author.publicKey,
        seq: parents.prev === null ? 0 : parents.prev.seq + 1,
        prev: parents.prev === null ? null : parents.prev.id,
        deps: parents.deps.map((dep) => dep.id),
        lamport: 1 + parents.all.reduce((most, parent) => Math.max(most, parent.lamport), 0),
        time,
        epoch: parents.all.reduce((most, parent) => Math.max(most, parent.epoch), 0),
        caps: chain.map((token) => token.digest),
        command,
        path,
      },
      body,
      author.sign,
    )
    const outcome = this.replica.admitOwn(operation)
    if (outcome.kind === 'admitted') return operation
    if (outcome.kind === 'duplicate' || outcome.kind === 'unchecked')
      throw new Error('bug: a new operation of ours was there already')
    throw new FaultError({
      code: outcome.fault.code,
      detail: `this node refuses its own operation: ${outcome.fault.detail}`,
    })
  }
}

interface ParentsOfOwn {
  readonly prev: Entry | null
  /** Ascending by id, as the header has them. */
  readonly deps: readonly Entry[]
  readonly all: readonly Entry[]
  readonly hasSeen: HasSeen
  /** True where it builds on all that may be built on here, rather than on named operations. */
  readonly isOnAll: boolean
}
