/**
 * Keeps the rules of {@link SpaceStore.transaction} that types cannot: one at a time, no promise as its result, and no writing
 * outside it. Each violation is a bug of the caller and throws.
 */
export class TransactionGuard {
  #isOpen = false

  /** Runs `work` as the one open transaction. */
  run<T>(work: () => T): T {
    if (this.#isOpen) throw new Error('bug: a transaction inside a transaction')
    this.#isOpen = true
    try {
      return work()
    } finally {
      this.#isOpen = false
    }
  }

  /** Throws when no transaction is open. */
  assertOpen(): void {
    if (!this.#isOpen) throw new Error('bug: writing outside a transaction')
  }
}

/** Throws for a promise: its work would go on after the commit. */
export function assertSynchronous<T>(result: T): T {
  if (result instanceof Promise) throw new Error('bug: the work of a transaction must not be asynchronous')
  return result
}
