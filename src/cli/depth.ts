import { CAPS_MAX } from '../core/limits.ts'
import { fail, ok, type Fault, type Result } from '../core/result.ts'

/** Reads how often something may be passed on: a whole number from 0, less than the longest chain. */
export function parseDepth(text: string): Result<number, Fault<'BAD_DEPTH'>> {
  const depth = /^\d$/.test(text) ? Number(text) : CAPS_MAX
  return depth < CAPS_MAX
    ? ok(depth)
    : fail('BAD_DEPTH', `--depth ${JSON.stringify(text)} is not a number from 0 to ${CAPS_MAX - 1}`)
}
