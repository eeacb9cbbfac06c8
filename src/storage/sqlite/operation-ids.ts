import { equalBytes, toHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { STORE_ENTRIES_CACHED_MAX } from '../../core/limits.ts'
import { RecentCache } from '../recent-cache.ts'
import { damagedRow } from '../store-error.ts'
import type { Database, Query } from './database.ts'
import { IdFilter } from './id-filter.ts'
import { IdTail } from './id-tail.ts'

/**
 * Ids to ordinals. A b-tree of random keys is slow to fill once it is large: every batch touches as many pages as it has rows. So
 * (docs/decisions/0003):
 * 1. an operation with an ordinal below `sealed` is in the table `operation_ids`, by the first eight bytes of its id;
 * 2. one at or above it is in the tail, in memory, which is read back from the operations when the file is opened;
 * 3. when the tail reaches its bound it is sealed: written to the table in order, in the transaction that filled it.
 */
export class OperationIds {
  readonly #tailMax: number
  readonly #tail: IdTail
  readonly #recent = new RecentCache<string, number>(STORE_ENTRIES_CACHED_MAX)
  /** Has every id below `#filtered`; made when the first are sealed, in a file that had none when it was opened. */
  #filter: IdFilter | null = null
  /** The id found last not to be here: who adds it next has mostly just asked. */
  #absent: Uint8Array | null = null
  #filtered = 0
  readonly #sealed: Query<[], [number]>
  readonly #setSealed: Query<[number]>
  readonly #from: Query<[number], [ids: Uint8Array | null, count: number]>
  readonly #candidates: Query<[bigint], [number]>
  readonly #insert: Query<[bigint, number]>
  readonly #idAt: Query<[number], [Uint8Array]>

  /**
   * @param tailMax - ids kept in memory before they are sealed; small ones seal often, large ones pause for longer
   * @param seeds - two random 32-bit numbers
   */
  constructor(database: Database, tailMax: number, seeds: readonly [number, number]) {
    this.#tailMax = tailMax
    this.#tail = new IdTail(seeds)
    this.#sealed = database.query('SELECT sealed FROM operation_ids_sealed')
    this.#setSealed = database.query('UPDATE operation_ids_sealed SET sealed = ?')
    // One after the other in one value: an array of bytes for each takes eight times as long.
    this.#from = database.query(
      `SELECT CAST(group_concat(id, '' ORDER BY ordinal) AS BLOB), count(*)
        FROM (SELECT ordinal, id FROM operation_log WHERE ordinal >= ? ORDER BY ordinal LIMIT 4096)`,
    )
    this.#candidates = database.query('SELECT ordinal FROM operation_ids WHERE prefix = ?')
    this.#insert = database.query('INSERT INTO operation_ids VALUES (?, ?)')
    this.#idAt = database.query('SELECT id FROM operation_log WHERE ordinal = ?')
  }

  /** Forgets what was not written and reads the tail from the operations. */
  load(): void {
    this.#recent.clear()
    this.#absent = null
    const [sealed] = this.#sealed.get() as [number]
    this.#tail.reset(sealed)
    for (;;) {
      const [ids, count] = this.#from.get(sealed + this.#tail.count) as [Uint8Array | null, number]
      if (ids === null) return
      if (ids.length !== count * HASH_BYTES) throw damagedRow('the id of an operation has not 32 bytes')
      for (let at = 0; at < ids.length; at += HASH_BYTES) this.#tail.add(ids.subarray(at, at + HASH_BYTES))
    }
  }

  /** The ordinal of an id. */
  find(id: Uint8Array): number | undefined {
    const ordinal = this.#find(id)
    if (ordinal === undefined) this.#absent = id
    return ordinal
  }

  /** The same as whether it is found, for an id that was mostly asked for just now. */
  has(id: Uint8Array): boolean {
    return id !== this.#absent && this.find(id) !== undefined
  }

  #find(id: Uint8Array): number | undefined {
    if (id.length !== 32) return undefined
    const inTail = this.#tail.find(id)
    if (inTail !== undefined || this.#tail.first === 0) return inTail
    if (this.#filtered >= this.#tail.first && this.#filter?.mayHave(id) === false) return undefined
    const name = toHex(id)
    const known = this.#recent.get(name)
    if (known !== undefined) return known
    const ordinal = this.#findSealed(id)
    if (ordinal !== undefined) this.#recent.set(name, ordinal)
    return ordinal
  }

  /** The ordinal of the first operation that is not sealed. */
  get sealed(): number {
    return this.#tail.first
  }

  /** Adds the id of the next operation, whose row is written. True when that has sealed the tail. */
  append(id: Uint8Array): boolean {
    this.#absent = null
    this.#tail.add(id)
    if (this.#tail.count < this.#tailMax) return false
    this.#seal()
    return true
  }

  #findSealed(id: Uint8Array): number | undefined {
    const prefix = new DataView(id.buffer, id.byteOffset, id.byteLength).getBigInt64(0)
    for (const [ordinal] of this.#candidates.all(prefix)) {
      const row = this.#idAt.get(ordinal)
      if (row !== undefined && equalBytes(row[0], id)) return ordinal
    }
    return undefined
  }

  #seal(): void {
    for (const [prefix, ordinal] of this.#tail.ascending()) this.#insert.run(prefix, ordinal)
    const sealed = this.#tail.first + this.#tail.count
    if (this.#filtered >= this.#tail.first) {
      this.#filter ??= new IdFilter()
      for (const id of this.#tail.ids()) this.#filter.add(id)
      this.#filtered = sealed
    }
    this.#setSealed.run(sealed)
    this.#tail.reset(sealed)
  }
}
