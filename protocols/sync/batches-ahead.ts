import { BATCHES_AHEAD_MAX } from '../../src/core/limits.ts'

/**
 * The batches of a link that are taken apart and not admitted yet. What else the peer sends waits as bytes meanwhile, packed, which is a tenth of
 * what its operations are once they are read.
 */
export class BatchesAhead {
  #open = 0
  #wake: (() => void) | null = null

  /** Counts a batch until its admission has ended, however it does. */
  add(admission: Promise<unknown>): void {
    this.#open++
    const end = () => {
      this.#open--
      this.#wake?.()
    }
    admission.then(end, end)
  }

  /** Resolves once fewer than BATCHES_AHEAD_MAX are open. For one caller at a time. */
  async room(): Promise<void> {
    while (this.#open >= BATCHES_AHEAD_MAX)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#wake = null
  }
}
