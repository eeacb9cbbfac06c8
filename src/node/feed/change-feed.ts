import { randomBytes } from 'node:crypto'
import { setImmediate as turnOfEventLoop } from 'node:timers/promises'
import { equalBytes } from '../../core/bytes.ts'
import { FEED_CURSOR_HEADS_MAX } from '../../core/limits.ts'
import { parsePath } from '../../core/path.ts'
import type { CellType } from '../../core/types/cell.ts'
import { orThrow } from '../fault-error.ts'
import type { Replica } from '../replica/replica.ts'
import {
  type BareRecord,
  type ChangeFilter,
  type ChangeRecord,
  mayConcern,
  recordsOf,
} from './change-record.ts'
import { ChangeTail, type SharedStep } from './change-tail.ts'
import { type Cursor, FEED_NAME_BYTES, formatCursor, parseCursor } from './cursor.ts'
import { FeedReader, type FeedStep } from './feed-reader.ts'

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
/** Turns read at once, and steps taken in one turn of the event loop of which there is nothing to tell. */
const PAGE = 256

/**
 * The changes of a space in an order in which causes come first, from a cursor on. Promises (test/effect/change-feed.test.ts):
 * 1. at least once: every change of an effective operation is told after its cursor, also across restarts; on another file of the same
 *    space (a snapshot, another node) what the cursor has seen by id is left out;
 * 2. an operation is told after all in its past that have their body and their effect by then;
 * 3. an operation that loses its effect or gets it back is told again as `revoked` or `restored`, one whose body comes late as `arrived`;
 *    an operation without effect when it is reached is told when it gets it;
 * 4. a cursor is that of the last whole operation: who stops in the middle of one gets all of it again.
 * A follower that waits costs nothing, and a slow one is waited for. Who is at the end follows with all others who are (ChangeTail).
 */
export class ChangeFeed {
  readonly #replica: Replica
  readonly #tail: ChangeTail

  constructor(replica: Replica) {
    this.#replica = replica
    this.#tail = new ChangeTail(replica)
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
    const isOver = () => signal?.aborted === true
    for (let from = start; !isOver(); ) {
      const reader = new FeedReader(this.#replica, from)
      yield* this.#catchUp(reader, filter, signal)
      if (live !== true) {
        if (!isOver()) onEnd?.(formatCursor(reader.place()))
        return
      }
      from = yield* this.#followTail(reader, filter, { signal, onEnd })
    }
  }

  /** By itself, to the end of what is there. */
  async *#catchUp(
    reader: FeedReader,
    filter: ChangeFilter,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ChangeRecord, void, void> {
    let told = formatCursor(reader.place())
    const isOver = () => signal?.aborted === true
    let silent = 0
    while (!isOver()) {
      const step = reader.step()
      if (step === null) return
      const records = this.#recordsOf(step, filter)
      if (records.length > 0) {
        const before = told
        told = formatCursor(reader.place())
        for (const [i, record] of records.entries())
          yield { ...record, cursor: i === records.length - 1 ? told : before }
        silent = 0
      } else if (++silent > PAGE) {
        // A narrow filter over a long log does not hold everything else up.
        await turnOfEventLoop()
        silent = 0
      }
    }
  }

  /** With all others who are at the end, until it is too far behind them, or the signal aborts. Returns where it is then. */
  async *#followTail(
    reader: FeedReader,
    filter: ChangeFilter,
    { signal, onEnd }: Pick<ChangesOptions, 'signal' | 'onEnd'>,
  ): AsyncGenerator<ChangeRecord, Cursor, void> {
    // Something may have come since it was at the end: only in one turn with `join` there is nothing in between.
    if (!reader.isAtEnd()) return reader.place()
    const seat = this.#tail.join(reader)
    const isOver = () => signal?.aborted === true
    const wake = () => seat.wake?.()
    signal?.addEventListener('abort', wake)
    let last: SharedStep | null = null
    try {
      for (let silent = 0; !isOver(); ) {
        const step = this.#tail.take(seat)
        if (step === 'behind') break
        if (step === 'end') {
          onEnd?.(this.#tail.cursor())
          await this.#tail.untilAdmitted(seat)
        } else if (step === 'more') {
          await turnOfEventLoop()
        } else {
          const records = step.recordsFor(filter)
          seat.next++
          last = step
          yield* records
          silent = records.length > 0 ? 0 : silent + 1
          if (silent % PAGE === PAGE - 1) await turnOfEventLoop()
        }
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      this.#tail.leave(seat)
    }
    return last === null ? reader.place() : orThrow(parseCursor(last.cursor))
  }

  #recordsOf({ entry, cause }: FeedStep, filter: ChangeFilter): readonly BareRecord[] {
    if (cause === null || !entry.command.startsWith('/op/') || !mayConcern(entry, filter)) return []
    return recordsOf(entry, this.#replica.evaluationOf(entry), cause, filter)
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

/** The number of turns there are. */
function endOfTurns(replica: Replica, from: number): number {
  let turn = from
  for (;;) {
    const page = replica.store.turns(turn, PAGE)
    turn += page.length
    if (page.length < PAGE) return turn
  }
}
