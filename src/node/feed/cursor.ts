import { decodeCanonical, encodeCanonical } from '../../core/canonical-cbor.ts'
import { HASH_BYTES } from '../../core/hash.ts'
import { FEED_CURSOR_HEADS_MAX } from '../../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'

/**
 * How far a follower has come: an opaque text for whoever keeps it. It names the file it was made on, where numbers say it all; on another
 * file (a snapshot, another node) what it says by ids still holds.
 */
export interface Cursor {
  /** Which file the numbers are about. */
  readonly feed: Uint8Array
  /** Operations taken so far, and turns (src/storage/space-store.ts). */
  readonly ordinal: number
  readonly turn: number
  /** Ends of what was taken, by id: past⁺ of these has been seen. At most FEED_CURSOR_HEADS_MAX, the latest; the rest comes twice elsewhere. */
  readonly heads: readonly Uint8Array[]
  /** Where the follower comes from another file: the ends of what it took there, to be left out below `skipUntil`. */
  readonly skip: readonly Uint8Array[]
  readonly skipUntil: number
}

/** Bytes of a feed's name. */
export const FEED_NAME_BYTES = 8
const VERSION = 1
/** Characters of the longest cursor there is, with room. */
const TEXT_MAX = 2 * (2 * FEED_CURSOR_HEADS_MAX * (HASH_BYTES + 4) + 256)

/** A cursor as text: letters, digits, `-` and `_`. */
export function formatCursor({ feed, ordinal, turn, heads, skip, skipUntil }: Cursor): string {
  const bytes = encodeCanonical([VERSION, feed, ordinal, turn, heads, skip, skipUntil])
  return Buffer.from(bytes).toString('base64url')
}

/** Reads a cursor. Total. */
export function parseCursor(text: string): Result<Cursor, Fault<'BAD_CURSOR'>> {
  if (text.length > TEXT_MAX || !/^[\w-]+$/.test(text)) return bad()
  const decoded = decodeCanonical(new Uint8Array(Buffer.from(text, 'base64url')))
  if (!decoded.ok || !Array.isArray(decoded.value) || decoded.value.length !== 7) return bad()
  const [version, feed, ordinal, turn, heads, skip, skipUntil] = decoded.value as unknown[]
  if (version !== VERSION || !(feed instanceof Uint8Array) || feed.length !== FEED_NAME_BYTES) return bad()
  if (!isCount(ordinal) || !isCount(turn) || !isCount(skipUntil) || !isIds(heads) || !isIds(skip))
    return bad()
  return ok({ feed, ordinal, turn, heads, skip, skipUntil })
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isIds = (value: unknown): value is readonly Uint8Array[] =>
  Array.isArray(value) &&
  value.length <= FEED_CURSOR_HEADS_MAX &&
  value.every((id) => id instanceof Uint8Array && id.length === HASH_BYTES)

const bad = () =>
  fail('BAD_CURSOR', 'the cursor is not one that Hanse has given: leave it out to begin from the start')
