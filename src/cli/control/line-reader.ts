/** Thrown by {@link readLines}: the other side does not keep to the protocol. */
export class LineError extends Error {
  override readonly name = 'LineError'
}

/**
 * The lines of a byte stream, without their ends. Holds at most `lineBytesMax` bytes and one chunk. Throws a {@link LineError} for a
 * longer line, bytes that are not UTF-8, or an end in the middle of a line.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      if (size + end - from > lineBytesMax) throw tooLong(lineBytesMax)
      yield decode([...parts, chunk.subarray(from, end)])
      parts = []
      size = 0
      from = end + 1
    }
    if (from === chunk.length) continue
    parts.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > lineBytesMax) throw tooLong(lineBytesMax)
  }
  if (size > 0) throw new LineError('the stream ended in the middle of a line')
}

const NEWLINE = 0x0a

function decode(parts: readonly Uint8Array[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts))
  } catch {
    throw new LineError('a line is not UTF-8 text')
  }
}

const tooLong = (lineBytesMax: number) => new LineError(`a line has more than ${lineBytesMax} bytes`)
