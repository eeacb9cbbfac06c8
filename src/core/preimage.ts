import { HASH_BYTES, sha256Into } from './hash.ts'
import { type Block, createBlock } from './trie-arena.ts'

/** Words of a hash. */
export const HASH_WORDS = HASH_BYTES / 4

/**
 * What hashes of one kind are of: bytes that are always the same or nearly, and then hashes. Its memory is used again for each, so that
 * hashing allocates nothing. The hashes lie at whole words: hash n from word `first + 8n` on.
 */
export class Preimage implements Block {
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  /** The word where the hashes begin; the bytes before it may be changed. */
  readonly first: number
  readonly #begin: number
  /** The bytes to hash, by the number of hashes, as far as they were asked for. */
  readonly #inputs: (Uint8Array | undefined)[]

  /** With room for so many hashes. */
  constructor(prefix: Uint8Array, hashesMax: number) {
    this.first = Math.ceil(prefix.length / 4)
    const { words, bytes } = createBlock(this.first + hashesMax * HASH_WORDS)
    this.#begin = 4 * this.first - prefix.length
    bytes.set(prefix, this.#begin)
    this.words = words
    this.bytes = bytes
    this.#inputs = new Array<undefined>(hashesMax + 1).fill(undefined)
  }

  /** Writes the hash of the prefix and the first `hashes` to a word of a block. */
  hashInto(target: Block, word: number, hashes: number): void {
    const end = 4 * this.first + hashes * HASH_BYTES
    this.#inputs[hashes] ??= this.bytes.subarray(this.#begin, end)
    sha256Into(target.bytes, 4 * word, this.#inputs[hashes])
  }
}

/** Copies a hash, or a key, from a word of one block to a word of another. */
export function copyHash(from: Block, word: number, to: Block, toWord: number): void {
  const [source, target] = [from.words, to.words]
  for (let i = 0; i < HASH_WORDS; i++) target[toWord + i] = source[word + i] as number
}

/** A hash at a word of a block, as bytes of its own. */
export function hashAt({ bytes }: Block, word: number): Uint8Array {
  return bytes.slice(4 * word, 4 * word + HASH_BYTES)
}
