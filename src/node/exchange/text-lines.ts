import { fail, ok, type Fault, type Result } from '../../core/result.ts'

/** One line of a file, without its end, or why it is none. */
export interface TextLine {
  /** From 1. */
  readonly number: number
  readonly text: Result<string, Fault<'LIMIT' | 'BAD_TEXT'>>
}

const NEWLINE = 0x0a

/**
 * The lines of a byte stream; empty ones are left out, the last needs no end. A line of more than `lineBytesMax` bytes, or one that is
 * not UTF-8, is a fault in its own place. Holds one line and one chunk.
 */
export async function* readTextLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<TextLine> {
  let number = 1
  let parts: Uint8Array[] = []
  let size = 0
  const add = (part: Uint8Array) => {
    size += part.length
    // What is too long is counted on, and not kept.
    if (size <= lineBytesMax) parts.push(part)
    else parts = []
  }
  const close = (): TextLine | null => {
    const text =
      size > lineBytesMax
        ? fail('LIMIT', `the line has ${size} bytes, at most ${lineBytesMax} are allowed`)
        : decodeText(parts)
    const line = { number, text }
    number++
    parts = []
    size = 0
    return text.ok && text.value.trim() === '' ? null : line
  }
  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end))
      const line = close()
      if (line !== null) yield line
      from = end + 1
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
  const line = size === 0 ? null : close()
  if (line !== null) yield line
}

function decodeText(parts: readonly Uint8Array[]): Result<string, Fault<'BAD_TEXT'>> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts)))
  } catch {
    return fail('BAD_TEXT', 'the line is not UTF-8 text')
  }
}
