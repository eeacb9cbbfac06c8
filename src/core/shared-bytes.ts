/** Bytes of a buffer that many share: the most that one of them keeps alive. */
const BLOCK_BYTES = 16 * 1024
/** What takes more than this has a buffer of its own, so that little of a block is left over. */
const SHARED_BYTES_MAX = BLOCK_BYTES / 8

/**
 * Room for the many small byte strings of one batch, which come and go together: views of a few buffers. One has 90 bytes beside what is in
 * it, where an array of its own has 240, and above 64 bytes an allocation outside the heap. Whoever keeps one for longer than the batch
 * copies it: it keeps up to 16 KiB of what strangers sent.
 */
export class SharedBytes {
  #block = new Uint8Array(0)
  #used = 0

  /** So many bytes, all 0. */
  take(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length)
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES)
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
