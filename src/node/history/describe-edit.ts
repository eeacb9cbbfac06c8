import { toHex } from '../../core/bytes.ts'
import { decodeCanonical } from '../../core/canonical-cbor.ts'
import type { ElementRef } from '../../core/changes/change.ts'
import { HISTORY_WORDS_CHARACTERS_MAX } from '../../core/limits.ts'
import type { CellEdit, CellType } from '../../core/types/cell.ts'
import { parseEdgeField } from '../../core/types/edge/change.ts'
import type { TextEdit } from '../../core/types/text/edit.ts'
import { formatValue } from '../../core/value-json.ts'
import { orThrow } from '../fault-error.ts'

/** What one change did to one cell, for people and for programs. */
export interface EditDescription {
  /** Index of the change in its operation. */
  readonly index: number
  readonly path: string
  readonly type: CellType
  /** A map's field, a set's member, `label/to` of an edge, the place of a log's entry; else empty. */
  readonly field: string
  readonly kind: CellEdit['kind']
  /** What was set; absent where nothing was. */
  readonly value?: unknown
  /** By how much a counter was changed. */
  readonly by?: number
  /** How a text was edited: at a position, so many characters deleted and these inserted, as docs/protocol.md §3 counts. */
  readonly edits?: readonly TextEdit[]
  /** What was removed: the writes that the author saw, by operation (hexadecimal) and index. */
  readonly removes?: readonly ElementName[]
  /** The same in a few words, e.g. `name = "Ada"`; values are shortened. */
  readonly words: string
}

/** The name of one write. */
export interface ElementName {
  /** Hexadecimal. */
  readonly operation: string
  readonly index: number
}

/** Says what an edit does. */
export function describeEdit(edit: CellEdit): EditDescription {
  const { index, path, type, field, kind } = edit
  const described = { index, path, type, field, kind, words: wordsOf(edit) }
  switch (kind) {
    case 'set':
      return { ...described, value: valueOf(edit.value) }
    case 'add':
      return { ...described, by: edit.by }
    case 'edit':
      return { ...described, edits: edit.edits }
    case 'remove':
      return { ...described, removes: edit.observed.map(elementOf) }
    case 'clear':
      return described
  }
}

/** How people call a field of an item: `name`, `–knows→ people/bob`; empty where the item has one value. */
export function fieldWords(type: CellType, field: string): string {
  if (type !== 'edge') return type === 'log' ? '' : field
  const { label, to } = parseEdgeField(field)
  return `–${label}→ ${to}`
}

/** A value on one line, shortened. */
export function valueWords(value: unknown): string {
  const text = formatValue(value)
  return text.length <= HISTORY_WORDS_CHARACTERS_MAX
    ? text
    : `${text.slice(0, HISTORY_WORDS_CHARACTERS_MAX).toWellFormed()}…`
}

/** The value in a cell, from its canonical bytes. */
export function valueOf(bytes: Uint8Array): unknown {
  return orThrow(decodeCanonical(bytes))
}

function elementOf({ id, index }: ElementRef): ElementName {
  return { operation: toHex(id), index }
}

function wordsOf(edit: CellEdit): string {
  const field = fieldWords(edit.type, edit.field)
  switch (edit.kind) {
    case 'set':
      return settingWords(edit.type, field, valueOf(edit.value))
    case 'add':
      return edit.by < 0 ? `− ${-edit.by}` : `+ ${edit.by}`
    case 'edit':
      return textWords(edit.edits)
    case 'clear':
      return edit.type === 'text' ? 'deleted' : 'set back to 0'
    case 'remove':
      return edit.type === 'claim'
        ? 'claim released'
        : edit.type === 'set'
          ? `− ${field}`
          : removalWords(field)
  }
}

/** In words what edits of a text do, e.g. `inserted "a" and "b", deleted 2 characters`; what is inserted is shortened as a whole. */
export function textWords(edits: readonly TextEdit[]): string {
  const inserted = insertedWords(edits.flatMap(([, , text]) => (text === '' ? [] : [text])))
  const deleted = edits.reduce((sum, [, count]) => sum + count, 0)
  const parts = [
    ...(inserted === '' ? [] : [`inserted ${inserted}`]),
    ...(deleted === 0 ? [] : [`deleted ${deleted} ${deleted === 1 ? 'character' : 'characters'}`]),
  ]
  return parts.length === 0 ? 'created, empty' : parts.join(', ')
}

/** Each by itself, as many as one value may have characters, at most. */
function insertedWords(texts: readonly string[]): string {
  const shown: string[] = []
  let characters = 0
  for (const text of texts) {
    if (characters >= HISTORY_WORDS_CHARACTERS_MAX) break
    shown.push(valueWords(text))
    characters += text.length
  }
  const more = texts.length - shown.length
  if (more > 0) return `${shown.join(', ')} and ${more} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function settingWords(type: CellType, field: string, value: unknown): string {
  switch (type) {
    case 'set':
      return `+ ${field}`
    case 'log':
      return `appended ${valueWords(value)}`
    case 'claim':
      return `claimed with ${valueWords(value)}`
    case 'edge':
      return value === null ? field : `${field} = ${valueWords(value)}`
    default:
      return field === '' ? `= ${valueWords(value)}` : `${field} = ${valueWords(value)}`
  }
}

const removalWords = (field: string): string => (field === '' ? 'deleted' : `${field} deleted`)
