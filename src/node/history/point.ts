import { PastReader } from '../../core/ancestry.ts'
import { toHex } from '../../core/bytes.ts'
import type { Entry } from '../../core/graph.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import type { SpaceStore } from '../../storage/space-store.ts'
import { FaultError } from '../fault-error.ts'
import { parseOperationId } from '../space/operation-id.ts'

/**
 * A point in the history of a space:
 * - `now`: all that is here;
 * - an operation: itself and all of its past, which is what its author had seen and made; `isBefore`: its past alone;
 * - a time, ms since 1970: every operation with a time at or before it. Times are those of the authors' clocks, and none is less than
 *   that of what its author had seen, so causes are never left out.
 */
export type Point =
  | { readonly kind: 'now' }
  | { readonly kind: 'operation'; readonly id: Uint8Array; readonly isBefore: boolean }
  | { readonly kind: 'time'; readonly timeMs: number }

/** Digits of a whole number that is a time; fewer are no moment that a person means. */
const TIME_DIGITS = /^\d{9,16}$/

/**
 * Reads a point: `now`; an operation's id, hexadecimal and whole, with `^` for before it; a time as ms since 1970 or as ISO 8601, which is
 * local where it names no zone. `BAD_POINT` for anything else.
 */
export function parsePoint(given: string | number): Result<Point, Fault<'BAD_POINT'>> {
  if (typeof given === 'number') {
    return Number.isSafeInteger(given) && given >= 0
      ? ok({ kind: 'time', timeMs: given })
      : fail('BAD_POINT', `a time is a whole number of ms since 1970, not ${given}`)
  }
  const text = given.trim()
  if (text === 'now') return ok({ kind: 'now' })
  const [, id, before] = /^([0-9a-f]{64})(\^?)$/i.exec(text) ?? []
  if (id !== undefined)
    return ok({ kind: 'operation', id: parseOperationId(id.toLowerCase()), isBefore: before === '^' })
  if (TIME_DIGITS.test(text)) return parsePoint(Number(text))
  const timeMs = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(timeMs) && timeMs >= 0) return ok({ kind: 'time', timeMs })
  return fail(
    'BAD_POINT',
    `${JSON.stringify(given)} is no point in history: give an operation's id (see "hanse log"), one followed by ^ for before it, a time such as 2026-11-21T14:05, ms since 1970, or now`,
  )
}

/** Whether an admitted operation is there at a point. Throws `UNKNOWN_OPERATION` where the point has not arrived here. */
export function reachOf(point: Point, store: SpaceStore): (entry: Entry) => boolean {
  switch (point.kind) {
    case 'now':
      return () => true
    case 'time':
      return ({ time }) => time <= point.timeMs
    case 'operation': {
      const entry = entryOf(point.id, store)
      const from = point.isBefore ? entry.parents.map((ordinal) => ({ ordinal })) : [entry]
      const past = new PastReader(store, from)
      return (one) => past.has(one)
    }
  }
}

/** The admitted operation of that id; throws `UNKNOWN_OPERATION`. */
export function entryOf(id: Uint8Array, store: SpaceStore): Entry {
  const entry = store.find(id)
  if (entry !== undefined) return entry
  throw new FaultError({
    code: 'UNKNOWN_OPERATION',
    detail: `operation ${toHex(id)} has not arrived here: sync first, or see "hanse log" for those that have`,
  })
}
