import { encodeCanonical } from '../canonical-cbor.ts'
import type { SharedBytes } from '../shared-bytes.ts'

/** A list of four, as every change is: type, version, path, payload. */
const LIST_OF_FOUR = 0x84
/** Heads of a text of up to 23 bytes, and of one of up to 255 whose length is in the next byte. */
const TEXT = 0x60
const LONG_TEXT = 0x78
/** From here on a length or a number is in the bytes that follow. */
const LONG = 24

/**
 * An encoded change without its path, where that is the path of its operation, as it mostly is; null where it is another, or not plain ASCII,
 * or the change begins in no usual way. {@link insertPath} puts it back.
 */
export function cutPath(change: Uint8Array, path: string): Uint8Array | null {
  const at = pathPlace(change)
  if (at === null) return null
  const head = change[at] as number
  const from = head === LONG_TEXT ? at + 2 : at + 1
  if (
    path.length >= LONG ? head !== LONG_TEXT || change[at + 1] !== path.length : head !== TEXT + path.length
  )
    return null
  if (from + path.length >= change.length) return null
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i)
    if (code !== change[from + i] || code > 0x7f) return null
  }
  const cut = new Uint8Array(change.length - (from - at) - path.length)
  cut.set(change.subarray(0, at))
  cut.set(change.subarray(from + path.length), at)
  return cut
}

/** The change with the path where it belongs, in `room`; null where it begins in no way that {@link cutPath} leaves. */
export function insertPath(cut: Uint8Array, path: string, room: SharedBytes): Uint8Array | null {
  const at = pathPlace(cut)
  if (at === null) return null
  const text = encodeCanonical(path)
  const change = room.take(cut.length + text.length)
  change.set(cut.subarray(0, at))
  change.set(text, at)
  change.set(cut.subarray(at), at + text.length)
  return change
}

/** Where the path of a change begins: after a type and a version with heads of one byte; null where they have others, or nothing follows. */
function pathPlace(change: Uint8Array): number | null {
  const typeBytes = (change[1] ?? 0) - TEXT
  if (change[0] !== LIST_OF_FOUR || typeBytes < 1 || typeBytes >= LONG) return null
  const at = 2 + typeBytes + 1
  return at < change.length && (change[at - 1] as number) < LONG ? at : null
}
