import { WRITES_TOGETHER_MS } from '../../core/limits.ts'

interface Waiting {
  /** Runs the work. Returns what tells whoever waits, once that is on disk. */
  readonly run: () => () => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes of those who do not know of each other, such as requests: what is asked for in one turn of the event loop runs at its end, one
 * after the other and in order, and is synced to the disk once (group commit). After WRITES_TOGETHER_MS the event loop has its turn before the others.
 */
export class Soon {
  readonly #together: (work: () => void) => void
  readonly #elapsedMs: () => number
  readonly #waiting: Waiting[] = []

  /**
   * `together`: runs work and syncs once what it wrote; throws where it could not, with nothing written. `elapsedMs`: a clock that never
   * goes back.
   */
  constructor(together: (work: () => void) => void, elapsedMs: () => number = () => performance.now()) {
    this.#together = together
    this.#elapsedMs = elapsedMs
  }

  /** Resolves with what `work` returns once all it wrote is on disk; rejects with what it throws, which is no matter of the others'. */
  async run<T>(work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const run = () => {
      try {
        const value = work()
        return () => resolve(value)
      } catch (error) {
        return () => reject(error)
      }
    }
    this.#waiting.push({ run, reject })
    if (this.#waiting.length === 1) setImmediate(() => this.#commit())
    return await promise
  }

  /** Runs all that waits now. */
  finish(): void {
    while (this.#waiting.length > 0) this.#commitSome()
  }

  #commit(): void {
    if (this.#waiting.length > 0) this.#commitSome()
    if (this.#waiting.length > 0) setImmediate(() => this.#commit())
  }

  #commitSome(): void {
    const taken: Waiting[] = []
    const answers: (() => void)[] = []
    try {
      this.#together(() => {
        const untilMs = this.#elapsedMs() + WRITES_TOGETHER_MS
        do {
          const next = this.#waiting.shift()
          if (next === undefined) return
          taken.push(next)
          answers.push(next.run())
        } while (this.#elapsedMs() < untilMs)
      })
    } catch (error) {
      for (const { reject } of taken) reject(error)
      return
    }
    for (const answer of answers) answer()
  }
}
