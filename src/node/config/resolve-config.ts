import { multiaddr } from '@multiformats/multiaddr'
import { closest } from 'fastest-levenshtein'
import { parse as parseToml, TomlError } from 'smol-toml'
import { fail, ok, type Fault, type Result } from '../../core/result.ts'
import { CONFIG_KEYS, flagOf, variableOf, type ConfigKey, type NodeConfig } from './config-keys.ts'

/** Where values come from, before anything is checked. */
export interface ConfigSources {
  /** By property, as the command line gave them: text, a list of texts, or a boolean. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The configuration file, where there is one. */
  readonly file: { readonly path: string; readonly text: string } | null
}

/** A configuration that cannot be used; the detail is one line for the operator. */
export type ConfigFault = Fault<'BAD_CONFIG'>

/** Variables of the surface, which are no keys of the file. */
const SURFACE_VARIABLES = ['HANSE_DATA', 'HANSE_SPACE', 'HANSE_DEBUG', 'HANSE_TOKEN', 'HANSE_URL'] as const
/** Beginnings of variables that belong to other programs of this project. */
const FOREIGN_VARIABLES = ['HANSE_BOOTSTRAP_', 'HANSE_DEMO_', 'HANSE_TEST_', 'HANSE_VECTORS'] as const
/** What a flag or variable says for an empty list. */
const NONE = 'none'

/**
 * Makes the configuration: each key from its flag, else its environment variable, else the file, else its default. Pure.
 * Refuses, with `BAD_CONFIG`:
 * 1. a key of the file or a variable `HANSE_…` that is none; the nearest known one is named;
 * 2. a value of the wrong kind or out of range;
 * 3. what is no multiaddr, cannot be listened on, or lacks the peer id that the key needs.
 */
export function resolveConfig(sources: ConfigSources): Result<NodeConfig, ConfigFault> {
  const stray = strayVariable(sources.environment)
  if (stray !== null) return bad(stray)
  const file = sources.file === null ? ok({}) : readFile(sources.file)
  if (!file.ok) return file
  const values: Record<string, unknown> = {}
  for (const key of CONFIG_KEYS) {
    const given = firstGiven(key, sources, file.value)
    const value: Result<unknown, ConfigFault> = given === null ? ok(key.preset) : readValue(key, given)
    if (!value.ok) return value
    values[key.property] = value.value
  }
  // Every property has a key, and each given value was checked for its kind.
  return ok(values as unknown as NodeConfig)
}

interface GivenValue {
  /** For messages: which flag, variable or key of the file. */
  readonly source: string
  readonly value: unknown
  /** True where every value is text, as in flags and variables. */
  readonly isText: boolean
}

function firstGiven(
  key: ConfigKey,
  { flags, environment, file }: ConfigSources,
  fileValues: Readonly<Record<string, unknown>>,
): GivenValue | null {
  const flag = flags[key.property]
  if (flag !== undefined) return { source: flagOf(key), value: flag, isText: true }
  const text = environment[variableOf(key)]
  if (text !== undefined && text !== '') {
    return {
      source: variableOf(key),
      value: key.kind === 'addresses' || key.kind === 'texts' ? text.split(',') : text,
      isText: true,
    }
  }
  if (!Object.hasOwn(fileValues, key.name)) return null
  return { source: `${key.name} in ${file?.path ?? ''}`, value: fileValues[key.name], isText: false }
}

function readValue(key: ConfigKey, given: GivenValue): Result<unknown, ConfigFault> {
  switch (key.kind) {
    case 'boolean':
      return readBoolean(given)
    case 'integer':
      return readInteger(key, given)
    case 'addresses':
      return readAddresses(key, given)
    case 'text':
      return typeof given.value === 'string' && key.pattern.test(given.value)
        ? ok(given.value)
        : bad(`${given.source} must be of the form ${key.form}, not ${show(given.value)}`)
    case 'texts':
      return readTexts(key, given)
  }
}

function readBoolean({ source, value, isText }: GivenValue): Result<boolean, ConfigFault> {
  if (typeof value === 'boolean') return ok(value)
  if (isText && (value === 'true' || value === '1')) return ok(true)
  if (isText && (value === 'false' || value === '0')) return ok(false)
  return bad(`${source} must be true or false, not ${show(value)}`)
}

function readInteger(
  { min, max, unit }: Extract<ConfigKey, { kind: 'integer' }>,
  { source, value, isText }: GivenValue,
): Result<number, ConfigFault> {
  const number = isText && typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  const isInRange =
    typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max
  return isInRange
    ? ok(number)
    : bad(`${source} must be a whole number of ${unit} from ${min} to ${max}, not ${show(value)}`)
}

function readTexts(
  { pattern, form }: Extract<ConfigKey, { kind: 'texts' }>,
  { source, value, isText }: GivenValue,
): Result<readonly string[], ConfigFault> {
  if (isText && Array.isArray(value) && value.length === 1 && value[0] === NONE) return ok([])
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && pattern.test(one))
  return isList
    ? ok(value as readonly string[])
    : bad(`${source} must be a list, each of the form ${form}, not ${show(value)}`)
}

function readAddresses(
  key: Extract<ConfigKey, { kind: 'addresses' }>,
  { source, value, isText }: GivenValue,
): Result<readonly string[], ConfigFault> {
  if (!Array.isArray(value)) return bad(`${source} must be a list of addresses, not ${show(value)}`)
  const list = value as readonly unknown[]
  if (isText && list.length === 1 && list[0] === NONE) return ok([])
  const addresses: string[] = []
  for (const one of list) {
    const address = readAddress(key, one)
    if (!address.ok) return bad(`${source}: ${address.fault.detail}`)
    addresses.push(address.value)
  }
  return ok(addresses)
}

function readAddress(
  { form, example }: Extract<ConfigKey, { kind: 'addresses' }>,
  value: unknown,
): Result<string, ConfigFault> {
  if (typeof value !== 'string')
    return bad(`${show(value)} is not an address; write it as a text like "${example}"`)
  let names: readonly string[]
  let text: string
  try {
    const address = multiaddr(value.trim())
    names = address.getComponents().map(({ name }) => name)
    text = address.toString()
  } catch {
    return bad(`${show(value)} is not an address; one looks like ${example}`)
  }
  if (form === 'listen' && !/^ip[46]\/tcp(\/ws)?$/.test(names.join('/'))) {
    return bad(`cannot listen on ${show(value)}; use /ip4/ADDRESS/tcp/PORT, or the same with /ws at its end`)
  }
  if (form === 'peer' && names.at(-1) !== 'p2p')
    return bad(`${show(value)} lacks its peer id; add /p2p/12D3KooW... at its end`)
  if (names.length === 0) return bad(`an address is empty; one looks like ${example}`)
  return ok(text)
}

function readFile({
  path,
  text,
}: {
  readonly path: string
  readonly text: string
}): Result<Readonly<Record<string, unknown>>, ConfigFault> {
  let values: Readonly<Record<string, unknown>>
  try {
    values = parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.split('\n')
    return bad(`${path}, line ${error.line}: ${reason.replace(/^Invalid TOML document: /, '')}`)
  }
  const known = CONFIG_KEYS.map(({ name }) => name)
  for (const name of Object.keys(values)) {
    if (!known.includes(name))
      return bad(`unknown key ${show(name)} in ${path}; did you mean ${closest(name, known)}?`)
  }
  return ok(values)
}

function strayVariable(environment: Readonly<Record<string, string | undefined>>): string | null {
  const known = [...SURFACE_VARIABLES, ...CONFIG_KEYS.map(variableOf)]
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('HANSE_') || known.includes(name)) continue
    if (FOREIGN_VARIABLES.some((prefix) => name.startsWith(prefix))) continue
    return `unknown environment variable ${name}; did you mean ${closest(name, known)}?`
  }
  return null
}

function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing')
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

function bad(detail: string): { readonly ok: false; readonly fault: ConfigFault } {
  return fail('BAD_CONFIG', detail)
}
