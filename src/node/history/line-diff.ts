import { structuredPatch } from 'diff'
import { DIFF_EDITS_MAX } from '../../core/limits.ts'

/** Lines shown before and after a difference. */
const CONTEXT_LINES = 3

/** A run of lines around a difference, as unified diffs have it. */
export interface LineHunk {
  /** First line here and there, from 1, and how many. */
  readonly oldStart: number
  readonly oldLines: number
  readonly newStart: number
  readonly newLines: number
  /** Each with ` `, `-` or `+` in front; one that begins with `\` remarks that the last line has no end. */
  readonly lines: readonly string[]
}

/**
 * The lines in which two texts differ, by Myers' algorithm (E. W. Myers, 1986) as jsdiff has it: it is the library that most of the
 * registry uses for this, has no dependencies and brings its types; its cost is that of the lines times the difference. Null where
 * more than DIFF_EDITS_MAX lines differ: then the two are rather shown whole.
 */
export function diffLines(before: string, after: string): readonly LineHunk[] | null {
  const options = { context: CONTEXT_LINES, maxEditLength: DIFF_EDITS_MAX }
  const patch = structuredPatch('', '', before, after, undefined, undefined, options)
  if (patch === undefined) return null
  return patch.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
    oldStart,
    oldLines,
    newStart,
    newLines,
    lines,
  }))
}
