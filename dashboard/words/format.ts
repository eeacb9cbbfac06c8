const count = new Intl.NumberFormat()
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const date = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })

export const formatCount = (value: number): string => count.format(value)

export const formatAmount = (value: number, singular: string, plural = `${singular}s`): string =>
  `${formatCount(value)} ${value === 1 ? singular : plural}`

/** The time of day of a moment of the last twelve hours, or its date too. */
export function formatMoment(atMs: number): string {
  const isRecent = Math.abs(Date.now() - atMs) < 12 * 3_600_000
  return (isRecent ? clock : date).format(atMs)
}

export const formatWhole = (atMs: number): string => whole.format(atMs)

/** A duration, in the two units that say most. */
export function formatDuration(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** The end of a key, a peer id or an operation's id: their beginnings are alike. */
export const tail = (text: string): string => `…${text.slice(-6)}`

/** An operation's id, as the command line shows it. */
export const shortId = (id: string): string => id.slice(0, 10)
