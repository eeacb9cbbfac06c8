import type { Entry } from '../../core/graph.ts'
import type { AuthorRecord, Authors } from './authors.ts'
import type { Database, Query } from './database.ts'
import { Ordinals } from './ordinals.ts'
import { unpackParents } from './packing.ts'

/**
 * Where the logs end: their heads, the frontier, and what follows whom. Each has a table of its own, of which a transaction of one operation would
 * write a page, so (docs/decisions/0003):
 * 1. `log_heads`, `frontier` and `successors` say what holds for the operations below the mark, the ordinal in `log_ends_upto`;
 * 2. the operations from there on, the tail, count in memory alone, and are read back from the log when the file is opened;
 * 3. the transaction that ends with a tail at its bound writes it, once, however many operations it has brought.
 * Who reads the file meanwhile puts tables and tail together (views.ts).
 */
export class LogEnds {
  readonly #authors: Authors
  readonly #tailMax: number
  /** Ascending, since ordinals are added so. */
  #frontier = new Ordinals()
  /** What the tail has built on of the frontier in the table. */
  #builtOn: number[] = []
  /** By ordinal, the first operation of the tail that follows it. */
  readonly #followers = new Map<number, number>()
  /** Of the tail; the one after its last. */
  #first = 0
  #next = 0

  readonly #mark: Query<[], [number]>
  readonly #heads: Query<[], [author: number, ordinal: number]>
  readonly #frontierBelow: Query<[], [number]>
  readonly #tail: Query<[number], [ordinal: number, author: number, prev: number | null, parents: Uint8Array]>
  readonly #firstSuccessor: Query<[number], [number]>
  readonly #setMark: Query<[number]>
  readonly #removeHeads: Query<[number]>
  readonly #addHeads: Query<[number]>
  readonly #addSuccessors: Query<[number]>
  readonly #removeFrontier: Query<[number]>
  readonly #addFrontier: Query<[number]>

  /** @param tailMax - operations at which the tail is written */
  constructor(database: Database, authors: Authors, tailMax: number) {
    this.#authors = authors
    this.#tailMax = tailMax
    this.#mark = database.query('SELECT ordinal FROM log_ends_upto')
    this.#heads = database.query(
      'SELECT o.author, h.ordinal FROM log_heads h JOIN operation_log o ON o.ordinal = h.ordinal',
    )
    this.#frontierBelow = database.query('SELECT ordinal FROM frontier ORDER BY ordinal')
    this.#tail = database.query(
      'SELECT ordinal, author, prev, parents FROM operation_log WHERE ordinal >= ? ORDER BY ordinal',
    )
    this.#firstSuccessor = database.query(
      'SELECT ordinal FROM successors WHERE prev = ? ORDER BY ordinal LIMIT 1',
    )
    this.#setMark = database.query('UPDATE log_ends_upto SET ordinal = ?')
    this.#removeHeads = database.query(
      'DELETE FROM log_heads WHERE ordinal IN (SELECT prev FROM operation_log WHERE ordinal >= ?)',
    )
    this.#addHeads =
      database.query(`INSERT INTO log_heads SELECT ordinal FROM operation_log WHERE ordinal >= ?1
      AND ordinal NOT IN (SELECT prev FROM operation_log WHERE ordinal >= ?1 AND prev IS NOT NULL)`)
    this.#addSuccessors = database.query(`INSERT INTO successors
      SELECT prev, ordinal FROM operation_log WHERE ordinal >= ? AND prev IS NOT NULL ORDER BY prev, ordinal`)
    this.#removeFrontier = database.query('DELETE FROM frontier WHERE ordinal = ?')
    this.#addFrontier = database.query('INSERT INTO frontier VALUES (?)')
  }

  /** Forgets what was not written and reads what is on disk, into the authors as well: they have just been read, and have no heads yet. */
  load(): void {
    const [mark] = this.#mark.get() as [number]
    this.#beginTail(mark)
    this.#frontier = new Ordinals()
    for (const [ordinal] of this.#frontierBelow.all()) this.#frontier.add(ordinal)
    for (const [author, ordinal] of this.#heads.all()) this.#authors.at(author).heads.add(ordinal)
    for (const [ordinal, author, prev, parents] of this.#tail.all(mark))
      this.append({ ordinal, prev, parents: unpackParents(ordinal, parents) }, this.#authors.at(author))
  }

  /** Ordinals of what nobody has built on, ascending. */
  frontier(): Iterable<number> {
    return this.#frontier
  }

  /** True where nobody has built on that one, and on no other. */
  isWholeFrontier(ordinal: number): boolean {
    return this.#frontier.size === 1 && this.#frontier.has(ordinal)
  }

  /** The first operation that follows another in its author's log. */
  firstAfter(ordinal: number): number | undefined {
    return this.#firstSuccessor.get(ordinal)?.[0] ?? this.#followers.get(ordinal)
  }

  /** Takes in the next operation, whose row is written. */
  append(
    { ordinal, prev, parents }: Pick<Entry, 'ordinal' | 'prev' | 'parents'>,
    author: Pick<AuthorRecord, 'heads'>,
  ): void {
    // Added before the other is taken out: a set that runs empty makes itself anew each time.
    author.heads.add(ordinal)
    if (prev !== null) {
      author.heads.delete(prev)
      if (!this.#followers.has(prev)) this.#followers.set(prev, ordinal)
    }
    this.#frontier.add(ordinal)
    for (const parent of parents)
      if (this.#frontier.delete(parent) && parent < this.#first) this.#builtOn.push(parent)
    this.#next = ordinal + 1
  }

  /** Writes the tail where it has reached its bound. Before a transaction commits. */
  flush(): void {
    const first = this.#first
    if (this.#next - first < this.#tailMax) return
    this.#removeHeads.run(first)
    this.#addHeads.run(first)
    this.#addSuccessors.run(first)
    for (const ordinal of this.#builtOn) this.#removeFrontier.run(ordinal)
    for (const ordinal of this.#frontier) if (ordinal >= first) this.#addFrontier.run(ordinal)
    this.#setMark.run(this.#next)
    this.#beginTail(this.#next)
  }

  #beginTail(first: number): void {
    this.#first = first
    this.#next = first
    this.#builtOn = []
    this.#followers.clear()
  }
}
