import { formatJson } from '../../core/json.ts'
import { toJsonValue } from '../../core/value-json.ts'
import type { ClaimValue, EdgeValue, LogValue } from '../../node/space/item.ts'
import type { BlobReference } from '../../core/types/blob/change.ts'
import { formatAmount, formatBytes, formatTime, shortDid } from './human.ts'
import { printable } from './printable.ts'

/** One edge: `–knows→ people/grace`, with its value where there is one. */
export function edgeText({ label, to, value }: EdgeValue): string {
  return `–${printable(label)}→ ${printable(to)}${value === null ? '' : `  ${compact(value)}`}`
}

/** One entry of a log: time, author, value. */
export function entryText({ time, author, value }: LogValue, nowMs: number): string {
  return `${formatTime(time, nowMs)}  ${shortDid(author)}  ${inline(value)}`
}

/** What an item shows, for people, a line each. Values as in JSON (bytes are `{"/": …}` already). */
export function itemLines(type: string, value: unknown, nowMs: number): readonly string[] {
  switch (type) {
    case 'edge':
      return (value as readonly EdgeValue[]).map(edgeText)
    case 'log':
      return (value as readonly LogValue[]).map((entry) => entryText(entry, nowMs))
    case 'set':
      return [(value as readonly string[]).map(tagText).join(' ')]
    case 'blob':
      return [blobText(value)]
    case 'claim': {
      const { value: what, author, final } = value as ClaimValue
      return [`${inline(what)}  held by ${shortDid(author)}${final ? '' : ' (provisional)'}`]
    }
    default:
      return [typeof value === 'string' ? value : formatJson(value, 2)]
  }
}

/** The same in one line, for a list. `omitted`: entries of a log that were left out. */
export function itemSummary(type: string, value: unknown, nowMs: number, omitted = 0): string {
  switch (type) {
    case 'edge':
      return itemLines(type, value, nowMs).join(', ')
    case 'log': {
      const entries = value as readonly LogValue[]
      const last = entries.at(-1)
      const count = formatAmount(entries.length + omitted, 'entry', 'entries')
      return last === undefined ? count : `${count}, the last ${entryText(last, nowMs)}`
    }
    case 'set':
    case 'blob':
    case 'claim':
      return itemLines(type, value, nowMs).join()
    default:
      return compact(value)
  }
}

/** Bare where that cannot be mistaken for several. */
function tagText(tag: string): string {
  return /^[^\s"]+$/.test(tag) ? printable(tag) : compact(tag)
}

function blobText(value: unknown): string {
  const { size, mediaType, name } = value as BlobReference
  return [name, mediaType, formatBytes(size)]
    .flatMap((part) => (part === undefined ? [] : [printable(part)]))
    .join('  ')
}

/** A text as it is, anything else as JSON, in one line. */
function inline(value: unknown): string {
  return typeof value === 'string' ? printable(value.replaceAll(/\s*\n\s*/g, ' ⏎ ')) : compact(value)
}

const compact = (value: unknown): string => printable(formatJson(toJsonValue(value)))
