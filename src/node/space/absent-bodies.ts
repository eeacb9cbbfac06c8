import type { Entry } from '../../core/graph.ts'
import type { ReadScope } from '../../core/sync/read-scope.ts'
import type { SpaceStore } from '../../storage/space-store.ts'

/** Entries read from the store at a time. */
const PAGE = 256

/** What is known of the absent bodies that one scope may read. */
interface Selection {
  /** Ordinals of operations that the scope may read and whose body was absent when last looked at. */
  readonly ordinals: Set<number>
  /** The store's counts at that time. */
  count: number
  absent: number
}

/**
 * The bodies that have not arrived, by who may read them: a replica of somebody who reads only some paths asks for those alone. As in
 * the store, bodies of severed operations are not missed; those of other masked ones are, since positions in texts count what they
 * inserted. Kept up as the store grows: a question costs what is new since the last.
 */
export class AbsentBodies {
  readonly #store: SpaceStore
  #selections = new WeakMap<ReadScope, Selection>()

  constructor(store: SpaceStore) {
    this.#store = store
  }

  /** Looks again at everything: operations were severed, or are not any more. */
  forget(): void {
    this.#selections = new WeakMap()
  }

  /** The operations whose absent body the scope may read, in order of admission, at most `limit`. */
  missing(scope: ReadScope, nowMs: number, limit: number): readonly Entry[] {
    const ordinals = [...this.#selectionOf(scope, nowMs).ordinals].sort((a, b) => a - b)
    return ordinals.slice(0, limit).map((ordinal) => this.#store.at(ordinal))
  }

  /** How many those are. */
  missingCount(scope: ReadScope, nowMs: number): number {
    return this.#selectionOf(scope, nowMs).ordinals.size
  }

  /** How many bodies are absent that the scope may not read: headers alone. */
  unreadableCount(scope: ReadScope, nowMs: number): number {
    return this.#store.absentBodyCount() - this.missingCount(scope, nowMs)
  }

  #selectionOf(scope: ReadScope, nowMs: number): Selection {
    const [count, absent] = [this.#store.count(), this.#store.absentBodyCount()]
    const known = this.#selections.get(scope)
    if (known === undefined) {
      const entries = this.#store.absentBodies(absent).filter(({ path }) => scope.mayRead(path, nowMs))
      const selection = { ordinals: new Set(entries.map(({ ordinal }) => ordinal)), count, absent }
      this.#selections.set(scope, selection)
      return selection
    }
    if (absent === 0) known.ordinals.clear()
    else if (known.count !== count || known.absent !== absent) this.#refresh(known, scope, nowMs)
    known.count = count
    known.absent = absent
    return known
  }

  #refresh(known: Selection, scope: ReadScope, nowMs: number): void {
    let absent = known.absent
    for (let from = known.count; from < this.#store.count(); from += PAGE) {
      for (const { ordinal, path } of this.#store.entriesFrom(from, PAGE)) {
        if (!this.#isAbsent(ordinal)) continue
        absent++
        if (scope.mayRead(path, nowMs)) known.ordinals.add(ordinal)
      }
    }
    if (absent === this.#store.absentBodyCount()) return
    for (const ordinal of known.ordinals) if (!this.#isAbsent(ordinal)) known.ordinals.delete(ordinal)
  }

  #isAbsent(ordinal: number): boolean {
    return this.#store.mask(ordinal)?.isSevered !== true && this.#store.operation(ordinal).body === null
  }
}
