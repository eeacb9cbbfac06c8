import type { Evaluation } from '../../core/changes/evaluate.ts'
import type { CellEdit } from '../../core/types/cell.ts'
import { FEED_CURSOR_HEADS_MAX, FEED_TAIL_STEPS_MAX, FEED_TAIL_VALUE_BYTES_MAX } from '../../core/limits.ts'
import type { Entry } from '../../core/graph.ts'
import type { Replica } from '../replica/replica.ts'
import {
  type BareRecord,
  type ChangeFilter,
  type ChangeRecord,
  EVERYTHING,
  isWanted,
  mayConcern,
  recordsOf,
} from './change-record.ts'
import { formatCursor } from './cursor.ts'
import { FeedReader, type FeedStep } from './feed-reader.ts'

/** Steps of which there is nothing to tell that are taken in one turn of the event loop. */
const SILENT_MAX = 256

/** A step as all followers are told of it: evaluated when the first of them asks, and in the same objects for all. */
export class SharedStep {
  readonly entry: Entry
  /** The cursor behind it. */
  readonly cursor: string
  readonly #before: string
  readonly #evaluate: (step: SharedStep) => readonly BareRecord[]
  #bare: readonly BareRecord[] | null = null
  /** By place in `#bare`: with the cursor behind the step, and with that before it. */
  readonly #last: (ChangeRecord | undefined)[] = []
  readonly #others: (ChangeRecord | undefined)[] = []

  constructor(
    entry: Entry,
    before: string,
    cursor: string,
    evaluate: (step: SharedStep) => readonly BareRecord[],
  ) {
    this.entry = entry
    this.#before = before
    this.cursor = cursor
    this.#evaluate = evaluate
  }

  /** What a follower is told, in order. Where it may read is asked anew for each. */
  recordsFor(filter: ChangeFilter): readonly ChangeRecord[] {
    if (!mayConcern(this.entry, filter)) return []
    this.#bare ??= this.#evaluate(this)
    const wanted: number[] = []
    for (const [i, record] of this.#bare.entries()) if (isWanted(record, filter)) wanted.push(i)
    return wanted.map((i, n) => this.#record(i, n === wanted.length - 1))
  }

  #record(i: number, isLast: boolean): ChangeRecord {
    const made = isLast ? this.#last : this.#others
    const bare = (this.#bare as readonly BareRecord[])[i] as BareRecord
    return (made[i] ??= { ...bare, cursor: isLast ? this.cursor : this.#before })
  }
}

/** A follower at the tail: the number of the step that it takes next, and what ends its waiting. */
export interface Seat {
  next: number
  wake: (() => void) | null
}

/**
 * The end of a space's feed, read once for all who follow there: each step is looked up and made into records when the first follower asks
 * for it, and the others take it from the last FEED_TAIL_STEPS_MAX. Nothing is read ahead of the fastest of them, and nothing at all while nobody
 * follows. Invariants:
 * 1. a seat is given only to who has taken everything up to the tail's place;
 * 2. numbers of steps only grow, and a step that is kept is where its number says: who asks for one that is not kept any more is `behind`,
 *    and goes on by itself from the cursor of the last it took.
 */
export class ChangeTail {
  readonly #replica: Replica
  readonly #seats = new Set<Seat>()
  readonly #onAdmitted = (): void => {
    this.#isAtEnd = false
    for (const { wake } of this.#seats) wake?.()
  }
  #reader: FeedReader | null = null
  /** True where the reader has found nothing since something was admitted: the store is asked once for all seats. */
  #isAtEnd = false
  #steps: SharedStep[] = []
  readonly #bytes = new WeakMap<SharedStep, number>()
  #bytesKept = 0
  /** The number of the first step that is kept. */
  #first = 0
  /** The cursor behind the last step kept. */
  #cursor = ''
  /** The cursor of where the reader is, once somebody has asked. */
  #cursorHere: string | null = null

  constructor(replica: Replica) {
    this.#replica = replica
  }

  /** A seat for who has just taken the last there is, by a reader of its own. To be given back by {@link leave}. */
  join(reader: FeedReader): Seat {
    // Where all who sit here are slow, the tail is behind. What it does not keep by then is nothing to them.
    if (this.#reader === null || reader.aheadOf(this.#reader) > FEED_TAIL_STEPS_MAX) this.#startAt(reader)
    this.#isAtEnd = false
    const seat: Seat = { next: this.#first + this.#steps.length, wake: null }
    for (let taken = this.take(seat); taken !== 'end'; taken = this.take(seat)) {
      if (taken === 'behind') throw new Error('bug: a step of the feed was lost while it was read')
      if (taken !== 'more') seat.next++
    }
    if (this.#seats.size === 0) this.#replica.addEventListener('admitted', this.#onAdmitted)
    this.#seats.add(seat)
    return seat
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat)
    if (this.#seats.size > 0) return
    this.#replica.removeEventListener('admitted', this.#onAdmitted)
    this.#forget()
    this.#reader = null
  }

  /**
   * The step that a seat is at, to be counted by whoever takes it. `end`: there is none yet. `more`: there may be, after a turn of the event
   * loop. `behind`: it is not kept any more.
   */
  take({ next }: Seat): SharedStep | 'end' | 'more' | 'behind' {
    if (next < this.#first || this.#reader === null) return 'behind'
    return this.#steps[next - this.#first] ?? this.#read(this.#reader)
  }

  /** The cursor of all that was read here, also of that of which there is nothing to tell. */
  cursor(): string {
    if (this.#reader === null) return this.#cursor
    return (this.#cursorHere ??= formatCursor(this.#reader.place()))
  }

  /** Resolves when something was admitted after the call, or the seat is woken. */
  async untilAdmitted(seat: Seat): Promise<void> {
    await new Promise<void>((resolve) => {
      seat.wake = resolve
    })
    seat.wake = null
  }

  #startAt(reader: FeedReader): void {
    const { store } = this.#replica
    this.#forget()
    // Of the follower only how far it is: ends of its own cursor, which it may have made up, are not told to others.
    const heads = store.frontier().slice(-FEED_CURSOR_HEADS_MAX)
    const place = { ...reader.place(), heads: heads.map(({ id }) => id), skip: [], skipUntil: 0 }
    this.#reader = new FeedReader(this.#replica, place)
    this.#cursorHere = null
    this.#cursor = this.cursor()
  }

  #read(reader: FeedReader): SharedStep | 'end' | 'more' {
    if (this.#isAtEnd) return 'end'
    try {
      for (let silent = 0; silent < SILENT_MAX; silent++) {
        const step = reader.step()
        if (step === null) {
          this.#isAtEnd = true
          return 'end'
        }
        this.#cursorHere = null
        if (step.cause !== null && step.entry.command.startsWith('/op/')) return this.#keep(step)
      }
      return 'more'
    } catch (error) {
      // A step may have been passed over: all go on by themselves from where they are.
      this.#forget()
      this.#reader = null
      throw error
    }
  }

  #keep({ entry, cause }: FeedStep): SharedStep {
    const before = this.#cursor
    this.#cursor = this.cursor()
    const shared = new SharedStep(entry, before, this.#cursor, (step) => {
      const evaluation = this.#replica.evaluationOf(entry)
      this.#weigh(step, valueBytesOf(evaluation))
      return cause === null ? [] : recordsOf(entry, evaluation, cause, EVERYTHING)
    })
    this.#steps.push(shared)
    if (this.#steps.length > FEED_TAIL_STEPS_MAX) this.#drop()
    return shared
  }

  #weigh(step: SharedStep, bytes: number): void {
    this.#bytes.set(step, bytes)
    this.#bytesKept += bytes
    while (this.#bytesKept > FEED_TAIL_VALUE_BYTES_MAX && this.#steps.length > 1) this.#drop()
  }

  #drop(): void {
    const step = this.#steps.shift()
    this.#first++
    if (step !== undefined) this.#bytesKept -= this.#bytes.get(step) ?? 0
  }

  /** Leaves everybody behind, also those who had taken all there was: what comes next need not follow on it. */
  #forget(): void {
    this.#first += this.#steps.length + 1
    this.#steps = []
    this.#bytesKept = 0
  }
}

function valueBytesOf(evaluation: Evaluation): number {
  let bytes = 0
  for (const change of evaluation) {
    if (!change.ok || change.value.kind !== 'cells') continue
    for (const edit of change.value.edits) bytes += edit.path.length + edit.field.length + bytesOf(edit)
  }
  return bytes
}

function bytesOf(edit: CellEdit): number {
  if (edit.kind === 'set') return edit.value.length
  return edit.kind === 'edit' ? edit.edits.reduce((sum, [, , inserted]) => sum + inserted.length, 0) : 0
}
