import { toHex } from '../../core/bytes.ts'
import { VERIFY_FINDINGS_MAX, VERIFY_TEXT_CHARACTERS_MAX } from '../../core/limits.ts'

/** One thing that is wrong with what a space keeps. */
export interface Finding {
  /** Which operation, by its order of admission; null where it is not about one operation. */
  readonly ordinal: number | null
  /** Id of that operation, hexadecimal, as the file has it; null where it has none. */
  readonly id: string | null
  /** What was looked at, e.g. `signature`, `heads of <author>`, `cell register notes/a`. */
  readonly what: string
  /** What follows from the operations. */
  readonly expected: string
  /** What the file says. */
  readonly found: string
}

/** What is wrong, before it is known where. */
export type Problem = Pick<Finding, 'what' | 'expected' | 'found'>

/** What was found, the first VERIFY_FINDINGS_MAX; the rest is counted. */
export class Findings {
  readonly all: Finding[] = []
  #count = 0

  /** How many there are, beyond the ones kept too. */
  get count(): number {
    return this.#count
  }

  add(findings: readonly Finding[]): void {
    for (const finding of findings) {
      this.#count++
      if (this.all.length < VERIFY_FINDINGS_MAX) this.all.push(finding)
    }
  }
}

/** A finding about one operation. */
export function aboutOperation(ordinal: number, id: Uint8Array | null, problem: Problem): Finding {
  return { ordinal, id: id === null ? null : toHex(id), ...problem }
}

/** A finding about what follows from many operations. */
export function aboutAll(what: string, expected: string, found: string): Finding {
  return { ordinal: null, id: null, what, expected: shorten(expected), found: shorten(found) }
}

/** A problem, with its texts shortened: values may be large. */
export function problem(what: string, expected: string, found: string): Problem {
  return { what, expected: shorten(expected), found: shorten(found) }
}

/** What something that was thrown says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function shorten(text: string): string {
  if (text.length <= VERIFY_TEXT_CHARACTERS_MAX) return text
  return `${text.slice(0, VERIFY_TEXT_CHARACTERS_MAX)}… (${text.length} characters)`
}
