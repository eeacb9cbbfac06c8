// jsdiff is what most of the ecosystem compares texts with (60 million downloads a week, kept since 2009), and the only one of its kind
// that takes any sequence, so that characters are code points, and can be told when to give up.
import { diffArrays } from 'diff'
import { TEXT_DIFF_EDITS_MAX } from '../../core/limits.ts'
import { DeltaWriter, replacing, type TextDelta } from '../../core/types/text/delta.ts'

/**
 * The fewest insertions and deletions of characters that make one text of another; of lines where that takes more than
 * TEXT_DIFF_EDITS_MAX of them, and where it still does, one replacement of what is between the common beginning and end.
 */
export function diffTexts(before: string, after: string): TextDelta {
  return (
    diffBy(Array.from(before), Array.from(after)) ??
    diffBy(before.split(/(?<=\n)/u), after.split(/(?<=\n)/u)) ??
    replacing(before, after)
  )
}

/** Null where the parts differ by more than TEXT_DIFF_EDITS_MAX. */
function diffBy(before: readonly string[], after: readonly string[]): TextDelta | null {
  const changes = diffArrays([...before], [...after], { maxEditLength: TEXT_DIFF_EDITS_MAX })
  if (changes === undefined) return null
  const writer = new DeltaWriter()
  for (const { added, removed, value } of changes) {
    if (added) writer.insert(value.join(''))
    else if (removed) writer.delete(countOf(value))
    else writer.retain(countOf(value))
  }
  return writer.finish()
}

const countOf = (parts: readonly string[]): number =>
  parts.reduce((count, part) => count + Array.from(part).length, 0)
