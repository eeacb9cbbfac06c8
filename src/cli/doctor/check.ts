/** What `hanse doctor` looks at, in the order in which it tells. */
export const AREAS = [
  'versions',
  'data',
  'keys',
  'configuration',
  'storage',
  'identity',
  'spaces',
  'clock',
  'ports',
  'reachability',
  'bootstrap',
  'peers',
  'http',
] as const

/** One thing that was looked at. */
export interface Check {
  readonly area: (typeof AREAS)[number]
  /** - `warn`: works, and somebody should know; `fail`: does not work. */
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was found. */
  readonly found: string
  /** What to do about it; null where there is nothing to do. */
  readonly advice: string | null
}

export type Area = Check['area']

export const ok = (area: Area, found: string): Check => ({ area, level: 'ok', found, advice: null })
export const warn = (area: Area, found: string, advice: string): Check => ({
  area,
  level: 'warn',
  found,
  advice,
})
export const fail = (area: Area, found: string, advice: string): Check => ({
  area,
  level: 'fail',
  found,
  advice,
})
