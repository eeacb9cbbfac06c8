import { PATH_BYTES_MAX, PATH_SEGMENTS_MAX } from './limits.ts'
import { fail, ok, type Fault, type Result } from './result.ts'

/** The path that every path is at or below. */
export const ROOT_PATH = ''

const SLASH = 0x2f
const DOT = 0x2e
/** Longer paths are looked at in another way; far below PATH_BYTES_MAX. */
const SIMPLE_LENGTH_MAX = 64

/**
 * A path inside a space: segments joined by `/`, Unicode NFC. The empty text is the root. Refused, with `BAD_PATH`:
 * 1. more than PATH_BYTES_MAX bytes of UTF-8, or more than PATH_SEGMENTS_MAX segments;
 * 2. a lone surrogate, or not in normal form NFC (two spellings of one name would be two items);
 * 3. an empty segment (so no slash at either end, and none doubled);
 * 4. a segment `.` or `..`.
 */
export function parsePath(text: string): Result<string, Fault<'BAD_PATH'>> {
  if (text === ROOT_PATH || isSimple(text)) return ok(text)
  const size = Buffer.byteLength(text)
  if (size > PATH_BYTES_MAX) return refuse(text, `has ${size} bytes, at most ${PATH_BYTES_MAX} are allowed`)
  // As many bytes as characters: ASCII, which is well-formed and in every normal form.
  if (size !== text.length) {
    if (!text.isWellFormed()) return refuse(text, 'is not well-formed Unicode')
    if (text.normalize('NFC') !== text) return refuse(text, 'is not in Unicode normal form NFC')
  }
  const segments = text.split('/')
  if (segments.length > PATH_SEGMENTS_MAX) {
    return refuse(text, `has ${segments.length} segments, at most ${PATH_SEGMENTS_MAX} are allowed`)
  }
  for (const segment of segments) {
    if (segment === '') return refuse(text, 'has an empty segment (a slash too many)')
    if (segment === '.' || segment === '..') return refuse(text, `has the segment "${segment}"`)
  }
  return ok(text)
}

/** True for what most paths are, found out without taking them apart: short, of ASCII, and no segment begins with a dot. */
function isSimple(text: string): boolean {
  if (text.length > SIMPLE_LENGTH_MAX) return false
  let segments = 1
  let before = SLASH
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80 || (before === SLASH && (code === SLASH || code === DOT))) return false
    if (code === SLASH) segments++
    before = code
  }
  return before !== SLASH && segments <= PATH_SEGMENTS_MAX
}

/** True when `path` is `prefix` itself or lies below it, by whole segments. */
export function isAtOrBelow(path: string, prefix: string): boolean {
  if (prefix === ROOT_PATH || path === prefix) return true
  return path.charCodeAt(prefix.length) === SLASH && path.startsWith(prefix)
}

/** The longest path that all of `paths` are at or below; the root where there are none. */
export function commonPath(paths: readonly string[]): string {
  const first = paths[0]
  if (first === undefined) return ROOT_PATH
  let common = first.split('/')
  for (const path of paths) {
    const segments = path.split('/')
    let length = 0
    while (length < common.length && length < segments.length && common[length] === segments[length]) length++
    common = common.slice(0, length)
  }
  return common.join('/')
}

function refuse(path: string, why: string) {
  return fail('BAD_PATH', `path ${JSON.stringify(path.slice(0, 80))} ${why}`)
}
