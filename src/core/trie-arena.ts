/** Words of a whole chunk: 256 KiB. */
const CHUNK_WORDS = 1 << 16
const CHUNK_BITS = 16
const IN_CHUNK = CHUNK_WORDS - 1
/** Words of the first chunk at first; it doubles until it is whole, so that a small trie costs little. */
const FIRST_WORDS = 128
/** Words of the longest record. */
const RECORD_WORDS_MAX = 32

/** Bytes that are read and written as words of 32 bits too, both over one buffer; word n is bytes 4n to 4n + 3, in the machine's order. */
export interface Block {
  readonly words: Uint32Array
  readonly bytes: Uint8Array
}

/**
 * Memory for very many small records of 32-bit words, outside the heap and without an object for each. A record is named by a *reference*,
 * a number above 0; 0 is none. What is freed is used again for records of the same length. Invariants:
 * 1. a record lies within one block, from word {@link wordOf} of {@link blockOf} on;
 * 2. {@link allocate} alone may replace blocks: nothing keeps one over a call of it.
 * It never shrinks: it holds as much as it once held at most.
 */
export class Arena {
  readonly #blocks: Block[] = []
  /** The first freed record by length; each has the next one as its first word. */
  readonly #freed = new Uint32Array(RECORD_WORDS_MAX + 1)
  /** Where the unused part of the last block begins. */
  #end = 0

  /** Bytes that its blocks take. */
  get byteLength(): number {
    return this.#blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** A record of so many words, at most 32; they hold anything. */
  allocate(length: number): number {
    const freed = this.#freed[length] as number
    if (freed !== 0) {
      this.#freed[length] = this.blockOf(freed).words[freed & IN_CHUNK] as number
      return freed
    }
    while (this.#end + length > (this.#blocks.at(-1)?.words.length ?? 0)) this.#grow()
    const ref = ((this.#blocks.length - 1) << CHUNK_BITS) + this.#end
    this.#end += length
    return ref >>> 0
  }

  /** Gives back a record of that many words. */
  free(ref: number, length: number): void {
    this.blockOf(ref).words[ref & IN_CHUNK] = this.#freed[length] as number
    this.#freed[length] = ref
  }

  /** The block of a record. */
  blockOf(ref: number): Block {
    return this.#blocks[ref >>> CHUNK_BITS] as Block
  }

  /** A word of a record. */
  read(ref: number, word: number): number {
    return this.blockOf(ref).words[wordOf(ref) + word] as number
  }

  write(ref: number, word: number, value: number): void {
    this.blockOf(ref).words[wordOf(ref) + word] = value
  }

  #grow(): void {
    const only = this.#blocks.length === 1 ? (this.#blocks[0] as Block) : undefined
    if (only !== undefined && only.words.length < CHUNK_WORDS) {
      this.#blocks[0] = createBlock(2 * only.words.length)
      this.#blocks[0].words.set(only.words)
      return
    }
    // Word 0 of the first block is never given out: 0 is no reference.
    this.#end = this.#blocks.length === 0 ? 1 : 0
    this.#blocks.push(createBlock(this.#blocks.length === 0 ? FIRST_WORDS : CHUNK_WORDS))
  }
}

/** The first word of a record in its block. */
export const wordOf = (ref: number): number => ref & IN_CHUNK

/** A block of so many words, all 0. */
export function createBlock(words: number): Block {
  const buffer = new ArrayBuffer(4 * words)
  return { words: new Uint32Array(buffer), bytes: new Uint8Array(buffer) }
}
