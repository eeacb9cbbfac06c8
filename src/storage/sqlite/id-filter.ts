import { wordAt } from '../digest-map.ts'

/** Bits: 4 MiB hold a million ids so that one in ten thousand unknown ones is asked for in vain, and five million so that one in twenty is. */
const BITS = 2 ** 25
const HASHES = 4

/**
 * Which ids have certainly not been sealed, so that the id of an operation that is new here, as all are that a peer sends first, is not
 * looked for in a table of random order. A Bloom filter (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970) over
 * four words of the id, which is a hash already. Who grinds ids so that they are found in it has them looked for in the table, as without it.
 */
export class IdFilter {
  readonly #words = new Int32Array(BITS / 32)

  add(id: Uint8Array): void {
    for (let i = 0; i < HASHES; i++) {
      const bit = bitOf(id, i)
      const word = bit >>> 5
      this.#words[word] = (this.#words[word] as number) | (1 << (bit & 31))
    }
  }

  /** False only for an id that was never added. */
  mayHave(id: Uint8Array): boolean {
    for (let i = 0; i < HASHES; i++) {
      const bit = bitOf(id, i)
      if (((this.#words[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}

const bitOf = (id: Uint8Array, which: number): number => wordAt(id, which * 4) & (BITS - 1)
