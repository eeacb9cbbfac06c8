import { compareForkProofs, type ForkProof } from '../../core/forks.ts'
import type { Database, Query } from './database.ts'

type ForkColumns = [author: Uint8Array, seq: number, low: Uint8Array, high: Uint8Array]

/** The smallest fork proof of each author that forked. */
export class Forks {
  readonly #all: Query<[], ForkColumns>
  readonly #find: Query<[Uint8Array], ForkColumns>
  readonly #replace: Query<ForkColumns>

  constructor(database: Database) {
    this.#all = database.query('SELECT author, seq, low, high FROM forks ORDER BY author')
    this.#find = database.query('SELECT author, seq, low, high FROM forks WHERE author = ?')
    this.#replace = database.query('INSERT OR REPLACE INTO forks VALUES (?, ?, ?, ?)')
  }

  all(): readonly ForkProof[] {
    return this.#all.all().map(toProof)
  }

  put(proof: ForkProof): void {
    const known = this.#find.get(proof.author)
    if (known !== undefined && compareForkProofs(toProof(known), proof) <= 0) return
    this.#replace.run(proof.author, proof.seq, ...proof.ids)
  }
}

function toProof([author, seq, low, high]: ForkColumns): ForkProof {
  return { author, seq, ids: [low, high] }
}
