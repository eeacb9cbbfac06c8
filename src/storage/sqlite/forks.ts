import { compareBytes, toHex } from '../../core/bytes.ts'
import { compareForkProofs } from '../../core/forks.ts'
import type { ForkProof } from '../../core/graph.ts'
import type { Database, Query } from './database.ts'

type ForkColumns = [
  author: Uint8Array,
  seq: number,
  prev: Uint8Array | null,
  low: Uint8Array,
  high: Uint8Array,
]

/** The smallest fork proof of each author that forked. */
export class Forks {
  readonly #all: Query<[], ForkColumns>
  readonly #replace: Query<ForkColumns>
  /** Asked for with every operation, so kept in memory: some 300 bytes for each author that forked. */
  readonly #byAuthor = new Map<string, ForkProof>()
  /** The same in order; null until asked for, and when there is another: every write asks whether there is any. */
  #ordered: readonly ForkProof[] | null = null

  constructor(database: Database) {
    this.#all = database.query('SELECT author, seq, prev, low, high FROM forks')
    this.#replace = database.query('INSERT OR REPLACE INTO forks VALUES (?, ?, ?, ?, ?)')
  }

  /** Ascending by author. */
  all(): readonly ForkProof[] {
    this.#ordered ??= [...this.#byAuthor.values()].sort((a, b) => compareBytes(a.author, b.author))
    return this.#ordered
  }

  /** The proof of one author. */
  of(author: Uint8Array): ForkProof | undefined {
    return this.#byAuthor.size === 0 ? undefined : this.#byAuthor.get(toHex(author))
  }

  put(proof: ForkProof): void {
    const known = this.of(proof.author)
    if (known !== undefined && compareForkProofs(known, proof) <= 0) return
    this.#byAuthor.set(toHex(proof.author), proof)
    this.#ordered = null
    this.#replace.run(proof.author, proof.seq, proof.prev, ...proof.ids)
  }

  /** Forgets what was not written and reads what is on disk. */
  load(): void {
    this.#byAuthor.clear()
    this.#ordered = null
    for (const row of this.#all.all()) this.#byAuthor.set(toHex(row[0]), toProof(row))
  }
}

function toProof([author, seq, prev, low, high]: ForkColumns): ForkProof {
  return { author, seq, prev, ids: [low, high] }
}
