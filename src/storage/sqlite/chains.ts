import { concatBytes, equalLists, toHex } from '../../core/bytes.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { STORE_CHAINS_CACHED_MAX } from '../../core/limits.ts'
import { RecentCache } from '../recent-cache.ts'
import type { Database, Query } from './database.ts'
import { damagedRow } from '../store-error.ts'

/** One delegation chain as `caps` names it. */
export interface Chain {
  readonly number: number
  readonly caps: readonly Uint8Array[]
}

/** Delegation chains by number and by content: every operation names one, and an author uses the same for years. */
export class Chains {
  readonly #byNumber = new RecentCache<number, Chain>(STORE_CHAINS_CACHED_MAX)
  readonly #byCaps = new RecentCache<string, Chain>(STORE_CHAINS_CACHED_MAX)
  readonly #read: Query<[number], [Uint8Array]>
  readonly #find: Query<[Uint8Array], [number]>
  readonly #insert: Query<[Uint8Array]>

  constructor(database: Database) {
    this.#read = database.query('SELECT caps FROM chains WHERE chain = ?')
    this.#find = database.query('SELECT chain FROM chains WHERE caps = ?')
    this.#insert = database.query('INSERT INTO chains (caps) VALUES (?)')
  }

  /** Forgets what was read. */
  load(): void {
    this.#byNumber.clear()
    this.#byCaps.clear()
  }

  /** The digests of a chain. */
  at(number: number): readonly Uint8Array[] {
    const known = this.#byNumber.get(number)
    if (known !== undefined) return known.caps
    const row = this.#read.get(number)
    if (row === undefined) throw damagedRow(`chain ${number} is not there`)
    return this.#remember(number, row[0]).caps
  }

  /** The chain of those digests, added where it is new. `likely`: what it probably is. */
  intern(caps: readonly Uint8Array[], likely: Chain | null): Chain {
    if (likely !== null && equalLists(likely.caps, caps)) return likely
    const joined = concatBytes(...caps)
    const known = this.#byCaps.get(toHex(joined))
    if (known !== undefined) return known
    const found = this.#find.get(joined)
    return this.#remember(found?.[0] ?? Number(this.#insert.run(joined).lastInsertRowid), joined)
  }

  #remember(number: number, joined: Uint8Array): Chain {
    const caps: Uint8Array[] = []
    for (let at = 0; at < joined.length; at += HASH_BYTES) caps.push(joined.slice(at, at + HASH_BYTES))
    const chain: Chain = { number, caps }
    this.#byNumber.set(number, chain)
    this.#byCaps.set(toHex(joined), chain)
    return chain
  }
}
