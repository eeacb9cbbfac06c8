import { BODY_BYTES_MAX } from '../../core/limits.ts'
import { formatValue, parseValue } from '../../core/value-json.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { Shell } from '../shell.ts'
import { readInput } from './read-input.ts'

/** A value from the command line as JSON text: JSON where it is JSON, else text; `-` reads standard input. `isText`: text in any case. */
export async function givenValue(given: string, isText: boolean, shell: Shell): Promise<string> {
  const text = given === '-' ? decodeText(await readInput(shell.input, BODY_BYTES_MAX)) : given
  return isText ? JSON.stringify(text) : formatValue(orThrow(parseValue(text)))
}

/** Bytes as text; `BAD_VALUE` where they are none. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FaultError({ code: 'BAD_VALUE', detail: 'what was read is not text in UTF-8' })
  }
}
