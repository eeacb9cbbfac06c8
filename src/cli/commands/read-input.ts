import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { FaultError } from '../../node/fault-error.ts'

/**
 * The bytes of a file, or of standard input, at most `bytesMax`. `BAD_FILE` where that cannot be read, `LIMIT` where it is larger; `advice` says
 * what that means.
 */
export async function readInput(
  source: string | Readable,
  bytesMax: number,
  advice = 'which is the most one operation holds: split it',
): Promise<Uint8Array> {
  const name = typeof source === 'string' ? source : 'standard input'
  const stream: Readable = typeof source === 'string' ? createReadStream(source) : source
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      size += chunk.length
      if (size > bytesMax) break
    }
  } catch (error) {
    throw new FaultError({
      code: 'BAD_FILE',
      detail: `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    })
  }
  if (size > bytesMax)
    throw new FaultError({
      code: 'LIMIT',
      detail: `${name} has more than ${bytesMax} bytes, ${advice}`,
    })
  return new Uint8Array(Buffer.concat(chunks))
}
