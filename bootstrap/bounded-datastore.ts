import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import {
  BOOTSTRAP_STORE_BYTES_MAX,
  BOOTSTRAP_STORE_ENTRIES_MAX,
  BOOTSTRAP_STORE_ENTRY_BYTES_MAX,
} from '../src/core/limits.ts'

/** Bounds of a store; each defaults to the limit of limits.ts. */
export interface BoundedDatastoreInit {
  readonly entriesMax?: number
  /** Keys and values together. */
  readonly bytesMax?: number
  /** Key and value of one entry; a larger one is refused with an error. */
  readonly entryBytesMax?: number
  /** True for keys that are never evicted. There must be few. */
  readonly isPinned?: (key: string) => boolean
}

/**
 * libp2p's store in memory, with bounds: peer store and DHT keep what strangers send, for up to 48 hours.
 *
 * 1. After `put`, neither bound is exceeded, except by pinned entries alone.
 * 2. The entries used longest ago go first; reading is using.
 */
export class BoundedDatastore extends MemoryDatastore {
  readonly #entriesMax: number
  readonly #bytesMax: number
  readonly #entryBytesMax: number
  readonly #isPinned: (key: string) => boolean
  /** Bytes of each entry that may be evicted, in the order of last use, the oldest first. */
  readonly #bytesByKey = new Map<string, number>()
  #bytes = 0

  constructor(init: BoundedDatastoreInit = {}) {
    super()
    this.#entriesMax = init.entriesMax ?? BOOTSTRAP_STORE_ENTRIES_MAX
    this.#bytesMax = init.bytesMax ?? BOOTSTRAP_STORE_BYTES_MAX
    this.#entryBytesMax = init.entryBytesMax ?? BOOTSTRAP_STORE_ENTRY_BYTES_MAX
    this.#isPinned = init.isPinned ?? (() => false)
  }

  /** Entries and bytes that may be evicted. */
  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#bytesByKey.size, bytes: this.#bytes }
  }

  override put(
    ...[key, value, options]: Parameters<MemoryDatastore['put']>
  ): ReturnType<MemoryDatastore['put']> {
    const text = key.toString()
    const bytes = text.length + value.length
    if (bytes > this.#entryBytesMax)
      throw new Error(`entry of ${bytes} bytes, at most ${this.#entryBytesMax}`)
    const put = super.put(key, value, options)
    this.#forget(text)
    if (this.#isPinned(text)) return put
    this.#bytesByKey.set(text, bytes)
    this.#bytes += bytes
    for (const oldest of this.#bytesByKey.keys()) {
      if (this.#bytesByKey.size <= this.#entriesMax && this.#bytes <= this.#bytesMax) break
      this.#forget(oldest)
      void super.delete(new Key(oldest))
    }
    return put
  }

  override get(...[key, options]: Parameters<MemoryDatastore['get']>): ReturnType<MemoryDatastore['get']> {
    const value = super.get(key, options)
    const text = key.toString()
    const bytes = this.#bytesByKey.get(text)
    if (bytes !== undefined) {
      this.#bytesByKey.delete(text)
      this.#bytesByKey.set(text, bytes)
    }
    return value
  }

  override delete(
    ...[key, options]: Parameters<MemoryDatastore['delete']>
  ): ReturnType<MemoryDatastore['delete']> {
    this.#forget(key.toString())
    return super.delete(key, options)
  }

  #forget(key: string): void {
    const bytes = this.#bytesByKey.get(key)
    if (bytes === undefined) return
    this.#bytesByKey.delete(key)
    this.#bytes -= bytes
  }
}
