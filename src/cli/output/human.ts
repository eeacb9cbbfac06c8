/** A whole number with its thousands apart: `4,102`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number and its noun: `1 operation`, `4,102 operations`. */
export function formatAmount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}

/** A size in bytes: `812 B`, `1.4 KiB`, `23 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

/** A duration: `240 ms`, `1.4 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`
  const hours = Math.floor(minutes / 60)
  return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`
}

/** A moment in local time: the time of today, or date and time. */
export function formatTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  if (Number.isNaN(at.getTime())) return 'no date'
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${formatDate(at)} ${time}`
}

/** Date and time to the minute, for columns. */
export function formatMoment(atMs: number): string {
  const at = new Date(atMs)
  return Number.isNaN(at.getTime())
    ? 'no date'
    : `${formatDate(at)} ${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`
}

/** The end of a did:key, which tells keys apart: their beginnings are all alike. */
export function shortDid(did: string): string {
  return `…${did.slice(-8)}`
}

/** The beginning of an operation's or a space's id; `hanse explain` takes it as it stands. */
export function shortId(id: string): string {
  return id.slice(0, 12)
}

/** Counts by code, the greatest first: `14 (BAD_SIGNATURE 10, LAMPORT 4)`; `none` where there are none. */
export function formatCodes(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  return total === 0
    ? 'none'
    : `${formatCount(total)} (${entries.map(([code, count]) => `${code} ${formatCount(count)}`).join(', ')})`
}

function formatDate(at: Date): string {
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')
