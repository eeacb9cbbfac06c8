import { ancestorAtSeq } from '../ancestry.ts'
import { toHex } from '../bytes.ts'
import { isControl } from '../changes/evaluate.ts'
import type { Head } from '../clock.ts'
import type { Entry } from '../graph.ts'
import {
  BATCH_BYTES_TARGET,
  BATCH_OPERATIONS_MAX,
  BATCH_WINDOW,
  BODIES_WANTED_PER_ROUND_MAX,
  HEADS_PER_ROUND_MAX,
  PROBES_OPEN_MAX,
  PUSHED_OPERATIONS_MAX,
} from '../limits.ts'
import type { Operation } from '../operation/operation.ts'
import { setBits } from './bits.ts'
import type { HeadWants } from './head-wants.ts'
import { leavesOf } from './leaves.ts'
import { headsListedMax, headsToList, listAuthor } from './listing.ts'
import type { ListedEntry, SyncMessage } from './message.ts'
import { NOTHING_SHARED, SharedHeads } from './shared-heads.ts'
import {
  addOrdinalsOf,
  afterProbe,
  isExact,
  type MissingStretch,
  missingStretch,
  type PeerLog,
  probeSeqs,
  readPeerLog,
} from './transfer.ts'
import type { SyncView } from './view.ts'

/** What the peer has listed in this round. */
type Listed = Pick<HeadWants, 'listed' | 'isCut' | 'knowsAllOf' | 'received'>

/**
 * What this side sends in one round: from the heads and bodies the peer wants, over the probes that find where branches part, to
 * batches within the window and the end of stored. Pure like the session around it. Invariants:
 * 1. nothing is sent before every stretch is exact, and then in ascending ordinals, so parents come before children;
 * 2. at most BATCH_WINDOW batches are unacknowledged, and PROBES_OPEN_MAX probes unanswered;
 * 3. only heads that were offered in this round are served, each once, and what `push` found the peer to lack;
 * 4. a body leaves only where the peer may read it at that moment, or it is that of a control operation; else the header goes alone.
 */
export class RoundSender {
  readonly #view: SyncView
  /** The heads listed to the peer in this round, in that order. */
  readonly #offered: Entry[] = []
  #areLeaves = false
  #listed: SharedHeads | null = null
  #shared = NOTHING_SHARED
  readonly #theirs: Listed
  readonly #peerLogs = new Map<string, PeerLog>()
  readonly #exact: MissingStretch[] = []
  readonly #unprobed: MissingStretch[] = []
  readonly #probes = new Map<number, { readonly stretch: MissingStretch; readonly seqs: readonly number[] }>()
  #nextProbe = 0
  #hasMoreNextRound = false
  #bodiesWanted = 0
  #queue: readonly number[] = []
  #queueAt = 0
  #inFlight = 0
  #isSending = false
  #isDone = false

  /** `theirs`: what the peer listed. */
  constructor(view: SyncView, theirs: Listed) {
    this.#view = view
    this.#theirs = theirs
  }

  /** Operations to send in this round, as far as that is known. */
  get total(): number {
    return this.#queue.length
  }

  get sent(): number {
    return this.#queueAt
  }

  /** True where not all heads of some author had room in what was listed, and there is more room in the next round. */
  get hasMoreNextRound(): boolean {
    return this.#hasMoreNextRound
  }

  /** True once the end of stored has been sent. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** The heads that were listed to the peer, once all are: what its batches refer to. */
  get listed(): SharedHeads {
    this.#listed ??= new SharedHeads(this.#offered, this.#areLeaves)
    return this.#listed
  }

  /** True while the peer has as much before it as it may: what takes long is better done after the next acknowledgement. */
  get isWindowFull(): boolean {
    return this.#inFlight >= BATCH_WINDOW
  }

  /** Lists these authors, as many as a round may, from 0; the peer may ask for the heads that are listed. `isShort`: see listAuthor. */
  list(authors: readonly Uint8Array[], round: number, isShort: boolean): readonly ListedEntry[] {
    const room = headsListedMax(round)
    const entries: ListedEntry[] = []
    for (const author of authors) {
      const heads = headsToList(this.#view.graph, this.#view.clock.heads(author), room)
      if (this.#offered.length + heads.length > HEADS_PER_ROUND_MAX) break
      for (const { id } of heads) this.#offer(id)
      if (heads.length === room && room < HEADS_PER_ROUND_MAX) this.#hasMoreNextRound = true
      entries.push(...listAuthor(author, heads, isShort))
    }
    return entries
  }

  /** Lists the leaves of these authors in place of their heads; null where those have to be listed. */
  listLeaves(authors: readonly Uint8Array[]): Uint8Array | null {
    const leaves = leavesOf(this.#view.clock, authors)
    if (leaves === null) return null
    this.#areLeaves = true
    this.#listed = null
    for (const author of authors) this.#offer((this.#view.clock.heads(author)[0] as Head).id)
    return leaves
  }

  #offer(id: Uint8Array): void {
    const entry = this.#view.graph.find(id)
    if (entry === undefined) throw new Error('bug: a head of the clock that is not in the graph')
    this.#offered.push(entry)
  }

  /**
   * Of the authors that differ, those to list in answer to what the peer has listed. What it is seen to lack of the others, few operations,
   * goes without being asked for: of authors none of whose heads at the peer is unknown here.
   */
  push(differing: readonly Uint8Array[]): readonly Uint8Array[] {
    const behind = differing.filter((author) => this.#theirs.knowsAllOf(author))
    // A list that was cut short says nothing of those that are missing in it.
    const isWhole = this.#theirs.received < HEADS_PER_ROUND_MAX / 2
    if (!isWhole || !this.#pushAll(behind, PUSHED_OPERATIONS_MAX)) return differing
    return differing.filter((author) => !this.#theirs.knowsAllOf(author))
  }

  /** Sends what the peer lacks of these authors, if it is at most `limit` operations; says whether it is. */
  #pushAll(authors: readonly Uint8Array[], limit: number): boolean {
    const stretches: MissingStretch[] = []
    let operations = 0
    for (const author of authors) {
      for (const { id } of this.#view.clock.heads(author)) {
        const stretch = this.#stretchTo(this.#view.graph.find(id) as Entry)
        operations += stretch.wanted.seq - stretch.known
        if (operations > limit || !isExact(stretch)) return false
        stretches.push(stretch)
      }
    }
    this.#exact.push(...stretches)
    return true
  }

  /** Takes what the peer wants of the heads it was listed; a text says what is wrong with it. */
  want(heads: Uint8Array): string | null {
    const places = setBits(heads, this.#offered.length)
    if (places === null) return 'wanted heads that were not offered'
    for (const place of places) {
      const stretch = this.#stretchTo(this.#offered[place] as Entry)
      ;(isExact(stretch) ? this.#exact : this.#unprobed).push(stretch)
    }
    return null
  }

  /** Takes the bodies that the peer wants; a text says what is wrong with them. */
  wantBodies(bodies: readonly Uint8Array[]): string | null {
    const { graph } = this.#view
    this.#bodiesWanted += bodies.length
    if (this.#bodiesWanted > BODIES_WANTED_PER_ROUND_MAX) return 'more wanted bodies than a round may list'
    const readable = bodies.flatMap((id) => {
      const entry = graph.find(id)
      return entry !== undefined && this.#mayShow(entry) ? [entry.ordinal] : []
    })
    const here = readable.filter((ordinal) => this.#view.operation(ordinal).body !== null)
    this.#queue = [...this.#queue, ...here]
    return null
  }

  /**
   * Everything wanted is known: finds out where branches part, if need be, and then sends. `shared`: what the peer has listed and this side
   * has too.
   */
  begin(shared = this.#shared): readonly SyncMessage[] {
    this.#shared = shared
    const messages: SyncMessage[] = []
    while (this.#probes.size < PROBES_OPEN_MAX) {
      const stretch = this.#unprobed.pop()
      if (stretch === undefined) break
      messages.push(this.#probe(stretch))
    }
    if (this.#isSending || this.#probes.size > 0) return messages
    const lacking = new Set(this.#queue)
    for (const stretch of this.#exact) addOrdinalsOf(this.#view.graph, stretch, lacking)
    this.#queue = [...lacking].sort((a, b) => a - b)
    this.#isSending = true
    return [...messages, { kind: 'offer', operations: this.#queue.length }, ...this.#batches()]
  }

  /** The answer to a probe; a text says what is wrong with it. */
  onProbed({ probe, known }: Extract<SyncMessage, { kind: 'probed' }>): readonly SyncMessage[] | string {
    const asked = this.#probes.get(probe)
    if (asked === undefined || known > asked.seqs.length) return 'an answer to no probe'
    this.#probes.delete(probe)
    const stretch = afterProbe(asked.stretch, asked.seqs, known)
    if (!isExact(stretch)) return [this.#probe(stretch)]
    this.#exact.push(stretch)
    return this.begin()
  }

  /** One more batch has been decided on by the peer; a text says what is wrong with that. */
  onAck(): readonly SyncMessage[] | string {
    if (this.#inFlight === 0) return 'an acknowledgement of nothing'
    this.#inFlight--
    return this.#batches()
  }

  #probe(stretch: MissingStretch): SyncMessage {
    const seqs = probeSeqs(stretch)
    const ids = seqs.map((seq) => ancestorAtSeq(this.#view.graph, stretch.wanted, seq).id)
    const probe = this.#nextProbe++
    this.#probes.set(probe, { stretch, seqs })
    return { kind: 'probe', probe, ids }
  }

  #batches(): readonly SyncMessage[] {
    const messages: SyncMessage[] = []
    while (this.#inFlight < BATCH_WINDOW && this.#queueAt < this.#queue.length) {
      const operations = this.#nextBatch()
      messages.push({ kind: 'operations', operations, shared: this.#shared, faults: [] })
      this.#inFlight++
    }
    if (this.#queueAt < this.#queue.length || this.#isDone) return messages
    this.#isDone = true
    return [...messages, { kind: 'eose', operations: this.#queue.length }]
  }

  #nextBatch(): readonly Operation[] {
    const operations: Operation[] = []
    let bytes = 0
    while (
      this.#queueAt < this.#queue.length &&
      operations.length < BATCH_OPERATIONS_MAX &&
      bytes < BATCH_BYTES_TARGET
    ) {
      const operation = this.#shown(this.#view.operation(this.#queue[this.#queueAt++] as number))
      bytes += operation.headerBytes.length + (operation.body === null ? 0 : operation.header.bodySize)
      operations.push(operation)
    }
    return operations
  }

  #shown(operation: Operation): Operation {
    return operation.body === null || this.#mayShow(operation.header)
      ? operation
      : { ...operation, body: null }
  }

  #mayShow({ command, path }: Pick<Entry, 'command' | 'path'>): boolean {
    return isControl(command) || this.#view.mayRead(path)
  }

  #stretchTo(wanted: Entry): MissingStretch {
    return missingStretch(this.#view.graph, wanted, this.#peerLogOf(wanted.author))
  }

  #peerLogOf(author: Uint8Array): PeerLog {
    const key = toHex(author)
    const known = this.#peerLogs.get(key)
    if (known !== undefined) return known
    const heads = this.#theirs.listed.get(key) ?? []
    const log = readPeerLog(this.#view.graph, author, heads, this.#theirs.isCut(author))
    this.#peerLogs.set(key, log)
    return log
  }
}
