import { HASH_BYTES } from '../core/hash.ts'

/** Keys that fit at first; doubled when full. */
const CAPACITY_MIN = 64

/**
 * A map by keys and hashes of 32 bytes, as they are: a lookup makes no text of its key, which would cost more than everything else about it.
 * A hash table over flat arrays, like the tail of ids (src/storage/sqlite/id-tail.ts), with factors of chance for the same reason: keys
 * can be ground. What is set is never taken out but by {@link clear}.
 */
export class DigestMap<V> {
  readonly #factors: readonly [number, number]
  #keys = new Uint8Array(CAPACITY_MIN * HASH_BYTES)
  #view = new DataView(this.#keys.buffer)
  /** Index + 1 of the key at each place, 0 where none is. Twice as many places as keys, linear probing. */
  #places = new Int32Array(CAPACITY_MIN * 2)
  #values: V[] = []

  /** @param seeds - two random 32-bit numbers */
  constructor(seeds: readonly [number, number]) {
    this.#factors = [seeds[0] | 1, seeds[1] | 1]
  }

  get size(): number {
    return this.#values.length
  }

  /** What is kept for a key; nothing for one of another length. */
  get(key: Uint8Array): V | undefined {
    const index = this.#find(key)
    return index < 0 ? undefined : this.#values[index]
  }

  /** Keeps a value; a key of another length is a bug of the caller. */
  set(key: Uint8Array, value: V): void {
    if (key.length !== HASH_BYTES) throw new Error(`bug: a key of ${key.length} bytes`)
    const known = this.#find(key)
    if (known >= 0) {
      this.#values[known] = value
      return
    }
    const index = this.#values.length
    if ((index + 1) * HASH_BYTES > this.#keys.length) this.#grow()
    this.#keys.set(key, index * HASH_BYTES)
    this.#values.push(value)
    this.#place(index)
  }

  clear(): void {
    this.#values = []
    this.#places.fill(0)
  }

  #find(key: Uint8Array): number {
    if (this.#values.length === 0 || key.length !== HASH_BYTES) return -1
    const mask = this.#places.length - 1
    for (let place = this.#hash(wordAt(key, 0), wordAt(key, 4)) & mask; ; place = (place + 1) & mask) {
      const index = (this.#places[place] as number) - 1
      if (index < 0 || this.#isAt(index, key)) return index
    }
  }

  #isAt(index: number, key: Uint8Array): boolean {
    const offset = index * HASH_BYTES
    for (let i = 0; i < HASH_BYTES; i++) if (this.#keys[offset + i] !== key[i]) return false
    return true
  }

  #place(index: number): void {
    const mask = this.#places.length - 1
    const at = index * HASH_BYTES
    let place = this.#hash(this.#view.getInt32(at), this.#view.getInt32(at + 4)) & mask
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = index + 1
  }

  #hash(x: number, y: number): number {
    const mixed = Math.imul(x, this.#factors[0]) ^ Math.imul(y, this.#factors[1])
    return (mixed ^ (mixed >>> 15)) >>> 0
  }

  #grow(): void {
    const keys = new Uint8Array(this.#keys.length * 2)
    keys.set(this.#keys)
    this.#keys = keys
    this.#view = new DataView(keys.buffer)
    this.#places = new Int32Array(this.#places.length * 2)
    for (let index = 0; index < this.#values.length; index++) this.#place(index)
  }
}

/** Four bytes as a signed number, greatest first. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
