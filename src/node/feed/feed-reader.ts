import { PastReader } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import { FEED_CURSOR_HEADS_MAX } from '../../core/limits.ts'
import type { Turn } from '../../storage/space-store.ts'
import type { Replica } from '../replica/replica.ts'
import type { ChangeCause } from './change-record.ts'
import type { Cursor } from './cursor.ts'

/** An operation that was reached, or heard of again, and why it is told; null: there is nothing to tell of it. */
export interface FeedStep {
  readonly entry: Entry
  readonly cause: ChangeCause | null
}

/** Operations read at once. */
const PAGE = 256

/** Reads operation after operation and turn after turn, and knows the place after each. */
export class FeedReader {
  readonly #replica: Replica
  readonly #start: Cursor
  readonly #skipped: PastReader | null
  readonly #skippedIds: ReadonlySet<number>
  #ordinal: number
  #turn: number
  /** Ordinals of the ends of what was taken; those of the cursor that are not here any more are nowhere. */
  readonly #ends = new Set<number>()
  #page: readonly Entry[] = []
  #pageAt = 0

  constructor(replica: Replica, start: Cursor) {
    const { store } = replica
    this.#replica = replica
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
  }

  /** The next step; null where there is none yet. */
  step(): FeedStep | null {
    const { store } = this.#replica
    const [turn] = store.turns(this.#turn, 1)
    if (turn !== undefined && turn.at <= this.#ordinal) {
      this.#turn++
      return this.#ofTurn(turn)
    }
    const entry = this.#nextEntry()
    if (entry === undefined) return null
    this.#take(entry)
    return { entry, cause: this.#causeOf(entry) }
  }

  /** True where {@link step} would give nothing. */
  isAtEnd(): boolean {
    const { store } = this.#replica
    const [turn] = store.turns(this.#turn, 1)
    return store.count() <= this.#ordinal && (turn === undefined || turn.at > this.#ordinal)
  }

  /** By how many steps this one has come further than another; of the same file. */
  aheadOf(other: FeedReader): number {
    return this.#ordinal - other.#ordinal + this.#turn - other.#turn
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

  #ofTurn({ ordinal, kind }: Turn): FeedStep {
    const { store } = this.#replica
    const isMasked = store.mask(ordinal) !== undefined
    const entry = store.at(ordinal)
    switch (kind) {
      case 'body':
        return { entry, cause: isMasked ? null : 'arrived' }
      case 'masked':
        return { entry, cause: isMasked ? 'revoked' : null }
      case 'unmasked':
        return { entry, cause: isMasked ? null : 'restored' }
    }
  }

  /** How far it has come: all that was read, whether or not there was something to tell. */
  place(): Cursor {
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
