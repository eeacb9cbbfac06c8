import { FaultError } from '../node/fault-error.ts'
import type { ItemType } from '../node/space/item-edit.ts'
import { itemTag } from '../node/space/item-tag.ts'
import type { Space } from '../node/space/space.ts'

/** What must hold of an item for a request to be done (RFC 9110 §13.1): `*`, or entity tags as they stand in a header. */
export interface Conditions {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

/** The conditions in the headers of a request. */
export function conditionsOf(headers: Readonly<Record<string, unknown>>): Conditions {
  return { ifMatch: textOf(headers['if-match']), ifNoneMatch: textOf(headers['if-none-match']) }
}

/** True where nothing is asked to hold. */
export const isUnconditional = ({ ifMatch, ifNoneMatch }: Conditions): boolean =>
  ifMatch === undefined && ifNoneMatch === undefined

/** The entity tag of what shows, quoted; null where nothing does, and for logs. */
export function etagOf(space: Space, path: string, type: ItemType): string | null {
  return quoted(itemTag(path, type, space.hosted.store))
}

/** A tag as entity tags stand in a header. */
export function quoted(tag: string | null | undefined): string | null {
  return tag == null ? null : `"${tag}"`
}

/** Throws `IF_MATCH` where what shows is not what the request was made for. Nothing else happens between this and a write that follows at once. */
export function checkConditions(conditions: Conditions, space: Space, path: string, type: ItemType): void {
  if (isUnconditional(conditions)) return
  if (type === 'log')
    throw new FaultError({
      code: 'BAD_REQUEST',
      detail: 'a log only grows and has no entity tag: append without a condition',
    })
  const { ifMatch, ifNoneMatch } = conditions
  const etag = etagOf(space, path, type)
  const place = `the ${type} at ${JSON.stringify(path)}`
  if (ifMatch !== undefined && !isAmong(etag, ifMatch))
    throw new FaultError({
      code: 'IF_MATCH',
      detail: `${place} is not what you read (${etag === null ? 'nothing shows' : `it is ${etag} now`}): read it again and decide anew`,
    })
  if (ifNoneMatch !== undefined && isAmong(etag, ifNoneMatch))
    throw new FaultError({
      code: 'IF_MATCH',
      detail: `${place} is there already (${etag}): read it and decide anew`,
    })
}

/** True where a list of entity tags names this one; `*` names any. */
export function isAmong(etag: string | null, list: string): boolean {
  if (etag === null) return false
  return list.trim() === '*' || list.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

const textOf = (header: unknown): string | undefined => (typeof header === 'string' ? header : undefined)
