import { utf8 } from '../bytes.ts'
import { decodeCanonical, encodeCanonical } from '../canonical-cbor.ts'
import { HASH_BYTES } from '../hash.ts'
import { OBSERVED_MAX, TYPE_BYTES_MAX, VALUE_DEPTH_MAX } from '../limits.ts'
import { parsePath } from '../path.ts'
import { fail, ok, type Fault, type Result } from '../result.ts'

/**
 * One change of a body, before its type has looked at the payload. On the wire: canonical DAG-CBOR
 * `[type, version, path, payload]` (docs/protocol.md §3).
 */
export interface Change {
  /** The type of the item, e.g. `register`; part of the item's name. */
  readonly type: string
  /** Version of that type's schema, from 1. */
  readonly version: number
  readonly path: string
  readonly payload: unknown
}

/**
 * The name of one element inside a body: which operation, and which of its changes. Never chosen by the author, so a forked
 * author cannot make two elements with one name.
 */
export interface ElementRef {
  readonly id: Uint8Array
  readonly index: number
}

/** Why a change has no effect. */
export type ChangeFault = Fault<'CHANGE_INVALID'>

/** Canonical bytes of a change. */
export function encodeChange(change: Change): Uint8Array {
  return encodeCanonical([change.type, change.version, change.path, change.payload])
}

/** Reads the frame of a change; its type reads the payload. Any fault voids this change and nothing else. */
export function decodeChange(bytes: Uint8Array): Result<Change, ChangeFault> {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return invalid(decoded.fault.detail)
  const list = decoded.value
  if (!Array.isArray(list) || list.length !== 4)
    return invalid('a change is a list of type, version, path and payload')
  const [type, version, path, payload] = list as unknown[]
  if (typeof type !== 'string' || type === '' || utf8(type).length > TYPE_BYTES_MAX) {
    return invalid(`the type of a change is a text of 1 to ${TYPE_BYTES_MAX} bytes`)
  }
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    return invalid('the version of a change is a whole number from 1')
  if (typeof path !== 'string') return invalid('the path of a change is a text')
  const parsed = parsePath(path)
  if (!parsed.ok) return invalid(parsed.fault.detail)
  if (!isShallow(payload, VALUE_DEPTH_MAX)) return invalid(`a value is nested deeper than ${VALUE_DEPTH_MAX}`)
  return ok({ type, version: version as number, path, payload })
}

/** A change without effect, and why. */
export function invalid(detail: string) {
  return fail('CHANGE_INVALID', detail)
}

/** Reads the elements a deletion names: a list of `[operation id, index]`, at most OBSERVED_MAX. Null where it is not one. */
export function readElementRefs(value: unknown): readonly ElementRef[] | null {
  if (!Array.isArray(value) || value.length > OBSERVED_MAX) return null
  const refs: ElementRef[] = []
  for (const item of value as unknown[]) {
    if (!Array.isArray(item) || item.length !== 2) return null
    const [id, index] = item as unknown[]
    if (!(id instanceof Uint8Array) || id.length !== HASH_BYTES) return null
    if (!Number.isSafeInteger(index) || (index as number) < 0) return null
    refs.push({ id, index: index as number })
  }
  return refs
}

/** True for a map as DAG-CBOR decodes it: a plain object. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  )
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  if (depth === 0) return false
  for (const inner of Object.values(value)) if (!isShallow(inner, depth - 1)) return false
  return true
}
