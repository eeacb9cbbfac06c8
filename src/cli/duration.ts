import { fail, ok, type Fault, type Result } from '../core/result.ts'

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** A duration as people write it: `90s`, `30m`, `12h`, `7d`, `2w`. In ms; at least a second, at most a hundred years. */
export function parseDuration(text: string, source: string): Result<number, Fault<'BAD_DURATION'>> {
  const match = /^(\d{1,9})([smhdw])$/.exec(text)
  const ms = match === null ? 0 : Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS]
  if (ms >= 1_000 && ms <= 36_525 * UNITS_MS.d) return ok(ms)
  return fail('BAD_DURATION', `${source} must be a duration like 30m, 12h or 7d, not ${JSON.stringify(text)}`)
}
