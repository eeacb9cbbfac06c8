import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'

/** What is told once the open group is on disk, and what went wrong in it. */
interface Group {
  readonly writer: SpaceWriter
  readonly tellings: (() => void)[]
  failure: { readonly error: unknown } | null
}

/**
 * The transactions of a replica, and how several become one (group commit). Whatever is told of a transaction is told once it is on disk,
 * and in order.
 */
export class Transactions {
  readonly #store: SpaceStore
  readonly #onFailed: () => void
  #group: Group | null = null

  /** `onFailed`: what was kept in memory is not true any more. */
  constructor(store: SpaceStore, onFailed: () => void) {
    this.#store = store
    this.#onFailed = onFailed
  }

  /** Does all of `work` or nothing, then runs `tell`. Inside {@link together} it is part of that group, whatever its durability. */
  run<T>(durability: 'power' | 'process', work: (writer: SpaceWriter) => T, tell: () => void): T {
    const group = this.#group
    if (group === null) {
      const result = this.#transaction(durability, work)
      tell()
      return result
    }
    // Half of what failed may be there: nothing more of the group is done, and in the end none of it.
    if (group.failure !== null) throw group.failure.error
    try {
      const result = work(group.writer)
      group.tellings.push(tell)
      return result
    } catch (error) {
      group.failure = { error }
      throw error
    }
  }

  /**
   * Runs `work`, in which there are several transactions: all of them are synced to the disk at once, and told of then. Where one of them
   * fails, none is done, and its error is thrown. What else `work` throws is thrown, too, and undoes nothing.
   */
  together<T>(work: () => T): T {
    if (this.#group !== null) return work()
    const tellings: (() => void)[] = []
    const ran = this.#transaction('power', (writer) => {
      const group: Group = { writer, tellings, failure: null }
      this.#group = group
      const outcome = outcomeOf(work)
      this.#group = null
      if (group.failure !== null) throw group.failure.error
      return outcome
    })
    for (const tell of tellings) tell()
    if ('error' in ran) throw ran.error
    return ran.value
  }

  #transaction<T>(durability: 'power' | 'process', work: (writer: SpaceWriter) => T): T {
    try {
      return this.#store.transaction(durability, work)
    } catch (error) {
      this.#onFailed()
      throw error
    }
  }
}

function outcomeOf<T>(work: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: work() }
  } catch (error) {
    return { error }
  }
}
