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

/** Reads JSON; integers that a number cannot hold come as bigints. Throws a SyntaxError on what is not JSON. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, reviveInteger as (this: unknown, key: string, value: unknown) => unknown)
}

function reviveInteger(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  const isInexact =
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
  return isInexact ? BigInt(context.source ?? '') : value
}

/** `JSON.rawJSON` of the JSON.parse-with-source proposal, which TypeScript's library does not declare yet. */
const rawJson = (JSON as unknown as { readonly rawJSON: (text: string) => unknown }).rawJSON
