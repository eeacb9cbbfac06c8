import { FaultError } from '../fault-error.ts'

/** A file that is not what it should be, and where: the person who has it gets it again. */
export function damaged(position: number, why: string): FaultError {
  return new FaultError({
    code: 'BAD_FILE',
    detail: `the file is damaged at byte ${position}: ${why}; copy it again, or make it again where it came from`,
  })
}

/** The bytes of a stream in order, in portions as they are asked for; holds one chunk of the stream and what was looked at ahead. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #ahead: Uint8Array = new Uint8Array()
  #isOver = false
  #position = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position
  }

  /** The next bytes without taking them; fewer only at the end. */
  async peek(count: number): Promise<Uint8Array> {
    await this.#fill(count)
    return this.#ahead.subarray(0, count)
  }

  /** Takes exactly so many bytes. Throws `BAD_FILE` where the stream ends before. */
  async take(count: number): Promise<Uint8Array> {
    await this.#fill(count)
    if (this.#ahead.length < count)
      throw damaged(this.#position + this.#ahead.length, 'it ends in the middle')
    return this.#advance(count)
  }

  /** Takes what comes next, at most so many bytes; null at the end. */
  async takeSome(countMax: number): Promise<Uint8Array | null> {
    await this.#fill(1)
    return this.#ahead.length === 0 ? null : this.#advance(Math.min(countMax, this.#ahead.length))
  }

  #advance(count: number): Uint8Array {
    const taken = this.#ahead.subarray(0, count)
    this.#ahead = this.#ahead.subarray(count)
    this.#position += count
    return taken
  }

  async #fill(count: number): Promise<void> {
    if (this.#ahead.length >= count || this.#isOver) return
    const parts = [this.#ahead]
    let size = this.#ahead.length
    while (size < count) {
      const chunk = await this.#chunks.next()
      if (chunk.done === true) {
        this.#isOver = true
        break
      }
      parts.push(chunk.value)
      size += chunk.value.length
    }
    this.#ahead = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
  }
}
