import { concatBytes, toKey } from '../bytes.ts'
import { SYNC_LEAVES_TAG } from '../domain-tags.ts'
import type { Entry } from '../graph.ts'
import { sha256 } from '../hash.ts'
import { LEAVES_CHECK_BYTES } from '../limits.ts'

/** A head that both sides of a link have: one listed it, and the other found it. */
export type SharedHead = Pick<Entry, 'id' | 'author' | 'seq' | 'caps'>

/**
 * The heads that the receiver of a batch listed in this round, by place; undefined where the sender lacks one. What a batch needs of them
 * (keys, chains, ids) it names by their place.
 */
export class SharedHeads {
  readonly #heads: readonly (SharedHead | undefined)[]
  readonly #areLeaves: boolean
  #check: Uint8Array | null = null
  #places: { readonly ids: Places; readonly authors: Places; readonly chains: Places } | null = null

  /** `areLeaves`: they were listed by so few bytes of their leaves that one may be taken for another. */
  constructor(heads: readonly (SharedHead | undefined)[], areLeaves = false) {
    this.#heads = heads
    this.#areLeaves = areLeaves
  }

  /**
   * By what a receiver that listed leaves sees whether the sender took them for what they are: the first LEAVES_CHECK_BYTES of a hash of the
   * heads' ids. Of no bytes where heads were listed by their ids.
   */
  get check(): Uint8Array {
    const ids = () => this.#heads.flatMap((head) => (head === undefined ? [] : [head.id]))
    this.#check ??= this.#areLeaves
      ? sha256(SYNC_LEAVES_TAG, concatBytes(...ids())).subarray(0, LEAVES_CHECK_BYTES)
      : new Uint8Array()
    return this.#check
  }

  at(place: number): SharedHead | undefined {
    return this.#heads[place]
  }

  placeOf(id: Uint8Array): number | undefined {
    return this.#index().ids.get(toKey(id))
  }

  /** The place of a head of the author. */
  placeOfAuthor(author: Uint8Array): number | undefined {
    return this.#index().authors.get(toKey(author))
  }

  /** The place of a head that was written under exactly this chain of delegations. */
  placeOfChain(chain: readonly Uint8Array[]): number | undefined {
    return this.#index().chains.get(chainKey(chain))
  }

  #index() {
    if (this.#places !== null) return this.#places
    const [ids, authors, chains]: [Places, Places, Places] = [new Map(), new Map(), new Map()]
    for (const [place, head] of this.#heads.entries()) {
      if (head === undefined) continue
      ids.set(toKey(head.id), place)
      authors.set(toKey(head.author), place)
      chains.set(chainKey(head.caps), place)
    }
    this.#places = { ids, authors, chains }
    return this.#places
  }
}

type Places = Map<string, number>

const chainKey = (chain: readonly Uint8Array[]): string => chain.map(toKey).join('')

/** Where nothing is shared, or nobody has listed anything. */
export const NOTHING_SHARED = new SharedHeads([])
