import { formatJson } from '../../core/json.ts'
import { shortId } from '../output/human.ts'
import { printable } from '../output/printable.ts'
import type { ProgressBar } from '../output/progress-bar.ts'
import type { Shell } from '../shell.ts'

/** What became of one line or row of a file. */
export interface Reported {
  readonly line: number
  /** Which object of a JSON file it is, from 1. */
  readonly index?: number
  readonly id?: string | null
  /** Of the item that a row became. */
  readonly path?: string
  readonly outcome: string
  readonly code?: string
  readonly detail?: string
  readonly missing?: readonly string[]
}

/** Reports in one event. */
export const LINES_PAGE = 256

/** One JSON object, written as it comes: `lines`, and then what it all came to. */
export class JsonReports {
  readonly #shell: Shell
  #isEmpty = true

  constructor(shell: Shell) {
    this.#shell = shell
  }

  async write(reports: readonly Reported[]): Promise<void> {
    if (reports.length === 0) return
    await this.#shell.writeAll(
      (this.#isEmpty ? '{"lines":[' : ',\n') + reports.map((one) => formatJson(one)).join(',\n'),
    )
    this.#isEmpty = false
  }

  async end(summary: object): Promise<void> {
    const rest = formatJson(summary).slice(1)
    await this.#shell.writeAll(`${this.#isEmpty ? '{"lines":[' : ''}],${rest}\n`)
  }
}

/** One line for each, then what it all came to. */
export class TextReports {
  readonly #shell: Shell
  readonly #bar: ProgressBar

  constructor(shell: Shell, bar: ProgressBar) {
    this.#shell = shell
    this.#bar = bar
  }

  async write(reports: readonly Reported[]): Promise<void> {
    // The bar and the lines would write over each other.
    this.#bar.end()
    await this.#shell.writeAll(reports.map((one) => `${this.#format(one)}\n`).join(''))
  }

  async end(_summary: object, lines: () => readonly string[]): Promise<void> {
    await this.#shell.writeAll(`${lines().join('\n')}\n`)
  }

  #format({ line, index, id, path, outcome, code, detail, missing }: Reported): string {
    const { style } = this.#shell
    const said =
      outcome === 'refused' ? style.bad(outcome) : outcome === 'waiting' ? style.warn(outcome) : outcome
    const what = id === undefined || id === null ? '' : `  ${shortId(id)}`
    const where = path === undefined ? '' : `  ${printable(path)}`
    const why = code === undefined ? '' : `  ${code}: ${printable(detail ?? '')}`
    const lacks = missing === undefined ? '' : `; missing ${missing.map(shortId).join(', ')}`
    const place = index === undefined ? `line ${line}` : `object ${index}, line ${line}`
    return `${place}  ${said}${what}${where}${why}${lacks}`
  }
}
