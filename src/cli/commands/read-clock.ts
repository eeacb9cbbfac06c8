import { parseClockText } from '../../core/clock-text.ts'
import { CLOCK_TEXT_BYTES_MAX } from '../../core/limits.ts'
import { FaultError, orThrow } from '../../node/fault-error.ts'
import type { Shell } from '../shell.ts'
import { readInput } from './read-input.ts'

/** A clock as text: JSON from the command line, else from a file, for a large one does not fit; `-` is standard input. */
export async function readClock(given: string, shell: Shell): Promise<string> {
  const text = given.trimStart().startsWith('{') ? given : await readText(given, shell)
  orThrow(parseClockText(text))
  return text
}

async function readText(given: string, shell: Shell): Promise<string> {
  try {
    const source = given === '-' ? shell.input : given
    return Buffer.from(
      await readInput(source, CLOCK_TEXT_BYTES_MAX, 'which is the most a clock has'),
    ).toString()
  } catch (error) {
    if (!(error instanceof FaultError)) throw error
    const detail = `${error.message}; a clock is what "hanse ops clock" prints, as JSON or in a file`
    throw new FaultError({ code: error.code, detail })
  }
}
