import type { Fault } from '../../core/result.ts'
import type { ForkProof } from '../../core/graph.ts'
import type { Admission } from './admission-step.ts'
import type { Held } from './hold-lane.ts'

/** What a replica tells of, once it is durable. */
export interface ReplicaEvents {
  admitted: Admission
  refused: { readonly id: Uint8Array; readonly fault: Fault; readonly peer: string }
  waiting: Held
  fork: ForkProof
}

/** Who is told. It gets no event of the platform's, only what it was about. */
export type ReplicaListener<Type extends keyof ReplicaEvents> = (told: {
  readonly detail: ReplicaEvents[Type]
}) => void

/**
 * Whoever listens to a replica, each called in its turn. What one throws is thrown by itself, as with an `EventTarget`: it keeps nothing from
 * the others, and undoes nothing. It is none, since each operation that comes is told to all of them, by an event that would be made and
 * dispatched for nobody else.
 */
export class ReplicaListeners {
  readonly #listeners: { [Type in keyof ReplicaEvents]: readonly ReplicaListener<Type>[] } = {
    admitted: [],
    refused: [],
    waiting: [],
    fork: [],
  }

  /** Adds a listener; once more is no more. Whoever is added while others are being told is told of what comes next. */
  addEventListener<Type extends keyof ReplicaEvents>(type: Type, listener: ReplicaListener<Type>): void {
    const before: readonly ReplicaListener<Type>[] = this.#listeners[type]
    if (!before.includes(listener)) this.#set(type, [...before, listener])
  }

  removeEventListener<Type extends keyof ReplicaEvents>(type: Type, listener: ReplicaListener<Type>): void {
    const before: readonly ReplicaListener<Type>[] = this.#listeners[type]
    this.#set(
      type,
      before.filter((one) => one !== listener),
    )
  }

  listenerCount(type: keyof ReplicaEvents): number {
    return this.#listeners[type].length
  }

  protected tell<Type extends keyof ReplicaEvents>(type: Type, detail: ReplicaEvents[Type]): void {
    const told = { detail }
    const listeners: readonly ReplicaListener<Type>[] = this.#listeners[type]
    for (const listener of listeners) {
      try {
        listener(told)
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }

  #set<Type extends keyof ReplicaEvents>(type: Type, listeners: readonly ReplicaListener<Type>[]): void {
    const of: Record<Type, readonly ReplicaListener<Type>[]> = this.#listeners
    of[type] = listeners
  }
}
