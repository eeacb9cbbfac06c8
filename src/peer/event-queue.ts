/** Things that one side puts in and the other takes out, in order; putting in waits until what was put in has been taken and dealt with. */
export class EventQueue<T> {
  readonly #waiting: {
    readonly item: T
    readonly done: () => void
    readonly failed: (error: Error) => void
  }[] = []
  #wake: (() => void) | null = null
  #isEnded = false

  /** Resolves when whoever takes has come for the next; rejects when the queue has ended before. */
  async push(item: T): Promise<void> {
    if (this.#isEnded) throw new Error('the connection has ended')
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ item, done, failed })
      this.#wake?.()
    })
  }

  /** Ends when what is in it has been taken. */
  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** What is put in, until the end or `signal`; whoever still waits then is told that it came to nothing. */
  async *take(signal: AbortSignal): AsyncGenerator<T> {
    const stop = () => this.#wake?.()
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const next = this.#waiting[0]
        if (next !== undefined) {
          yield next.item
          this.#waiting.shift()
          next.done()
          continue
        }
        if (this.#isEnded) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      signal.removeEventListener('abort', stop)
      this.#isEnded = true
      for (const { failed } of this.#waiting.splice(0)) failed(new Error('the connection has ended'))
    }
  }
}
