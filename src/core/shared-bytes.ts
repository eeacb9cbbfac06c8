/**
 * Room for the many small byte strings of one batch, which come and go together: views of a few buffers. One has 90 bytes beside what is in
 * it, where an array of its own has 240, and above 64 bytes an allocation outside the heap. Whoever keeps one for longer than the batch
 * copies it, or it keeps a block of what strangers sent.
 */
export class SharedBytes {
  readonly #blockBytes: number
  #block = new Uint8Array(0)
  #used = 0

  /** `blockBytes`: of a buffer that many share, and so the most that one of them keeps alive beside itself. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  /** So many bytes, all 0; above an eighth of a block, in a buffer of their own. */
  take(length: number): Uint8Array {
    if (length > this.#blockBytes / 8) return new Uint8Array(length)
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(this.#blockBytes)
      this.#used = 0
    }
    const from = this.#used
    this.#used += length
    return this.#block.subarray(from, this.#used)
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copied = this.take(bytes.length)
    copied.set(bytes)
    return copied
  }
}
