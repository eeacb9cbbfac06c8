import { utf8 } from '../../bytes.ts'
import { encodeCanonical } from '../../canonical-cbor.ts'
import { FIELD_BYTES_MAX } from '../../limits.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'

/**
 * An entity or a row: each field is a cell of its own, so writers of different fields never meet. Within a field the last
 * writer wins; a removal takes away what it saw, and a concurrent write to that field stays. A map shows while it has a field.
 */
export const MAP = 'map'
const VERSION = 1

/** What one change does to a map: fields to set, and fields to remove with the elements seen in them. */
export interface MapEdit {
  readonly set?: Readonly<Record<string, unknown>>
  readonly remove?: Readonly<Record<string, readonly ElementRef[]>>
}

/** The change that edits the map at `path`. */
export function editMap(path: string, edit: MapEdit): Uint8Array {
  const payload: Record<string, unknown> = {}
  if (edit.set !== undefined && Object.keys(edit.set).length > 0) payload['set'] = edit.set
  if (edit.remove !== undefined && Object.keys(edit.remove).length > 0) {
    payload['remove'] = Object.fromEntries(
      Object.entries(edit.remove).map(([field, refs]) => [field, refs.map((ref) => [ref.id, ref.index])]),
    )
  }
  return encodeChange({ type: MAP, version: VERSION, path, payload })
}

/**
 * Reads the payload: a map with `set` (field → value), `remove` (field → elements) or both, neither empty; field names of
 * 1 to FIELD_BYTES_MAX bytes; no field in both.
 */
export function readMap(change: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  const { payload, path } = change
  if (!isMap(payload)) return invalid('a map change is a map with set and remove')
  const edits: CellEdit[] = []
  const fields = new Set<string>()
  for (const [action, content] of Object.entries(payload)) {
    if (action !== 'set' && action !== 'remove')
      return invalid(`a map change has set and remove, not ${JSON.stringify(action)}`)
    if (!isMap(content) || Object.keys(content).length === 0)
      return invalid(`${action} of a map is a map that is not empty`)
    for (const [field, value] of Object.entries(content)) {
      if (field === '' || utf8(field).length > FIELD_BYTES_MAX)
        return invalid(`a field name has 1 to ${FIELD_BYTES_MAX} bytes`)
      if (fields.has(field)) return invalid(`field ${JSON.stringify(field)} is both set and removed`)
      fields.add(field)
      const key = { path, type: MAP, field, index } as const
      if (action === 'set') {
        edits.push({ ...key, kind: 'set', value: encodeCanonical(value) })
        continue
      }
      const observed = readElementRefs(value)
      if (observed === null) return invalid('remove of a map names elements [operation id, index] by field')
      edits.push({ ...key, kind: 'remove', observed })
    }
  }
  return edits.length === 0 ? invalid('a map change that changes nothing') : ok(edits)
}
