import { countCodePoints } from '../../core/types/text/code-points.ts'
import type { TextSplice } from '../../core/types/text/delta.ts'

/** Bytes that an edit has beside what it inserts, about. */
const SPLICE_BYTES = 12

/**
 * Divides splices that are made one after the other into two lists of about the same size in bytes, which do the same when they are made
 * one after the other; a splice in the middle is divided. Null for what is one character inserted or deleted, or less.
 */
export function halveSplices(
  splices: readonly TextSplice[],
): readonly [readonly TextSplice[], readonly TextSplice[]] | null {
  const half = splices.reduce((sum, splice) => sum + bytesOf(splice), 0) / 2
  let bytes = 0
  for (const [at, splice] of splices.entries()) {
    const next = bytes + bytesOf(splice)
    if (next < half && at < splices.length - 1) {
      bytes = next
      continue
    }
    const parts = divide(splice, half - bytes)
    const [before, after] = [splices.slice(0, at), splices.slice(at + 1)]
    if (parts !== null)
      return [
        [...before, parts[0]],
        [parts[1], ...after],
      ]
    if (before.length > 0) return [before, [splice, ...after]]
    return after.length > 0 ? [[splice], after] : null
  }
  return null
}

/** One splice as two, the first inserting about `bytes`; the deletion is with the first unless it is all there is to divide. */
function divide(
  [position, deleted, inserted]: TextSplice,
  bytes: number,
): readonly [TextSplice, TextSplice] | null {
  const characters = Array.from(inserted)
  if (characters.length > 1) {
    let count = 0
    for (let taken = 0; taken < bytes && count < characters.length - 1; count++)
      taken += Buffer.byteLength(characters[count] as string)
    count = Math.max(count, 1)
    const [first, second] = [characters.slice(0, count).join(''), characters.slice(count).join('')]
    return [
      [position, deleted, first],
      [position + count, 0, second],
    ]
  }
  if (deleted < 2) return null
  const count = Math.floor(deleted / 2)
  return [
    [position, count, inserted],
    [position + countCodePoints(inserted), deleted - count, ''],
  ]
}

const bytesOf = ([, , inserted]: TextSplice): number => Buffer.byteLength(inserted) + SPLICE_BYTES
