import { HTTP_STREAMS_PER_CALLER_MAX } from '../core/limits.ts'
import { FaultError } from '../node/fault-error.ts'

/** How many streams each caller has open. */
export class StreamPlaces {
  readonly #taken = new Map<string, number>()

  /** Takes a place for a caller, by its did. Returns what gives it back; again is no harm. Throws `TOO_MANY`. */
  take(did: string): () => void {
    const taken = this.#taken.get(did) ?? 0
    if (taken >= HTTP_STREAMS_PER_CALLER_MAX) {
      const detail = `your token has ${taken} streams open, which is as many as one may: close some, or follow several paths by one`
      throw new FaultError({ code: 'TOO_MANY', detail })
    }
    this.#taken.set(did, taken + 1)
    let isGiven = false
    return () => {
      if (isGiven) return
      isGiven = true
      const left = (this.#taken.get(did) ?? 1) - 1
      if (left === 0) this.#taken.delete(did)
      else this.#taken.set(did, left)
    }
  }

  /** Streams that are open, of all callers. */
  get size(): number {
    return [...this.#taken.values()].reduce((sum, count) => sum + count, 0)
  }
}
