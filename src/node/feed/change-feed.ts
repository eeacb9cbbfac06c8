import { randomBytes } from 'node:crypto'
import { setImmediate as turnOfEventLoop } from 'node:timers/promises'
import { PastReader } from '../../core/ancestry.ts'
import { equalBytes } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { FEED_CURSOR_HEADS_MAX } from '../../core/limits.ts'
import { isAtOrBelow, parsePath } from '../../core/path.ts'
import type { CellType } from '../../core/types/cell.ts'
import type { Turn } from '../../storage/space-store.ts'
import { orThrow } from '../fault-error.ts'
import type { Replica } from '../replica/replica.ts'
import { type ChangeCause, type ChangeFilter, type ChangeRecord, recordsOf } from './change-record.ts'
import { type Cursor, FEED_NAME_BYTES, formatCursor, parseCursor } from './cursor.ts'

export interface ChangesOptions {
  /** A cursor from a record, or `now`; left out: from the beginning. */
  readonly since?: string
  /** Only items at or below this path. */
  readonly path?: string
  readonly types?: readonly CellType[]
  /** Where the follower may read. Default: everywhere. */
  readonly mayRead?: (path: string) => boolean
  /** Hears, whenever all that is here was told, the cursor of all of it, what was not told of included. */
  readonly onEnd?: ((cursor: string) => void) | undefined
  /** False: ends with what is here; true (default): goes on with what comes. */
  readonly live?: boolean
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
}

/** The note that names a space's file among all that hold the space. */
const FEED_NOTE = 'feed'
/** Operations and turns read at once. */
const PAGE = 256

/**
 * The changes of a space in an order in which causes come first, from a cursor on. Promises (test/effect/change-feed.test.ts):
 * 1. at least once: every change of an effective operation is told after its cursor, also across restarts; on another file of the same
 *    space (a snapshot, another node) what the cursor has seen by id is left out;
 * 2. an operation is told after all in its past that have their body and their effect by then;
 * 3. an operation that loses its effect or gets it back is told again as `revoked` or `restored`, one whose body comes late as `arrived`;
 *    an operation without effect when it is reached is told when it gets it;
 * 4. a cursor is that of the last whole operation: who stops in the middle of one gets all of it again.
 * A follower that waits costs nothing, and a slow one is waited for.
 */
export class ChangeFeed {
  readonly #replica: Replica

  constructor(replica: Replica) {
    this.#replica = replica
  }

  /** The cursor of everything here. */
  now(): string {
    const { store } = this.#replica
    const turn = endOfTurns(this.#replica, 0)
    const heads = store.absentBodyCount() === 0 ? store.frontier().map(({ id }) => id) : []
    return formatCursor(this.#cursor({ ordinal: store.count(), turn, heads, skip: [], skipUntil: 0 }))
  }

  /** Follows the space. Throws `BAD_CURSOR` and `BAD_PATH` at once. */
  changes(options: ChangesOptions = {}): AsyncGenerator<ChangeRecord, void, void> {
    const { since, path = '', types, mayRead = () => true, live = true, signal, onEnd } = options
    orThrow(parsePath(path))
    const start = since === undefined ? null : orThrow(parseCursor(since === 'now' ? this.now() : since))
    const filter = { path, types: types === undefined ? null : new Set(types), mayRead }
    return this.#follow(this.#begin(start), filter, { live, signal, onEnd })
  }

  async *#follow(
    start: Cursor,
    filter: ChangeFilter,
    { live, signal, onEnd }: Pick<ChangesOptions, 'live' | 'signal' | 'onEnd'>,
  ): AsyncGenerator<ChangeRecord, void, void> {
    const reader = new FeedReader(this.#replica, start, filter)
    const isOver = () => signal?.aborted === true
    while (!isOver()) {
      const records = reader.next()
      if (records?.length === 0) await turnOfEventLoop()
      else if (records !== null) yield* records
      else {
        onEnd?.(reader.cursor())
        if (live !== true) return
        await this.#untilAdmitted(signal)
      }
    }
  }

  /** Resolves when something was admitted after the call, or the signal aborts. */
  async #untilAdmitted(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const onEvent = () => resolve()
    this.#replica.addEventListener('admitted', onEvent)
    signal?.addEventListener('abort', onEvent)
    try {
      await promise
    } finally {
      this.#replica.removeEventListener('admitted', onEvent)
      signal?.removeEventListener('abort', onEvent)
    }
  }

  #begin(given: Cursor | null): Cursor {
    if (given === null) return this.#cursor({ ordinal: 0, turn: 0, heads: [], skip: [], skipUntil: 0 })
    const { store } = this.#replica
    const isHere = equalBytes(given.feed, this.#name()) && given.ordinal <= store.count()
    if (isHere) return given
    // Made on another file: its numbers mean nothing here, its ids do. What it left out there counts as seen too.
    const skip = [...given.heads, ...given.skip].slice(0, FEED_CURSOR_HEADS_MAX)
    return this.#cursor({ ordinal: 0, turn: 0, heads: [], skip, skipUntil: store.count() })
  }

  #cursor(place: Omit<Cursor, 'feed'>): Cursor {
    return { feed: this.#name(), ...place, heads: place.heads.slice(-FEED_CURSOR_HEADS_MAX) }
  }

  #name(): Uint8Array {
    const { store } = this.#replica
    const known = store.note(FEED_NOTE)
    if (known?.length === FEED_NAME_BYTES) return known
    const name = new Uint8Array(randomBytes(FEED_NAME_BYTES))
    store.transaction('process', (writer) => writer.putNote(FEED_NOTE, name))
    return name
  }
}

/** Reads operation after operation and turn after turn, and knows the cursor after each. */
class FeedReader {
  readonly #replica: Replica
  readonly #filter: ChangeFilter
  readonly #start: Cursor
  readonly #skipped: PastReader | null
  readonly #skippedIds: ReadonlySet<number>
  #ordinal: number
  #turn: number
  /** Ordinals of the ends of what was taken; those of the cursor that are not here any more are nowhere. */
  readonly #ends = new Set<number>()
  #page: readonly Entry[] = []
  #pageAt = 0
  #cursorBefore: string

  constructor(replica: Replica, start: Cursor, filter: ChangeFilter) {
    const { store } = replica
    this.#replica = replica
    this.#filter = filter
    this.#start = start
    this.#ordinal = start.ordinal
    this.#turn = start.turn
    for (const id of start.heads) {
      const entry = store.find(id)
      if (entry !== undefined) this.#ends.add(entry.ordinal)
    }
    const skipped = start.skip.flatMap((id) => store.find(id) ?? [])
    this.#skipped = skipped.length === 0 ? null : new PastReader(store, skipped)
    this.#skippedIds = new Set(skipped.map(({ ordinal }) => ordinal))
    this.#cursorBefore = formatCursor(this.#place())
  }

  /** The cursor of all that was read, whether or not there was something to tell. */
  cursor(): string {
    return formatCursor(this.#place())
  }

  /** What comes next, one operation or turn with at least one record; null where nothing does. */
  next(): readonly ChangeRecord[] | null {
    const { store } = this.#replica
    for (let read = 0; ; read++) {
      const [turn] = store.turns(this.#turn, 1)
      if (turn !== undefined && turn.at <= this.#ordinal) {
        this.#turn++
        const records = this.#tellTurn(turn)
        if (records.length > 0 || read >= PAGE) return records
        continue
      }
      const entry = this.#nextEntry()
      if (entry === undefined) return null
      this.#take(entry)
      const records = this.#tell(entry, this.#causeOf(entry))
      // Also an empty hand now and then, so that a narrow filter over a long log does not hold everything else up.
      if (records.length > 0 || read >= PAGE) return records
    }
  }

  #nextEntry(): Entry | undefined {
    if (this.#ordinal >= this.#pageAt + this.#page.length || this.#ordinal < this.#pageAt) {
      const { store } = this.#replica
      const waiting = store.count() - this.#ordinal
      if (waiting <= 0) return undefined
      // Of one alone, which many followers tell at once, the store has it in memory.
      this.#page = waiting === 1 ? [store.at(this.#ordinal)] : store.entriesFrom(this.#ordinal, PAGE)
      this.#pageAt = this.#ordinal
    }
    return this.#page[this.#ordinal - this.#pageAt]
  }

  #take(entry: Entry): void {
    this.#ordinal++
    for (const parent of entry.parents) this.#ends.delete(parent)
    this.#ends.add(entry.ordinal)
  }

  /** Null where there is nothing to tell of an operation that is reached. */
  #causeOf(entry: Entry): ChangeCause | null {
    const isMasked = this.#replica.store.mask(entry.ordinal) !== undefined
    if (!this.#wasSeenElsewhere(entry)) return isMasked ? null : 'written'
    // It may have had its effect there.
    if (isMasked) return 'revoked'
    // It may have been without effect there, if there was ever a revocation that reaches it.
    for (const _ of this.#replica.verdicts.reaching(entry.caps)) return 'restored'
    return null
  }

  #wasSeenElsewhere(entry: Entry): boolean {
    if (this.#skipped === null || entry.ordinal >= this.#start.skipUntil) return false
    return this.#skippedIds.has(entry.ordinal) || this.#skipped.has(entry)
  }

  #tellTurn({ ordinal, kind }: Turn): readonly ChangeRecord[] {
    const { store } = this.#replica
    const isMasked = store.mask(ordinal) !== undefined
    const entry = store.at(ordinal)
    switch (kind) {
      case 'body':
        return this.#tell(entry, isMasked ? null : 'arrived')
      case 'masked':
        return this.#tell(entry, isMasked ? 'revoked' : null)
      case 'unmasked':
        return this.#tell(entry, isMasked ? null : 'restored')
    }
  }

  #tell(entry: Entry, cause: ChangeCause | null): readonly ChangeRecord[] {
    const { path } = this.#filter
    // Changes lie at or below the path of their operation.
    const mayConcern = isAtOrBelow(path, entry.path) || isAtOrBelow(entry.path, path)
    if (cause === null || !mayConcern || !entry.command.startsWith('/op/')) return []
    const records = recordsOf(entry, this.#replica.evaluationOf(entry), cause, this.#filter)
    if (records.length === 0) return []
    const before = this.#cursorBefore
    this.#cursorBefore = formatCursor(this.#place())
    return records.map((record, i) => ({
      ...record,
      cursor: i === records.length - 1 ? this.#cursorBefore : before,
    }))
  }

  #place(): Cursor {
    const { store } = this.#replica
    const { feed, skip, skipUntil } = this.#start
    const isPast = this.#ordinal >= skipUntil
    // While a body is missing, what has been seen cannot be said by ids: elsewhere the body may be there from the beginning.
    const isWhole = store.absentBodyCount() === 0
    const ends = [...this.#ends].sort((a, b) => a - b).slice(-FEED_CURSOR_HEADS_MAX)
    const heads = isWhole ? ends.map((ordinal) => store.at(ordinal).id) : []
    return {
      feed,
      ordinal: this.#ordinal,
      turn: this.#turn,
      heads,
      skip: isPast ? [] : skip,
      skipUntil: isPast ? 0 : skipUntil,
    }
  }
}

/** The number of turns there are. */
function endOfTurns(replica: Replica, from: number): number {
  let turn = from
  for (;;) {
    const page = replica.store.turns(turn, PAGE)
    turn += page.length
    if (page.length < PAGE) return turn
  }
}
