/** What is said of each thing within a short time, and done once: `act` is given true where it was said of any of the times. */
export class Gathered<Thing> {
  readonly #afterMs: number
  readonly #act: (thing: Thing, isAny: boolean) => void
  readonly #waiting = new Map<Thing, { isAny: boolean; readonly timer: NodeJS.Timeout }>()

  constructor(afterMs: number, act: (thing: Thing, isAny: boolean) => void) {
    this.#afterMs = afterMs
    this.#act = act
  }

  say(thing: Thing, isSo: boolean): void {
    const waiting = this.#waiting.get(thing)
    if (waiting !== undefined) {
      waiting.isAny ||= isSo
      return
    }
    const timer = setTimeout(() => {
      const isAny = this.#waiting.get(thing)?.isAny ?? false
      this.#waiting.delete(thing)
      this.#act(thing, isAny)
    }, this.#afterMs)
    timer.unref()
    this.#waiting.set(thing, { isAny: isSo, timer })
  }

  /** Forgets what waits. */
  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }
}
