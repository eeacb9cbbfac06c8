import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../core/result.ts'
import { CONFIG_FILE_BYTES_MAX } from '../../core/limits.ts'
import { CONFIG_KEYS, flagOf, presetOf, variableOf, type ConfigKey, type NodeConfig } from './config-keys.ts'
import type { ConfigFault } from './resolve-config.ts'

/** The configuration of the node in a data directory. */
export function configFileOf(dataDirectory: string): string {
  return join(dataDirectory, 'config.toml')
}

/** Reads the file of a data directory; null where there is none. `BAD_CONFIG` for what is not a text of at most CONFIG_FILE_BYTES_MAX. */
export function readConfigFile(
  dataDirectory: string,
): Result<{ readonly path: string; readonly text: string } | null, ConfigFault> {
  const path = configFileOf(dataDirectory)
  try {
    if (!existsSync(path)) return ok(null)
    if (statSync(path).size > CONFIG_FILE_BYTES_MAX) {
      return fail(
        'BAD_CONFIG',
        `${path} has more than ${CONFIG_FILE_BYTES_MAX} bytes: is it a configuration?`,
      )
    }
    return ok({ path, text: new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)) })
  } catch (error) {
    const reason =
      error instanceof TypeError
        ? 'it is not UTF-8 text'
        : error instanceof Error
          ? error.message
          : String(error)
    return fail('BAD_CONFIG', `${path} cannot be read: ${reason}`)
  }
}

/** A new `config.toml`: every key with its meaning; those in `values` set, the others as comments with their defaults. */
export function formatConfigFile(values: Partial<NodeConfig>): string {
  const head = [
    '# Configuration of this Hanse node. Lines that begin with # are comments and show the default.',
    '# A flag of "hanse up" overrides the environment variable, which overrides this file.',
  ]
  return `${[...head, ...CONFIG_KEYS.map((key) => formatKey(key, values))].join('\n')}\n`
}

function formatKey(key: ConfigKey, values: Partial<NodeConfig>): string {
  const value = values[key.property]
  const setting =
    value === undefined ? `# ${key.name} = ${presetOf(key)}` : `${key.name} = ${JSON.stringify(value)}`
  const example = key.kind === 'addresses' && value === undefined ? `\n# Example: ["${key.example}"]` : ''
  return `\n# ${capitalize(key.description)}.\n# Flag ${flagOf(key)}, environment ${variableOf(key)}.${example}\n${setting}`
}

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
