import { encodeChange, invalid, isMap, type Change, type ChangeFault } from '../../changes/change.ts'
import { TEXT_EDITS_MAX } from '../../limits.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import type { TextEdit } from './edit.ts'

/**
 * Notes, code, prose: many people type at once and nobody's words are lost or mixed up letter by letter. On the wire a text is edited
 * by position, so there are no identifiers of characters to forge. Laws (test/core/types/text holds each against a stupid oracle):
 *
 * 1. **Positions** count Unicode code points: all characters that non-void edits in past(o) have inserted, those deleted or masked since
 *    included, in the walker's order (src/core/types/text/document.ts), and of one operation its earlier edits. So neither a deletion nor
 *    a mask moves a position, and whether an edit lies within its document depends on past(o) alone.
 * 2. **Void**: a change with an edit beyond its document, with deletions that sum up to more characters than the document then has, or
 *    after which it has more than TEXT_CHARACTERS_MAX, does nothing; it harms no other change.
 * 3. **Order**: characters inserted at one place at the same time stand author by author, each run together, forwards and backwards.
 * 4. **Visible** is a character whose operation has its effect and which no edit with an effect deletes. Deleting twice is deleting once.
 * 5. **Deleting the text** deletes every character of past(o). The item exists while an edit with an effect that inserts (also the empty
 *    one that creates) is not in the past of a `delete` with an effect: typed at the same time, it stays, with what was typed.
 */
export const TEXT = 'text'
const VERSION = 1

/** The change that makes `edits`, one after the other, in the text at `path`; positions as law 1 has them. */
export function editText(path: string, edits: readonly TextEdit[]): Uint8Array {
  return encodeChange({ type: TEXT, version: VERSION, path, payload: { edits } })
}

/** The change that deletes the text at `path` as far as its author has seen it. */
export function deleteText(path: string): Uint8Array {
  return encodeChange({ type: TEXT, version: VERSION, path, payload: { delete: true } })
}

/**
 * Reads the payload: a map with exactly one of `edits` (1 to TEXT_EDITS_MAX lists of position, deleted and inserted, each of which
 * deletes or inserts something, unless it is the only one) and `delete` (true). Whether the edits fit is seen where they are placed.
 */
export function readText({ payload, path }: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  const key = { path, type: TEXT, field: '', index } as const
  if (!isMap(payload) || Object.keys(payload).length !== 1)
    return invalid('a text change has either edits or delete')
  if (payload['delete'] === true) return ok([{ ...key, kind: 'clear' }])
  const list = payload['edits']
  if (!Array.isArray(list) || list.length === 0)
    return invalid('edits of a text are a list that is not empty, and delete is true')
  if (list.length > TEXT_EDITS_MAX) return invalid(`a text change makes at most ${TEXT_EDITS_MAX} edits`)
  for (const edit of list as unknown[]) {
    if (!isTextEdit(edit))
      return invalid('an edit of a text is a list of position, count of deleted characters and inserted text')
    if (list.length > 1 && edit[1] === 0 && edit[2] === '')
      return invalid('an edit that changes nothing is the only one of its change')
  }
  return ok([{ ...key, kind: 'edit', edits: list as TextEdit[] }])
}

function isTextEdit(edit: unknown): edit is TextEdit {
  if (!Array.isArray(edit) || edit.length !== 3) return false
  const [position, deleted, inserted] = edit as unknown[]
  return isCount(position) && isCount(deleted) && typeof inserted === 'string' && inserted.isWellFormed()
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
