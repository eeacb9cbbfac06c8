import { isInChain } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import { chainName } from '../../core/effect/places.ts'
import { reaches, type Revocation } from '../../core/effect/revocation.ts'
import type { Entry, Graph } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** The operations of one chain. */
interface Use {
  readonly chain: string
  readonly caps: readonly Uint8Array[]
  /** Ordinals of those that no other one of this chain is known to follow in its author's log: all of them are in the past of these. */
  readonly tips: Set<number>
  /** By author: the tip that came last. */
  readonly latest: Map<string, number>
  /** Where an author has used another chain in between: the use of this one before that. */
  readonly below: Map<number, number>
}

/**
 * Which operations used a delegation, for those delegations that somebody has revoked: read from the store when that is first asked, and
 * kept up after that. An author has one tip for each chain and branch, however often it goes from one chain to another.
 */
export class Uses {
  readonly #store: SpaceStore
  /** By delegation, and by chain. */
  readonly #byTarget = new Map<string, Map<string, Use>>()

  constructor(store: SpaceStore) {
    this.#store = store
  }

  /** Takes in an operation that has just been admitted. */
  add(entry: Entry): void {
    if (this.#byTarget.size === 0) return
    for (const digest of entry.caps) {
      const uses = this.#byTarget.get(toHex(digest))
      if (uses !== undefined) note(entry, uses, this.#store)
    }
  }

  /**
   * The operations that a revocation reaches and its cut, as `isKept` tells, does not keep. Goes down every author's log from its end, no
   * further than what is kept: whoever revokes and keeps all pays for the ends alone.
   */
  *cutOff(revocation: Revocation, isKept: (entry: Entry) => boolean): Generator<Entry> {
    const own = revocation.entry.caps
    for (const { chain, caps, tips, below } of this.#usesOf(revocation.target).values()) {
      if (!reaches(own, revocation.target, caps)) continue
      const seen = new Set<number>()
      const open = [...tips]
      for (let ordinal = open.pop(); ordinal !== undefined; ordinal = open.pop()) {
        if (seen.has(ordinal)) continue
        seen.add(ordinal)
        const entry = this.#store.at(ordinal)
        if (isKept(entry)) continue
        yield entry
        const jump = below.get(ordinal)
        if (jump !== undefined) open.push(jump)
        if (entry.prev === null) continue
        const prev = this.#store.at(entry.prev)
        if (prev.caps === entry.caps || chainName(prev.caps) === chain) open.push(entry.prev)
      }
    }
  }

  #usesOf(target: Uint8Array): ReadonlyMap<string, Use> {
    const name = toHex(target)
    const known = this.#byTarget.get(name)
    if (known !== undefined) return known
    const uses = new Map<string, Use>()
    // What was never published was never used.
    if (this.#store.token(target) === undefined) return uses
    for (const entry of this.#store.using(target)) note(entry, uses, this.#store)
    this.#byTarget.set(name, uses)
    return uses
  }
}

/** Takes in a use; those before it in the author's log have been taken in. */
function note(entry: Entry, uses: Map<string, Use>, graph: Graph): void {
  const { ordinal, prev, caps } = entry
  const chain = chainName(caps)
  const use: Use = uses.get(chain) ?? { chain, caps, tips: new Set(), latest: new Map(), below: new Map() }
  uses.set(chain, use)
  const author = toHex(entry.author)
  if (prev === null || !use.tips.delete(prev)) {
    const latest = use.latest.get(author)
    if (latest !== undefined && isInChain(graph, graph.at(latest), entry)) {
      use.tips.delete(latest)
      use.below.set(ordinal, latest)
    }
  }
  use.tips.add(ordinal)
  use.latest.set(author, ordinal)
}
