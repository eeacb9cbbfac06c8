import { SingleBar } from 'cli-progress'
import { formatBytes, formatCount, formatDuration } from './human.ts'
import type { Style } from './style.ts'

/** What is counted, and how its numbers are written. */
interface Unit {
  readonly format: (count: number) => string
  /** After the numbers. */
  readonly noun: string
}

const OPERATIONS: Unit = { format: (count) => formatCount(Math.round(count)), noun: ' operations' }
export const BYTES: Unit = { format: formatBytes, noun: '' }

/** Time from which on a rate says something, in ms. */
const RATED_AFTER_MS = 500

/**
 * A progress bar that is there while something is done, and leaves no trace: how much is done, how fast that goes, and how long it will take at
 * that. Nothing is drawn where the stream is no terminal.
 */
export class ProgressBar {
  readonly #bar: SingleBar | null
  readonly #now: () => number
  #isStarted = false
  #what = ''
  #from = { ms: 0, done: 0 }

  /** `now`: a clock that only grows, ms. */
  constructor(stream: NodeJS.WriteStream | null, style: Style, now: () => number = () => performance.now()) {
    this.#now = now
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
  show(what: string, done: number, total: number, unit: Unit = OPERATIONS): void {
    const { format, noun } = unit
    const amount =
      total === 0 ? '' : `${format(done)} of ${format(total)}${noun}${this.#pace(what, done, total, unit)}`
    const payload = { what, amount }
    if (this.#isStarted) this.#bar?.setTotal(Math.max(1, total))
    else this.#bar?.start(Math.max(1, total), 0, payload)
    this.#isStarted = true
    this.#bar?.update(done, payload)
  }

  end(): void {
    if (this.#isStarted) this.#bar?.stop()
  }

  /** Of what is being done now: it begins anew with every kind of work. */
  #pace(what: string, done: number, total: number, unit: Unit): string {
    const ms = this.#now()
    if (what !== this.#what || done < this.#from.done) {
      this.#what = what
      this.#from = { ms, done }
    }
    return formatPace(done - this.#from.done, ms - this.#from.ms, total - done, unit)
  }
}

/** How fast it goes, and how long the rest takes at that: `, 1,200/s, 40 s left`; nothing while that cannot be told. */
export function formatPace(done: number, elapsedMs: number, left: number, unit: Unit = OPERATIONS): string {
  if (elapsedMs < RATED_AFTER_MS || done <= 0) return ''
  const perMs = done / elapsedMs
  return `, ${unit.format(perMs * 1_000)}/s, ${formatDuration(left / perMs)} left`
}
