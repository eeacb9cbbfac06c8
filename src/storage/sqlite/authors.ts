import { formatDid } from '../../core/principal.ts'
import { DigestMap } from '../digest-map.ts'
import type { Chain } from './chains.ts'
import type { Database, Query } from './database.ts'
import { damagedRow } from '../store-error.ts'
import { Ordinals } from './ordinals.ts'

/** An author and where its log ends. */
export interface AuthorRecord {
  readonly number: number
  readonly key: Uint8Array
  /** Ordinals of the heads, in no particular order. */
  readonly heads: Ordinals
  /** The chain it used last, as far as is known: an author uses the same for years. */
  chain: Chain | null
}

/** Authors by number and by key, whole in memory as the clock is: some 200 bytes each. */
export class Authors {
  readonly #all: Query<[], [number, Uint8Array]>
  readonly #insert: Query<[number, Uint8Array, string]>
  readonly #byKey: DigestMap<AuthorRecord>
  #byNumber: AuthorRecord[] = []

  /** @param seeds - two random 32-bit numbers */
  constructor(database: Database, seeds: readonly [number, number]) {
    this.#byKey = new DigestMap(seeds)
    this.#all = database.query('SELECT author, key FROM author_keys ORDER BY author')
    this.#insert = database.query('INSERT INTO author_keys VALUES (?, ?, ?)')
  }

  /** Forgets what was not written and reads what is on disk; the heads are for LogEnds to add. */
  load(): void {
    this.#byKey.clear()
    this.#byNumber = []
    for (const [, key] of this.#all.all()) this.#remember(key)
  }

  at(number: number): AuthorRecord {
    const author = this.#byNumber[number]
    if (author === undefined) throw damagedRow(`author ${number} is not there`)
    return author
  }

  find(key: Uint8Array): AuthorRecord | undefined {
    return this.#byKey.get(key)
  }

  /** The author of that key, added where it is new. Numbers run from 0 without a gap. */
  intern(key: Uint8Array): AuthorRecord {
    const known = this.find(key)
    if (known !== undefined) return known
    this.#insert.run(this.#byNumber.length, key, formatDid(key))
    return this.#remember(new Uint8Array(key))
  }

  values(): Iterable<AuthorRecord> {
    return this.#byNumber
  }

  #remember(key: Uint8Array): AuthorRecord {
    const author: AuthorRecord = { number: this.#byNumber.length, key, heads: new Ordinals(), chain: null }
    this.#byNumber.push(author)
    this.#byKey.set(key, author)
    return author
  }
}
