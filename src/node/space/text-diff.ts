// jsdiff is what most of the ecosystem compares texts with (60 million downloads a week, kept since 2009), and the only one of its kind
// that takes any sequence, so that words never end inside a code point, and can be told when to give up.
import { diffArrays } from 'diff'
import { TEXT_DIFF_EDITS_MAX, TEXT_DIFF_STEPS_MAX } from '../../core/limits.ts'
import { countCodePoints } from '../../core/types/text/code-points.ts'
import { DeltaWriter, replacing, type TextDelta } from '../../core/types/text/delta.ts'

/**
 * What makes one text of another, by the fewest insertions and deletions of words, so that a word that is replaced has one author; a word
 * that only gains or loses letters at one place keeps the others. Where words differ too much to be compared within the bounds, lines are,
 * and then the words of those that differ; beyond that, all between the common beginning and end is replaced.
 *
 * 1. Applied to `before`, it gives `after`.
 * 2. At most TEXT_DIFF_EDITS_MAX words or lines are inserted and deleted one by one; the more parts there are, the fewer, so that comparing
 *    takes about TEXT_DIFF_STEPS_MAX steps at each of the two levels.
 */
export function diffTexts(before: string, after: string): TextDelta {
  const [oldWords, newWords] = [wordsOf(before), wordsOf(after)]
  const editsMax = editsMaxOf(oldWords.length + newWords.length)
  const writer = new DeltaWriter()
  const words = compare(oldWords, newWords, editsMax)
  if (words !== null) {
    writeChanges(writer, words)
    return writer.finish()
  }
  const [oldLines, newLines] = [linesOf(before), linesOf(after)]
  const lines = compare(oldLines, newLines, editsMaxOf(oldLines.length + newLines.length))
  if (lines === null) return replacing(before, after)
  // What is left is for all lines together: each edit of the text costs as much as there are edits before it.
  let left = editsMax
  for (const { removed, added, kept } of lines) {
    const inner = removed === '' || added === '' ? null : compare(wordsOf(removed), wordsOf(added), left)
    left -= inner?.reduce((edits, change) => edits + change.edits, 0) ?? 0
    writeChanges(writer, inner ?? [{ removed, added, kept: '', edits: 0 }])
    writer.retain(countCodePoints(kept))
  }
  return writer.finish()
}

/** A place where two texts differ, and what both have behind it. */
interface Change {
  readonly removed: string
  readonly added: string
  readonly kept: string
  /** Parts removed and added. */
  readonly edits: number
}

const NOTHING: Change = { removed: '', added: '', kept: '', edits: 0 }

/** Null where the parts differ by more than `editsMax`. The first change is empty where both begin with the same. */
function compare(before: readonly string[], after: readonly string[], editsMax: number): Change[] | null {
  const parts = diffArrays([...before], [...after], { maxEditLength: editsMax })
  if (parts === undefined) return null
  const changes: Change[] = []
  let change = NOTHING
  for (const { added, removed, value } of parts) {
    const text = value.join('')
    const edits = change.edits + value.length
    if (added) change = { ...change, added: change.added + text, edits }
    else if (removed) change = { ...change, removed: change.removed + text, edits }
    else {
      changes.push({ ...change, kept: text })
      change = NOTHING
    }
  }
  return joinPhrases([...changes, change])
}

/** Blanks between two replacements go with them: a phrase that is replaced is one stretch, not one for each word. */
function joinPhrases(changes: readonly Change[]): Change[] {
  const joined: Change[] = []
  for (const change of changes) {
    const last = joined.at(-1)
    if (last !== undefined && /^[^\S\n]+$/u.test(last.kept) && isReplacement(last) && isReplacement(change))
      joined[joined.length - 1] = {
        removed: last.removed + last.kept + change.removed,
        added: last.added + last.kept + change.added,
        kept: change.kept,
        edits: last.edits + change.edits,
      }
    else joined.push(change)
  }
  return joined
}

const isReplacement = ({ removed, added }: Change): boolean => removed !== '' && added !== ''

function writeChanges(writer: DeltaWriter, changes: readonly Change[]): void {
  for (const change of changes) {
    const { removed, added, kept } = change
    const delta = isReplacement(change) ? replacing(removed, added) : []
    const isOneSided = !(delta.some((part) => 'insert' in part) && delta.some((part) => 'delete' in part))
    if (isReplacement(change) && isOneSided) writeOneSided(writer, delta, countCodePoints(removed))
    else {
      writer.insert(added)
      writer.delete(countCodePoints(removed))
    }
    writer.retain(countCodePoints(kept))
  }
}

/** A word that only gains letters, or only loses some: the others stay. */
function writeOneSided(writer: DeltaWriter, delta: TextDelta, length: number): void {
  let rest = length
  for (const part of delta) {
    if ('insert' in part) writer.insert(part.insert)
    else if ('delete' in part) {
      writer.delete(part.delete)
      rest -= part.delete
    } else {
      writer.retain(part.retain)
      rest -= part.retain
    }
  }
  writer.retain(rest)
}

/** Comparing takes steps as the parts times the edits, at worst. */
const editsMaxOf = (parts: number): number =>
  Math.min(TEXT_DIFF_EDITS_MAX, Math.floor(TEXT_DIFF_STEPS_MAX / Math.max(parts, 1)))

/** Words, stretches of blanks, and all else by itself; so are characters of scripts that put no blanks between words. */
const UNSPACED = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]`
const WORD = new RegExp(String.raw`${UNSPACED}|[[\p{L}\p{N}\p{M}_]--${UNSPACED}]+|[^\S\n]+|[^]`, 'gv')

const wordsOf = (text: string): readonly string[] => text.match(WORD) ?? []
const linesOf = (text: string): readonly string[] => text.split(/(?<=\n)/u)
