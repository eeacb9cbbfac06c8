import { FIELD_BYTES_MAX, VALUE_DEPTH_MAX } from '../../core/limits.ts'
import { utf8 } from '../../core/bytes.ts'
import { readBlobReference } from '../../core/types/blob/change.ts'
import { flawOfEdgeEnd } from '../../core/types/edge/change.ts'
import { LOG } from '../../core/types/log/change.ts'
import { CID } from 'multiformats/cid'
import { parsePath } from '../../core/path.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { ItemEdit } from './item-edit.ts'

/** What a change puts around a value counts towards its depth: the payload, and `set`. */
const DEPTH_MAX = VALUE_DEPTH_MAX - 2

/**
 * Whether an edit can become a change with effect. What a user gives is checked here, because a change that is refused later is void:
 * 1. the path (`BAD_PATH`);
 * 2. every value has a form in DAG-CBOR: no `undefined`, NaN, lone surrogate or key `__proto__`, integers within 64 bits, nested at
 *    most VALUE_DEPTH_MAX - 2 deep, and so for what is inserted into texts (`BAD_VALUE`);
 * 3. label and target of an edge (`BAD_EDGE`);
 * 4. field names and members of sets have 1 to FIELD_BYTES_MAX bytes, and none is both set and removed (`BAD_FIELD_NAME`);
 * 5. no log is deleted (`APPEND_ONLY`).
 */
export function checkEdit(
  edit: ItemEdit,
): Result<void, Fault<'BAD_PATH' | 'BAD_VALUE' | 'BAD_FIELD_NAME' | 'BAD_EDGE' | 'APPEND_ONLY'>> {
  const path = parsePath(edit.path)
  if (!path.ok) return path
  switch (edit.kind) {
    case 'put':
    case 'append':
    case 'claim':
      return checkValue(edit.value)
    case 'edit':
      return checkFields('field name', edit.set ?? {}, edit.remove ?? [])
    case 'tag':
      return checkFields(
        'tag',
        Object.fromEntries((edit.add ?? []).map((member) => [member, true])),
        edit.remove ?? [],
      )
    case 'link':
    case 'unlink': {
      const flaw = flawOfEdgeEnd(edit)
      if (flaw !== null)
        return fail(
          'BAD_EDGE',
          `${flaw}: the edge from ${JSON.stringify(edit.path)} has ${JSON.stringify(edit.label)} to ${JSON.stringify(edit.to)}`,
        )
      return checkValue(edit.kind === 'link' ? (edit.value ?? null) : null)
    }
    case 'count':
      return Number.isSafeInteger(edit.by)
        ? ok(undefined)
        : fail('BAD_VALUE', `a counter takes whole numbers within ±(2^53 - 1), not ${edit.by}`)
    case 'attach': {
      const reference = readBlobReference(edit.reference)
      return reference.ok ? ok(undefined) : reference
    }
    case 'text':
      return edit.splices.every(([, , inserted]) => inserted.isWellFormed())
        ? ok(undefined)
        : fail('BAD_VALUE', 'the text cannot be stored: it is not well-formed Unicode')
    case 'remove':
      return ok(undefined)
    case 'delete':
      return edit.type === LOG
        ? fail(
            'APPEND_ONLY',
            `${JSON.stringify(edit.path)} is a log, whose entries stay for good: revoke what let their author write, or append a correction`,
          )
        : ok(undefined)
  }
}

function checkFields(
  what: 'field name' | 'tag',
  set: Readonly<Record<string, unknown>>,
  remove: readonly string[],
): ReturnType<typeof checkEdit> {
  const removed = new Set(remove)
  for (const field of [...Object.keys(set), ...removed]) {
    const size = utf8(field).length
    if (size === 0 || size > FIELD_BYTES_MAX) {
      return fail(
        'BAD_FIELD_NAME',
        `the ${what} ${JSON.stringify(field.slice(0, 40))} has ${size} bytes: 1 to ${FIELD_BYTES_MAX} are allowed`,
      )
    }
    if (field === '__proto__' || !field.isWellFormed()) {
      return fail(
        'BAD_FIELD_NAME',
        `the ${what} ${JSON.stringify(field.slice(0, 40))} cannot be stored: choose another`,
      )
    }
    if (removed.has(field) && Object.hasOwn(set, field)) {
      return fail(
        'BAD_FIELD_NAME',
        `the ${what} ${JSON.stringify(field.slice(0, 40))} is both set and removed: leave out one`,
      )
    }
  }
  for (const value of Object.values(set)) {
    const checked = checkValue(value)
    if (!checked.ok) return checked
  }
  return ok(undefined)
}

function checkValue(value: unknown): Result<void, Fault<'BAD_VALUE'>> {
  const why = flawOf(value, 0)
  return why === null ? ok(undefined) : fail('BAD_VALUE', `the value cannot be stored: ${why}`)
}

function flawOf(value: unknown, depth: number): string | null {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? null : 'a text in it is not well-formed Unicode'
    case 'number':
      return Number.isFinite(value) ? null : `the number ${value} is not finite`
    case 'bigint':
      return value < 1n << 64n && value >= -(1n << 64n) ? null : 'an integer in it has more than 64 bits'
    case 'boolean':
      return null
    case 'object':
      return flawOfObject(value, depth)
    default:
      return `it holds ${typeof value}`
  }
}

function flawOfObject(value: object | null, depth: number): string | null {
  if (value === null || value instanceof Uint8Array || value instanceof CID) return null
  if (depth >= DEPTH_MAX) return `it is nested more than ${DEPTH_MAX} deep`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
    return `it holds a ${value.constructor.name}`
  // Not Object.entries for lists, which would pass over holes.
  const inner = Array.isArray(value) ? Array.from(value, (item: unknown) => item) : Object.values(value)
  if (!Array.isArray(value)) {
    for (const key of Object.keys(value)) {
      if (key === '__proto__' || !key.isWellFormed())
        return `it has a key that cannot be stored, ${JSON.stringify(key.slice(0, 40))}`
    }
  }
  for (const item of inner) {
    const flaw = flawOf(item, depth + 1)
    if (flaw !== null) return flaw
  }
  return null
}
