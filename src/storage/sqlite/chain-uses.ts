import type { Database, Query } from './database.ts'
import { packAscending, unpackAscending } from './packing.ts'

/** Operations that fit at first; doubled when full. */
const CAPACITY_MIN = 1_024

/**
 * Which operations used which chain of delegations, for revocations to look up. An index of (chain, ordinal) has as many places where it
 * grows as there are authors who write by turns, so each batch would write that many pages of it. So, as with ids (docs/decisions/0003),
 * what is newest is in memory, read back from the operations when the file is opened, and is written when the ids are sealed: for each
 * chain one row with its ordinals packed.
 */
export class ChainUses {
  readonly #insert: Query<[number, number, Uint8Array]>
  readonly #ofChain: Query<[number], [Uint8Array]>
  /** The chain of each operation from `#first` on. */
  #tail = new Int32Array(CAPACITY_MIN)
  #first = 0
  #count = 0

  constructor(database: Database) {
    this.#insert = database.query('INSERT INTO chain_uses VALUES (?, ?, ?)')
    this.#ofChain = database.query('SELECT ordinals FROM chain_uses WHERE chain = ? ORDER BY first')
  }

  /** Forgets the tail; the next operation has ordinal `first`. */
  reset(first: number): void {
    this.#first = first
    this.#count = 0
  }

  /** Takes in the chain of the next operation. */
  add(chain: number): void {
    if (this.#count === this.#tail.length) {
      const larger = new Int32Array(this.#tail.length * 2)
      larger.set(this.#tail)
      this.#tail = larger
    }
    this.#tail[this.#count++] = chain
  }

  /** Ordinals of the operations that used one of these chains, ascending. */
  of(chains: readonly number[]): readonly number[] {
    const ordinals: number[] = []
    for (const chain of chains)
      for (const [packed] of this.#ofChain.all(chain))
        for (const ordinal of unpackAscending(packed)) ordinals.push(ordinal)
    ordinals.sort((a, b) => a - b)
    const wanted = new Set(chains)
    for (let i = 0; i < this.#count; i++)
      if (wanted.has(this.#tail[i] as number)) ordinals.push(this.#first + i)
    return ordinals
  }

  /** Writes the tail, chain by chain, and begins anew after it. */
  seal(): void {
    const byChain = new Map<number, number[]>()
    for (let i = 0; i < this.#count; i++) {
      const chain = this.#tail[i] as number
      const ordinals = byChain.get(chain)
      if (ordinals === undefined) byChain.set(chain, [this.#first + i])
      else ordinals.push(this.#first + i)
    }
    for (const chain of [...byChain.keys()].sort((a, b) => a - b)) {
      const ordinals = byChain.get(chain) as number[]
      this.#insert.run(chain, ordinals[0] as number, packAscending(ordinals))
    }
    this.reset(this.#first + this.#count)
  }
}
