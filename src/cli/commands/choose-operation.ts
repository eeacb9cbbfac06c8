import { toHex } from '../../core/bytes.ts'
import { ID_PREFIX_OPERATIONS_MAX } from '../../core/limits.ts'
import { FaultError } from '../../node/fault-error.ts'
import type { Space } from '../../node/space/space.ts'

/** Hexadecimal digits from which on a beginning is looked up. */
const PREFIX_DIGITS_MIN = 4
const ID_DIGITS = 64
const PAGE = 4_096

/** The id that a beginning of it means, among what is held and the newest operations. */
export function wholeId(space: Space, text: string): string {
  const id = text.toLowerCase()
  if (id.length === ID_DIGITS || id.length < PREFIX_DIGITS_MIN || !/^[0-9a-f]+$/.test(id)) return id
  const found = new Set<string>()
  for (const candidate of recentIds(space)) if (candidate.startsWith(id)) found.add(candidate)
  const [only, ...others] = found
  if (only === undefined) {
    const detail = `none of the newest operations here begins with ${id}: give all ${ID_DIGITS} digits of the id`
    throw new FaultError({ code: 'NOT_FOUND', detail })
  }
  if (others.length > 0)
    throw new FaultError({
      code: 'AMBIGUOUS',
      detail: `${found.size} operations begin with ${id}: give more digits`,
    })
  return only
}

function* recentIds(space: Space): Generator<string> {
  const { replica, store } = space.hosted
  for (const { operation } of replica.held.all()) yield toHex(operation.id)
  const from = Math.max(0, store.count() - ID_PREFIX_OPERATIONS_MAX)
  for (let ordinal = from; ordinal < store.count(); ordinal += PAGE) {
    for (const entry of store.entriesFrom(ordinal, PAGE)) yield toHex(entry.id)
  }
}
