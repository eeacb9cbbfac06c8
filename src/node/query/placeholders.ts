import { QueryRefusal } from './read-rows.ts'
import type { SqlParameters } from './query-message.ts'

/** What a query leaves open. */
interface Placeholders {
  /** Values taken by place: the `?`, and all up to the highest `?5`. */
  readonly byPlace: number
  /** Names, each once, with the sign that it has first. */
  readonly names: readonly string[]
}

/** Comments, quoted texts and names, words and numbers, which may hold signs of placeholders; and the placeholders. */
const TOKENS =
  /--[^\n]*|\/\*[^]*?(?:\*\/|$)|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|[\w\u{80}-\u{10ffff}][\w$\u{80}-\u{10ffff}]*|(?<place>\?\d*)|(?<name>[:@$](?:[\w$\u{80}-\u{10ffff}]|::)+)/gu

/** Reads the placeholders of a query that SQLite has taken, as it numbers them (sqlite.org/lang_expr.html#varparam). */
function readPlaceholders(query: string): Placeholders {
  const names = new Map<string, string>()
  let numbers = 0
  const signed = new Set<string>()
  for (const { groups } of query.matchAll(TOKENS)) {
    const { place, name } = groups ?? {}
    if (place !== undefined) numbers = Math.max(numbers + (place === '?' ? 1 : 0), Number(place.slice(1)))
    if (name === undefined || signed.has(name)) continue
    signed.add(name)
    numbers++
    const bare = name.slice(1)
    if (!names.has(bare)) names.set(bare, name)
  }
  return { byPlace: numbers - signed.size, names: [...names.values()] }
}

/**
 * Refuses parameters that are not those the query leaves open (`SQL_PARAMETERS`): SQLite would take NULL for what is not given, and find
 * nothing without a word.
 */
export function checkParameters(query: string, parameters: SqlParameters): void {
  const { byPlace, names } = readPlaceholders(query)
  const given = Object.keys(parameters)
  const isByName = !Array.isArray(parameters) && given.length > 0
  if (byPlace > 0 && names.length > 0)
    throw refusal(`the query has both ? and names (${names.join(', ')}): use one of them`)
  if (names.length > 0) {
    if (!isByName && given.length > 0)
      throw refusal(`the query takes its parameters by name: ${byName(names)}`)
    const bare = new Set(given.map((name) => name.replace(/^[:@$]/, '')))
    const missing = names.filter((name) => !bare.has(name.slice(1)))
    if (missing.length > 0) throw refusal(`the query lacks ${missing.join(', ')}: ${byName(missing)}`)
    const known = new Set(names.map((name) => name.slice(1)))
    const unknown = [...bare].find((name) => !known.has(name))
    if (unknown !== undefined)
      throw refusal(`the query has no parameter ${JSON.stringify(unknown)}, only ${names.join(', ')}`)
    return
  }
  if (isByName && byPlace > 0)
    throw refusal(`the query takes ${countOf(byPlace)} by place, and they were given by name: ${BY_PLACE}`)
  if (given.length !== byPlace)
    throw refusal(
      `the query takes ${countOf(byPlace)}, and ${given.length} ${given.length === 1 ? 'was' : 'were'} given${byPlace === 0 ? '' : `: ${BY_PLACE}`}`,
    )
}

const BY_PLACE = 'give one --param VALUE for each ? (in the library, a list of values)'
const byName = (names: readonly string[]): string =>
  `give ${names.map((name) => `--param :${name.slice(1)}=VALUE`).join(' ')} (in the library, an object by name)`
const countOf = (count: number): string =>
  count === 0 ? 'no parameter' : count === 1 ? '1 parameter' : `${count} parameters`
const refusal = (detail: string) => new QueryRefusal(detail, 'SQL_PARAMETERS')
