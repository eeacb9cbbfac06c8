import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { closest } from 'fastest-levenshtein'
import { parse as parseToml, TomlError } from 'smol-toml'
import { BOOTSTRAP_CONNECTIONS, INTRODUCTION_TTL_SECONDS_MAX } from '../src/core/limits.ts'
import { type Fault, fail, ok, type Result } from '../src/core/result.ts'

/** The configuration of a bootstrap node, complete. */
export interface BootstrapConfig {
  /** Directory of the key file. Losing it means a new peer id, and every node that knows the old one must be told. */
  readonly data: string
  /** Addresses to listen on: TCP, or WebSocket over TCP. */
  readonly listen: readonly string[]
  /** Addresses to tell others instead of those listened on. Needed behind a NAT and on public addresses. */
  readonly announce: readonly string[]
  /** Report as one JSON object per line. */
  readonly json: boolean
  /** Connections kept. Too few and nodes lose their relay; each takes 0.2 to 0.4 MB. */
  readonly maxConnections: number
  /** How often the node checks itself, in seconds; 0 for never. */
  readonly healthIntervalSeconds: number
  /** Longest registration, in seconds. Too short and nodes fall out between renewals. */
  readonly registrationTtlSeconds: number
  /** Peers that may be reached through this node as a relay; 0 to be none. */
  readonly relayReservations: number
  /** Longest relayed connection, in seconds. */
  readonly relayDurationSeconds: number
  /** Bytes through one relayed connection. */
  readonly relayDataBytes: number
}

/** A key of the configuration; the name in file, flag and environment follows from it. */
export interface ConfigKey {
  /** As in `bootstrap.toml`; the flag has `--` before it. */
  readonly name: string
  readonly property: keyof BootstrapConfig
  readonly kind: 'text' | 'addresses' | 'boolean' | 'integer'
  /** For integers. */
  readonly min?: number
  readonly max?: number
  /** For the help text. */
  readonly description: string
}

const ENVIRONMENT_PREFIX = 'HANSE_BOOTSTRAP_'
/** Names the configuration file, so it is no key of it. */
export const CONFIG_FILE_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`

const DAY_SECONDS = 24 * 60 * 60

const DEFAULTS: BootstrapConfig = {
  data: join(homedir(), '.hanse-bootstrap'),
  listen: ['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws'],
  announce: [],
  json: false,
  maxConnections: BOOTSTRAP_CONNECTIONS,
  healthIntervalSeconds: 300,
  registrationTtlSeconds: INTRODUCTION_TTL_SECONDS_MAX,
  relayReservations: 256,
  relayDurationSeconds: 60 * 60,
  relayDataBytes: 256 * 1024 * 1024,
}

/** Every key there is. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  { name: 'data', property: 'data', kind: 'text', description: 'directory of the key file' },
  {
    name: 'listen',
    property: 'listen',
    kind: 'addresses',
    description: 'address to listen on, /ip4/…/tcp/PORT or …/ws',
  },
  {
    name: 'announce',
    property: 'announce',
    kind: 'addresses',
    description: 'address to tell others instead',
  },
  { name: 'json', property: 'json', kind: 'boolean', description: 'report as one JSON object per line' },
  integer('max-connections', 'maxConnections', 1, 100_000, 'connections kept'),
  integer(
    'health-interval-seconds',
    'healthIntervalSeconds',
    0,
    DAY_SECONDS,
    'how often to check itself, 0 for never',
  ),
  integer('registration-ttl-seconds', 'registrationTtlSeconds', 1, DAY_SECONDS, 'longest registration'),
  integer('relay-reservations', 'relayReservations', 0, 100_000, 'peers to relay for, 0 for none'),
  integer('relay-duration-seconds', 'relayDurationSeconds', 1, 7 * DAY_SECONDS, 'longest relayed connection'),
  integer('relay-data-bytes', 'relayDataBytes', 1, 2 ** 40, 'bytes through one relayed connection'),
]

/** Where values come from, before anything is checked. */
export interface ConfigSources {
  /** By property, as the command line gave them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The configuration file, where there is one. */
  readonly file: { readonly path: string; readonly text: string } | null
}

/** A configuration that cannot be used; the detail is one line for the operator. */
export type ConfigFault = Fault<'BAD_CONFIG'>

/**
 * Makes the configuration: each key from its flag, else its environment variable, else the file, else its default. Pure.
 * Refuses unknown keys, naming the nearest known one, and values of the wrong kind, out of range, or no address.
 */
export function resolveConfig(sources: ConfigSources): Result<BootstrapConfig, ConfigFault> {
  const fileValues = sources.file === null ? ok({}) : readFile(sources.file)
  if (!fileValues.ok) return fileValues
  const stray = unknownVariable(sources.environment)
  if (stray !== null) return bad(stray)
  const values: Record<string, unknown> = { ...DEFAULTS }
  for (const key of CONFIG_KEYS) {
    const given = firstGiven(key, sources, fileValues.value)
    if (given === null) continue
    const value = check(key, given)
    if (!value.ok) return value
    values[key.property] = value.value
  }
  // Every property of DEFAULTS is there, and each given value was checked for its kind.
  return ok(values as unknown as BootstrapConfig)
}

/** The environment variable of a key. */
export function variableOf(key: ConfigKey): string {
  return ENVIRONMENT_PREFIX + key.name.replaceAll('-', '_').toUpperCase()
}

/** The default of a key, as text. */
export function defaultOf(key: ConfigKey): string {
  return String(DEFAULTS[key.property])
}

/** Reads an address, or says what is wrong with it. */
export function parseAddress(text: string): Result<Multiaddr, ConfigFault> {
  try {
    return ok(multiaddr(text))
  } catch {
    return bad(`${JSON.stringify(text)} is no address; one looks like /ip4/192.0.2.1/tcp/4001`)
  }
}

interface GivenValue {
  /** For messages: which flag, variable or line. */
  readonly source: string
  readonly value: unknown
  /** True where every value is text. */
  readonly isText: boolean
}

function firstGiven(
  key: ConfigKey,
  sources: ConfigSources,
  file: Readonly<Record<string, unknown>>,
): GivenValue | null {
  const flag = sources.flags[key.property]
  if (flag !== undefined) return { source: `--${key.name}`, value: flag, isText: true }
  const variable = variableOf(key)
  const text = sources.environment[variable]
  if (text !== undefined && text !== '') {
    return { source: variable, value: key.kind === 'addresses' ? text.split(',') : text, isText: true }
  }
  if (!Object.hasOwn(file, key.name)) return null
  return { source: `${key.name} in ${sources.file?.path ?? ''}`, value: file[key.name], isText: false }
}

function check(key: ConfigKey, given: GivenValue): Result<unknown, ConfigFault> {
  const { source, value } = given
  switch (key.kind) {
    case 'text':
      return typeof value === 'string' && value !== ''
        ? ok(value)
        : bad(`${source} must be a text that is not empty`)
    case 'boolean':
      if (value === true || value === 'true' || value === '1') return ok(true)
      if (value === false || value === 'false' || value === '0') return ok(false)
      return bad(`${source} must be true or false`)
    case 'integer':
      return checkInteger(key, given)
    case 'addresses':
      return checkAddresses(key, given)
  }
}

function checkInteger(
  { min = 0, max = Number.MAX_SAFE_INTEGER }: ConfigKey,
  given: GivenValue,
): Result<number, ConfigFault> {
  const { source, value, isText } = given
  const number = isText && typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  const found = typeof number === 'number' && Number.isSafeInteger(number) ? number : null
  if (found !== null && found >= min && found <= max) return ok(found)
  return bad(
    `${source} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value) ?? 'nothing'}`,
  )
}

function checkAddresses(
  key: ConfigKey,
  { source, value }: GivenValue,
): Result<readonly string[], ConfigFault> {
  if (!Array.isArray(value)) return bad(`${source} must be a list of addresses`)
  const addresses: string[] = []
  for (const one of value as readonly unknown[]) {
    const address = typeof one === 'string' ? parseAddress(one.trim()) : bad(`it must be a list of texts`)
    if (!address.ok) return bad(`${source}: ${address.fault.detail}`)
    const names = address.value.getComponents().map((component) => component.name)
    if (key.property === 'listen' && !/^ip[46]\/tcp(\/ws)?$/.test(names.join('/'))) {
      return bad(
        `${source}: cannot listen on ${String(one)}; use /ip4/ADDRESS/tcp/PORT, or the same with /ws at its end`,
      )
    }
    addresses.push(address.value.toString())
  }
  if (key.property === 'listen' && addresses.length === 0)
    return bad(`${source} must name at least one address`)
  return ok(addresses)
}

function readFile({
  path,
  text,
}: {
  readonly path: string
  readonly text: string
}): Result<Readonly<Record<string, unknown>>, ConfigFault> {
  try {
    const values = parseToml(text)
    for (const name of Object.keys(values)) {
      if (CONFIG_KEYS.some((key) => key.name === name)) continue
      const nearest = closest(
        name,
        CONFIG_KEYS.map((key) => key.name),
      )
      return bad(`unknown key ${name} in ${path}; did you mean ${nearest}?`)
    }
    return ok(values)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.split('\n')
    return bad(`${path} line ${error.line}: ${reason.replace(/^Invalid TOML document: /, '')}`)
  }
}

function unknownVariable(environment: Readonly<Record<string, string | undefined>>): string | null {
  const known = [CONFIG_FILE_VARIABLE, ...CONFIG_KEYS.map(variableOf)]
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || known.includes(name)) continue
    return `unknown environment variable ${name}; did you mean ${closest(name, known)}?`
  }
  return null
}

function integer(
  name: string,
  property: keyof BootstrapConfig,
  min: number,
  max: number,
  description: string,
): ConfigKey {
  return { name, property, kind: 'integer', min, max, description }
}

function bad(detail: string): { readonly ok: false; readonly fault: ConfigFault } {
  return fail('BAD_CONFIG', detail)
}
