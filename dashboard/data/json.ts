/** Reads JSON of the node: whole numbers beyond 2^53 - 1 keep their digits, as bigints. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, exactly)
}

/** The third argument is the text of the value (ECMA-262, JSON.parse source text access); without it, numbers stay what they are. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isInexact = typeof value === 'number' && !Number.isSafeInteger(value)
  const source = context?.source
  return isInexact && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** A value of the data model, for people: JSON, indented where it does not fit in a line. */
export function formatJson(value: unknown): string {
  const short = flat(value)
  return short.length <= 72 ? short : indented(value, '')
}

function flat(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const pairs = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${flat(one)}`)
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
}

function indented(value: unknown, indent: string): string {
  const inner = `${indent}  `
  if (flat(value).length + indent.length <= 72 || typeof value !== 'object' || value === null)
    return flat(value)
  if (Array.isArray(value))
    return `[\n${value.map((one) => inner + indented(one, inner)).join(',\n')}\n${indent}]`
  const pairs = Object.entries(value).map(
    ([key, one]) => `${inner}${JSON.stringify(key)}: ${indented(one, inner)}`,
  )
  return `{\n${pairs.join(',\n')}\n${indent}}`
}
