import { PastReader } from '../../core/ancestry.ts'
import type { Entry } from '../../core/graph.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { endsThrough } from './severance.ts'

/**
 * The operations that this node's next one builds on: the ends of the graph, seen through what is not to be built on (masked
 * operations, those of authors whose fork is proved, and those whose body is withheld). Kept up as operations come, so that a storm of what is not to be built on
 * costs no write anything; found anew after {@link forget}.
 */
export class UsableFrontier {
  readonly #store: SpaceStore
  readonly #isUsable: (entry: Entry) => boolean
  /** Ordinals; null until asked for. */
  #ends: Set<number> | null = null
  /** Unusable operations in the past of a usable one, whose own past has been taken out already. */
  readonly #covered = new Set<number>()

  constructor(store: SpaceStore, isUsable: (entry: Entry) => boolean) {
    this.#store = store
    this.#isUsable = isUsable
  }

  /** Ascending by ordinal. None is in the past of another. */
  entries(): readonly Entry[] {
    this.#ends ??= this.#find()
    return [...this.#ends].sort((a, b) => a - b).map((ordinal) => this.#store.at(ordinal))
  }

  /** Takes an operation in that was just admitted. */
  add(entry: Entry): void {
    if (this.#ends === null || !this.#isUsable(entry)) return
    const open = [...entry.parents]
    for (let ordinal = open.pop(); ordinal !== undefined; ordinal = open.pop()) {
      if (this.#ends.delete(ordinal) || this.#covered.has(ordinal)) continue
      const parent = this.#store.at(ordinal)
      if (this.#isUsable(parent)) continue
      this.#covered.add(ordinal)
      open.push(...parent.parents)
    }
    this.#ends.add(entry.ordinal)
  }

  /** What may be built on has changed. */
  forget(): void {
    this.#ends = null
    this.#covered.clear()
  }

  #find(): Set<number> {
    const found = endsThrough(this.#store, this.#isUsable)
    // Seen through an unusable operation, an end may be in the past of another.
    const parents = found.flatMap((entry) => entry.parents.map((ordinal) => this.#store.at(ordinal)))
    const past = new PastReader(this.#store, parents)
    return new Set(found.filter((entry) => !past.has(entry)).map(({ ordinal }) => ordinal))
  }
}

/**
 * True for what may be built on: it has its effect, its author's fork is not proved, and its body is here or is not for this node to read.
 * Texts that it may have changed wait for its body, and whatever builds on it would wait too.
 */
export function isUsable(
  { ordinal, author, path }: Entry,
  store: SpaceStore,
  readsAll: (() => boolean) | undefined,
): boolean {
  if (store.mask(ordinal) !== undefined || store.fork(author) !== undefined) return false
  return store.absentBodyCount() === 0 || readsAll?.() !== true || !store.absentAt([path]).includes(ordinal)
}
