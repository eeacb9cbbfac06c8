import { utf8 } from '../../bytes.ts'
import { encodeCanonical } from '../../canonical-cbor.ts'
import {
  encodeChange,
  invalid,
  isMap,
  readElementRefs,
  type Change,
  type ChangeFault,
  type ElementRef,
} from '../../changes/change.ts'
import { FIELD_BYTES_MAX } from '../../limits.ts'
import { parsePath } from '../../path.ts'
import { ok, type Result } from '../../result.ts'
import type { CellEdit } from '../cell.ts'
import { writeElementRefs } from '../element-refs.ts'

/**
 * A relation `from –label→ to`: it lives at its source's path, and its value (what the relation is like; null where that it is there says
 * all) is replaced whole. One cell for each (label, target): the last writer wins, removal takes away what it saw.
 * Neither end has to exist, since it may arrive later or be deleted elsewhere at the same time.
 */
export const EDGE = 'edge'
const VERSION = 1

/** What an edge leads to, and what it is called. */
export interface EdgeEnd {
  /** One path segment of at most FIELD_BYTES_MAX bytes. */
  readonly label: string
  /** Path of an item in the same space. */
  readonly to: string
}

/** The change that draws the edge from `path`, or replaces its value. */
export function setEdge(path: string, { label, to }: EdgeEnd, value: unknown): Uint8Array {
  return encodeChange({ type: EDGE, version: VERSION, path, payload: { label, to, set: value } })
}

/** The change that takes an edge away, by naming the writes that were seen of it. */
export function removeEdge(
  path: string,
  { label, to }: EdgeEnd,
  observed: readonly ElementRef[],
): Uint8Array {
  const payload = { label, to, remove: writeElementRefs(observed) }
  return encodeChange({ type: EDGE, version: VERSION, path, payload })
}

/** The field of an edge's cell. A label has no slash, so the first one ends it. */
export const edgeField = ({ label, to }: EdgeEnd): string => `${label}/${to}`

/** Label and target of the field of an edge's cell. */
export function parseEdgeField(field: string): EdgeEnd {
  const slash = field.indexOf('/')
  return { label: field.slice(0, slash), to: field.slice(slash + 1) }
}

/** Why an end cannot be one; null where it can. */
export function flawOfEdgeEnd({ label, to }: EdgeEnd): string | null {
  if (utf8(label).length > FIELD_BYTES_MAX || label.includes('/') || label === '' || !parsePath(label).ok)
    return `the label of an edge is one path segment of 1 to ${FIELD_BYTES_MAX} bytes`
  return to === '' || !parsePath(to).ok ? 'the target of an edge is the path of an item' : null
}

/** Reads the payload: a map with `label`, `to`, and one of `set` (any value) and `remove` (elements). */
export function readEdge({ payload, path }: Change, index: number): Result<readonly CellEdit[], ChangeFault> {
  if (!isMap(payload) || Object.keys(payload).length !== 3)
    return invalid('an edge change has label, to, and set or remove')
  const { label, to } = payload
  if (typeof label !== 'string' || typeof to !== 'string') return invalid('label and to of an edge are texts')
  const flaw = flawOfEdgeEnd({ label, to })
  if (flaw !== null) return invalid(flaw)
  const key = { path, type: EDGE, field: edgeField({ label, to }), index } as const
  if ('set' in payload) return ok([{ ...key, kind: 'set', value: encodeCanonical(payload['set']) }])
  const observed = readElementRefs(payload['remove'])
  if (observed === null) return invalid('remove of an edge names elements [operation id, index]')
  return ok([{ ...key, kind: 'remove', observed }])
}
