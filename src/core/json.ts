/**
 * JSON in which integers beyond 2^53 - 1 keep their digits: they are bigints on our side. Everything else is as JSON has it.
 */
export function formatJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(String(item)) : item),
    indent,
  )
}

/** Digits of the longest integer that is read: more take longer than a request may, and no integer of ours has more than 20. */
const DIGITS_MAX = 1_024
/** What a number may not hold exactly has at least so many digits in a row. Where there are none, JSON is read some twenty times as fast. */
const MANY_DIGITS = /\d{16}/

/** Reads JSON; integers that a number cannot hold come as bigints. Throws a SyntaxError on what is not JSON, or has an integer of more than DIGITS_MAX digits. */
export function parseJson(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text)
  return JSON.parse(text, reviveInteger as (this: unknown, key: string, value: unknown) => unknown)
}

function reviveInteger(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const { source = '' } = context
  if (!/^-?\d+$/.test(source)) return value
  if (source.length > DIGITS_MAX) throw new SyntaxError('an integer has too many digits')
  return BigInt(source)
}

/** A text as it stands in JSON: `JSON.rawJSON` of the JSON.parse-with-source proposal, which TypeScript's library does not declare yet. */
export const rawJson = (JSON as unknown as { readonly rawJSON: (text: string) => unknown }).rawJSON

/**
 * True where a JSON text has more than `max` commas and opening brackets outside of texts: at most two for each value in it. Told without
 * making any of them, in one pass that ends there; of what is not JSON it says anything.
 */
export function hasManyValues(text: string, max: number): boolean {
  if (text.length <= max) return false
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const at = text[i]
    if (at === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
    } else if ((at === ',' || at === '[' || at === '{') && ++count > max) {
      return true
    }
  }
  return false
}
