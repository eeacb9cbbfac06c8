/** The part of a content that a request asks for: from `start` up to `end`, which is not in it. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The range in a Range header (RFC 9110 §14.2) for content of that many bytes: null for all of it, `unsatisfiable` where it asks for none
 * that is there. Of several ranges, and of what is no range of bytes, all is given, as the RFC allows.
 */
export function parseByteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '')
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
