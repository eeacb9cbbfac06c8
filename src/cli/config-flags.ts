import { Option } from '@commander-js/extra-typings'
import { CONFIG_KEYS, flagOf, presetOf, variableOf, type ConfigKey } from '../node/config/config-keys.ts'

/** Adds a flag for every key of the configuration; values are checked when the configuration is resolved. */
export function addConfigFlags<C extends { addOption(option: Option): unknown }>(command: C): C {
  for (const key of CONFIG_KEYS) for (const option of optionsOf(key)) command.addOption(option)
  return command
}

function optionsOf(key: ConfigKey): readonly Option[] {
  const description = `${key.description} (${variableOf(key)}; default ${presetOf(key)})`
  const flag = flagOf(key)
  switch (key.kind) {
    case 'boolean':
      return [new Option(flag, description), new Option(`--no-${flag.slice(2)}`, `the opposite of ${flag}`)]
    case 'addresses':
      return [
        named(
          new Option(`${flag} <multiaddr>`, `${description}; may be repeated, "none" for none`).argParser(
            collect,
          ),
          key,
        ),
      ]
    case 'text':
      return [named(new Option(`${flag} <${key.form}>`, description), key)]
    case 'texts':
      return [
        named(
          new Option(`${flag} <${key.form}>`, `${description}; may be repeated, "none" for none`).argParser(
            collect,
          ),
          key,
        ),
      ]
    case 'integer':
      return [named(new Option(`${flag} <ms>`, description), key)]
  }
}

/** Commander takes the property's name from the flag; where the two differ, the configuration would not find it. */
function named(option: Option, { property }: ConfigKey): Option {
  if (option.attributeName() !== property)
    throw new Error(`bug: the flag ${option.flags} is not named after ${property}`)
  return option
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value]
}
