import { fromHex, toHex } from '../core/bytes.ts'
import { decodeCanonical, encodeCanonical } from '../core/canonical-cbor.ts'

/** What a node remembers of its own author keys. Keys and ids are hexadecimal. */
export interface IdentityRecord {
  /** Since when the key in use is in use, ms since 1970. */
  readonly sinceMs: number
  /** Until when former keys were in use, ms since 1970, by public key. */
  readonly untilMs: Readonly<Record<string, number>>
  /** The data directory was found to be a copy or an older state; null where it was not, or all is mended. */
  readonly restored: RestoredRecord | null
  /** Spaces in which an operation of the key arrived that this node has not made, and since when, ms since 1970. */
  readonly behind: Readonly<Record<string, number>>
}

export interface RestoredRecord {
  /** The key that was in use then: another one is not concerned. */
  readonly author: string
  readonly sinceMs: number
  /** Ids of spaces in which it is mended, or that began after. */
  readonly mended: readonly string[]
}

export function encodeIdentityRecord(record: IdentityRecord): Uint8Array {
  return encodeCanonical(record)
}

/** The record of a note. Null where it is damaged: then nothing is known of the key. */
export function decodeIdentityRecord(bytes: Uint8Array): IdentityRecord | null {
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok || !isMap(decoded.value)) return null
  const { sinceMs, untilMs, restored, behind } = decoded.value
  if (typeof sinceMs !== 'number' || !isTimes(untilMs) || !isTimes(behind)) return null
  if (restored !== null && !isRestored(restored)) return null
  return { sinceMs, untilMs, restored, behind }
}

function isRestored(value: unknown): value is RestoredRecord {
  if (!isMap(value) || typeof value['sinceMs'] !== 'number' || !Array.isArray(value['mended'])) return false
  return [value['author'], ...(value['mended'] as unknown[])].every(isHex)
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const isTimes = (value: unknown): value is Readonly<Record<string, number>> =>
  isMap(value) && Object.entries(value).every(([key, time]) => isHex(key) && typeof time === 'number')

const isHex = (value: unknown): value is string => {
  const bytes = typeof value === 'string' ? fromHex(value) : null
  return bytes !== null && toHex(bytes) === value
}
