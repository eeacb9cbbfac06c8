import { HASH_BYTES } from '../../core/hash.ts'
import { wordAt } from '../digest-map.ts'

/** Ids that fit at first; doubled when full. */
const CAPACITY_MIN = 1_024

/**
 * The ids of the newest operations, found by a hash table over two flat arrays: 40 bytes an id and nothing to collect, against
 * some 150 for a `Map` with text keys. Ordinals run on without a gap from `first`.
 *
 * Ids can be ground: whoever makes operations can choose the first bits of their hashes. The two random factors keep that from
 * choosing places in the table.
 */
export class IdTail {
  readonly #factors: readonly [number, number]
  #first = 0
  #count = 0
  #ids = new Uint8Array(CAPACITY_MIN * HASH_BYTES)
  #view = new DataView(this.#ids.buffer)
  /** Index + 1 of the id at each place, 0 where none is. Twice as many places as ids, linear probing. */
  #places = new Int32Array(CAPACITY_MIN * 2)

  /** @param seeds - two random 32-bit numbers */
  constructor(seeds: readonly [number, number]) {
    // Odd, so that multiplying loses nothing.
    this.#factors = [seeds[0] | 1, seeds[1] | 1]
  }

  /** Number of ids. */
  get count(): number {
    return this.#count
  }

  /** The ordinal of the first id, and of the next operation where there is none. */
  get first(): number {
    return this.#first
  }

  /** Forgets all ids; the next one added has ordinal `first`. */
  reset(first: number): void {
    this.#first = first
    this.#count = 0
    this.#places.fill(0)
  }

  /** Adds the id of the next ordinal. */
  add(id: Uint8Array): void {
    if ((this.#count + 1) * HASH_BYTES > this.#ids.length) this.#grow()
    this.#ids.set(id, this.#count * HASH_BYTES)
    this.#place(this.#count)
    this.#count++
  }

  /** The ordinal of an id. */
  find(id: Uint8Array): number | undefined {
    const mask = this.#places.length - 1
    for (let place = this.#mix(wordAt(id, 0), wordAt(id, 4)) & mask; ; place = (place + 1) & mask) {
      const index = (this.#places[place] as number) - 1
      if (index < 0) return undefined
      if (this.#isAt(index, id)) return this.#first + index
    }
  }

  /** All ids, as views. */
  *ids(): Iterable<Uint8Array> {
    for (let at = 0; at < this.#count * HASH_BYTES; at += HASH_BYTES)
      yield this.#ids.subarray(at, at + HASH_BYTES)
  }

  /** The first eight bytes of each id as a signed number with its ordinal, ascending. */
  *ascending(): Iterable<readonly [prefix: bigint, ordinal: number]> {
    const view = this.#view
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index).sort((a, b) => {
      const [x, y] = [a * HASH_BYTES, b * HASH_BYTES]
      return view.getInt32(x) - view.getInt32(y) || view.getUint32(x + 4) - view.getUint32(y + 4) || a - b
    })
    for (const index of order) yield [view.getBigInt64(index * HASH_BYTES), this.#first + index]
  }

  #isAt(index: number, id: Uint8Array): boolean {
    const offset = index * HASH_BYTES
    for (let i = 0; i < HASH_BYTES; i++) if (this.#ids[offset + i] !== id[i]) return false
    return true
  }

  #place(index: number): void {
    const mask = this.#places.length - 1
    const at = index * HASH_BYTES
    let place = this.#mix(this.#view.getInt32(at), this.#view.getInt32(at + 4)) & mask
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = index + 1
  }

  #mix(x: number, y: number): number {
    const mixed = Math.imul(x, this.#factors[0]) ^ Math.imul(y, this.#factors[1])
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2)
    ids.set(this.#ids)
    this.#ids = ids
    this.#view = new DataView(ids.buffer)
    this.#places = new Int32Array(this.#places.length * 2)
    for (let index = 0; index < this.#count; index++) this.#place(index)
  }
}
