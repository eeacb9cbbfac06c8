import { BUSY_OPERATIONS_PER_SECOND } from '../../core/limits.ts'

/** How long operations are counted together, in ms. */
const WINDOW_MS = 1_000

/** How much is admitted in a space, from whomever. */
export class WritePace {
  readonly #now: () => number
  #windowStartedAtMs = 0
  #inWindow = 0
  #inWindowBefore = 0

  /** `now`: a clock that never goes back, in ms. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** So many operations were admitted. */
  note(operations: number): void {
    this.#turn()
    this.#inWindow += operations
  }

  /** True where BUSY_OPERATIONS_PER_SECOND or more were admitted in the present window or in the one before it: within two seconds at most. */
  get isBusy(): boolean {
    this.#turn()
    return Math.max(this.#inWindow, this.#inWindowBefore) >= BUSY_OPERATIONS_PER_SECOND
  }

  #turn(): void {
    const elapsedMs = this.#now() - this.#windowStartedAtMs
    if (elapsedMs < WINDOW_MS) return
    this.#inWindowBefore = elapsedMs < 2 * WINDOW_MS ? this.#inWindow : 0
    this.#inWindow = 0
    this.#windowStartedAtMs = this.#now()
  }
}
