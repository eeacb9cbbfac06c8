import { orThrow } from '../node/fault-error.ts'
import { checkEdit } from '../node/space/check-edit.ts'
import type { ItemEdit, ItemType } from '../node/space/item-edit.ts'
import type { TextSplice } from '../core/types/text/delta.ts'
import { givenValue } from '../node/given-value.ts'
import type { EditJson } from './schemas/item.ts'

/** An edit from JSON that has the form its schema asks for. Throws `BAD_PATH`, `BAD_VALUE`, `BAD_FIELD_NAME`, `BAD_EDGE`, `APPEND_ONLY`. */
export function editOf(path: string, json: EditJson): ItemEdit {
  const edit = readEdit(path, json)
  orThrow(checkEdit(edit))
  return edit
}

function readEdit(path: string, json: EditJson): ItemEdit {
  switch (json.kind) {
    case 'put':
    case 'append':
    case 'claim':
      return { kind: json.kind, path, value: givenValue(json.value) }
    case 'edit':
      return {
        kind: 'edit',
        path,
        set: givenValue(json.set ?? {}) as Readonly<Record<string, unknown>>,
        remove: json.remove ?? [],
      }
    case 'link':
      return { kind: 'link', path, label: json.label, to: json.to, value: givenValue(json.value ?? null) }
    case 'unlink':
      return { kind: 'unlink', path, label: json.label, to: json.to }
    case 'tag':
      return { kind: 'tag', path, add: json.add ?? [], remove: json.remove ?? [] }
    case 'count':
      return { kind: 'count', path, by: json.by ?? 1 }
    case 'text':
      return { kind: 'text', path, splices: json.splices.map(spliceOf) }
    case 'delete':
      return { kind: 'delete', path, type: json.type }
  }
}

/** A splice from JSON. */
export function spliceOf({
  at,
  delete: deleted = 0,
  insert = '',
}: {
  readonly at: number
  readonly delete?: number
  readonly insert?: string
}): TextSplice {
  return [at, deleted, insert]
}

/** The type of the item that an edit is about. */
export function typeOfEdit(edit: ItemEdit): ItemType {
  switch (edit.kind) {
    case 'put':
      return 'register'
    case 'edit':
      return 'map'
    case 'link':
    case 'unlink':
      return 'edge'
    case 'append':
      return 'log'
    case 'tag':
      return 'set'
    case 'count':
      return 'counter'
    case 'claim':
      return 'claim'
    case 'attach':
      return 'blob'
    case 'text':
      return 'text'
    case 'remove':
    case 'delete':
      return edit.type
  }
}

/** True for an edit whose outcome tells of what shows: such as how long a text is, or whether there was something to delete. */
export function buildsOnWhatShows(edit: ItemEdit): boolean {
  switch (edit.kind) {
    case 'put':
    case 'link':
    case 'append':
    case 'count':
    case 'claim':
    case 'attach':
      return false
    case 'edit':
    case 'tag':
      return (edit.remove?.length ?? 0) > 0
    case 'unlink':
    case 'text':
    case 'remove':
    case 'delete':
      return true
  }
}
