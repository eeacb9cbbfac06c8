import { Session, type Profiler } from 'node:inspector'

/** What of the sources under test was ever executed, by the counters of V8 (node:inspector, precise block coverage). */
export class Coverage {
  readonly #session = new Session()
  readonly #isMeasured: (url: string) => boolean
  /** By URL of a script: 1 for each character that was executed. */
  readonly #seen = new Map<string, Uint8Array>()
  #characters = 0

  /** @param isMeasured - true for the URL of a script that counts */
  constructor(isMeasured: (url: string) => boolean) {
    this.#isMeasured = isMeasured
  }

  /** Characters executed so far. */
  get characters(): number {
    return this.#characters
  }

  start(): void {
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    this.take()
  }

  stop(): void {
    this.#session.disconnect()
  }

  /** Takes what was executed since the last call into account; gives the number of characters executed for the first time. */
  take(): number {
    const before = this.#characters
    for (const script of this.#executed()) {
      const seen = this.#seenOf(script)
      const now = paint(script, seen.length)
      for (let i = 0; i < now.length; i++) {
        if (now[i] === 0 || seen[i] === 1) continue
        seen[i] = 1
        this.#characters++
      }
    }
    return this.#characters - before
  }

  /** True when something was executed since the last call that {@link take} has not seen. Forgets it. */
  peek(): boolean {
    return this.#executed().some((script) => {
      const seen = this.#seenOf(script)
      return paint(script, seen.length).some((isNow, i) => isNow === 1 && seen[i] === 0)
    })
  }

  #executed(): readonly Profiler.ScriptCoverage[] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType
    return result.filter(({ url }) => this.#isMeasured(url))
  }

  #seenOf(script: Profiler.ScriptCoverage): Uint8Array {
    const length = Math.max(0, ...script.functions.map(({ ranges }) => ranges[0]?.endOffset ?? 0))
    const known = this.#seen.get(script.url)
    if (known !== undefined && known.length >= length) return known
    const longer = new Uint8Array(length)
    if (known !== undefined) longer.set(known)
    this.#seen.set(script.url, longer)
    return longer
  }

  /** Sessions in their own thread answer before they return. */
  #post(method: string, parameters: object = {}): unknown {
    let answer: unknown
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
}

/** 1 for each character of a script that was executed. Functions come outside first, and so do the ranges of each. */
function paint(script: Profiler.ScriptCoverage, length: number): Uint8Array {
  const painted = new Uint8Array(length)
  for (const { ranges } of script.functions) {
    for (const { startOffset, endOffset, count } of ranges)
      painted.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  return painted
}
