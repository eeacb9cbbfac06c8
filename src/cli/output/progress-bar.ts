import { SingleBar } from 'cli-progress'
import { formatCount } from './human.ts'
import type { Style } from './style.ts'

/** A progress bar that is there while something is done, and leaves no trace. Nothing is drawn where the stream is no terminal. */
export class ProgressBar {
  readonly #bar: SingleBar | null
  #isStarted = false

  constructor(stream: NodeJS.WriteStream | null, style: Style) {
    this.#bar =
      stream?.isTTY === true
        ? new SingleBar({
            stream,
            clearOnComplete: true,
            hideCursor: true,
            barsize: 30,
            barCompleteChar: '█',
            barIncompleteChar: '░',
            format: `{what}  ${style.good('{bar}')}  {amount}`,
          })
        : null
  }

  /** Shows how far it is; a total of 0 where that is not known yet. */
  show(what: string, done: number, total: number): void {
    const amount = total === 0 ? '' : `${formatCount(done)} of ${formatCount(total)} operations`
    const payload = { what, amount }
    if (this.#isStarted) this.#bar?.setTotal(Math.max(1, total))
    else this.#bar?.start(Math.max(1, total), 0, payload)
    this.#isStarted = true
    this.#bar?.update(done, payload)
  }

  end(): void {
    if (this.#isStarted) this.#bar?.stop()
  }
}
