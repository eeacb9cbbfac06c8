/**
 * Lets the batches of one peer be prepared at the same time, and taken in one after the other in the order in which they came. Whoever
 * gives them bounds how many are under way.
 */
export class ArrivalOrder {
  /** By peer: the end of the batch that came last, while it is under way. */
  readonly #last = new Map<string, Promise<void>>()

  /** Calls `take` with what was prepared, once the peer's batches before have been taken or have failed. Rejects as either of the two does. */
  async inTurn<Prepared, Taken>(
    peer: string,
    prepared: Promise<Prepared>,
    take: (prepared: Prepared) => Taken,
  ): Promise<Taken> {
    const before = this.#last.get(peer)
    const taken = (async () => {
      let ready: Prepared
      try {
        ready = await prepared
      } finally {
        await before
      }
      return take(ready)
    })()
    // Whoever comes next waits for the end of this, however it ended: a failure is its own caller's.
    const ended = taken.then(nothing, nothing)
    this.#last.set(peer, ended)
    try {
      return await taken
    } finally {
      if (this.#last.get(peer) === ended) this.#last.delete(peer)
    }
  }
}

function nothing(): void {
  // It is over.
}
