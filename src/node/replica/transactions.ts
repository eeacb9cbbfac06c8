import type { SpaceStore, SpaceWriter } from '../../storage/space-store.ts'
import { AdmissionStep } from './admission-step.ts'

type Tell = (step: AdmissionStep) => void

/** The transaction that others are part of while it is open. */
interface Group {
  readonly writer: SpaceWriter
  /** What all of them have done. */
  readonly step: AdmissionStep
  tell: Tell | null
  failure: { readonly error: unknown } | null
}

/** The transactions of a replica, and how several become one (group commit). What a transaction has done is told once it is on disk. */
export class Transactions {
  readonly #store: SpaceStore
  readonly #onFailed: () => void
  #group: Group | null = null

  /** `onFailed`: what was kept in memory is not true any more. */
  constructor(store: SpaceStore, onFailed: () => void) {
    this.#store = store
    this.#onFailed = onFailed
  }

  /**
   * Does all of `work` or nothing, then tells what it has done. Inside {@link together} it is part of that group, which shares one step, is told of
   * by the first that has something to tell, and is as durable as can be.
   */
  run<T>(
    durability: 'power' | 'process',
    work: (writer: SpaceWriter, step: AdmissionStep) => T,
    tell: Tell,
  ): T {
    const group = this.#group
    if (group === null) {
      const step = new AdmissionStep()
      const result = this.#transaction(durability, (writer) => work(writer, step))
      tell(step)
      return result
    }
    // Half of what failed may be there: nothing more of the group is done, and in the end none of it.
    if (group.failure !== null) throw group.failure.error
    try {
      const result = work(group.writer, group.step)
      group.tell ??= tell
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
    const { outcome, group } = this.#transaction('power', (writer) => {
      const open: Group = { writer, step: new AdmissionStep(), tell: null, failure: null }
      this.#group = open
      const ended = outcomeOf(work)
      this.#group = null
      if (open.failure !== null) throw open.failure.error
      return { outcome: ended, group: open }
    })
    group.tell?.(group.step)
    if ('error' in outcome) throw outcome.error
    return outcome.value
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
