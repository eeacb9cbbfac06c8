import { MCP_PREVIEW_CHARACTERS } from '../core/limits.ts'
import { rawJson } from '../core/json.ts'
import { formatValue, toJsonValue } from '../core/value-json.ts'

/**
 * A value as a result holds it: JSON by the conventions of DAG-JSON. Integers beyond 2^53 - 1 become raw JSON, because the SDK writes
 * messages with JSON.stringify, which knows no bigint, and a number would lose digits.
 */
export function toModelJson(value: unknown): unknown {
  return rawIntegers(toJsonValue(value))
}

function rawIntegers(json: unknown): unknown {
  if (typeof json === 'bigint') return rawJson(String(json))
  if (Array.isArray(json)) return json.map(rawIntegers)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(Object.entries(json).map(([key, inner]) => [key, rawIntegers(inner)]))
}

/** The beginning of a value as JSON, and how much more there is. */
export function previewOf(value: unknown, charactersMax = MCP_PREVIEW_CHARACTERS): string {
  return shorten(formatValue(value), charactersMax)
}

/** The beginning of a text, and how much more there is. */
export function shorten(text: string, charactersMax = MCP_PREVIEW_CHARACTERS): string {
  if (text.length <= charactersMax) return text
  const kept = sliceWhole(text, 0, charactersMax)
  return `${kept}… (+${text.length - kept.length} characters)`
}

/** Characters of a text from a place on, at most so many; never half of one that takes two code units. */
export function sliceWhole(text: string, from: number, charactersMax: number): string {
  const slice = text.slice(from, from + charactersMax)
  const isCut = from + slice.length < text.length && !slice.isWellFormed()
  return isCut ? slice.slice(0, -1) : slice
}

/** A time, ms since 1970, as people and models read it. */
export function formatTime(timeMs: number): string {
  const date = new Date(timeMs)
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString()
}
