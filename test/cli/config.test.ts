import { describe, expect, it } from 'vitest'
import {
  CONFIG_KEYS,
  flagOf,
  presetOf,
  variableOf,
  type ConfigKey,
} from '../../src/node/config/config-keys.ts'
import { formatConfigFile } from '../../src/node/config/config-file.ts'
import { resolveConfig, type ConfigSources } from '../../src/node/config/resolve-config.ts'

const PEER = '12D3KooWBzcGkHQz2Sf6TeSHV9ykdpediHkB6rYWtx4heVyp6WtE'

/** Three values of a key that differ from each other and from the default, as the file and as text has them. */
function valuesOf(key: ConfigKey): readonly { readonly value: unknown; readonly text: string }[] {
  switch (key.kind) {
    case 'boolean':
      return [!key.preset, key.preset, !key.preset].map((value) => ({ value, text: String(value) }))
    case 'integer':
      return [key.min, key.min + 1, key.max].map((value) => ({ value, text: String(value) }))
    case 'text':
      return ['127.0.0.1:7001', '127.0.0.1:7002', '127.0.0.1:7003'].map((text) => ({ value: text, text }))
    case 'texts':
      return ['https://a.example', 'https://b.example', 'https://c.example'].map((text) => ({
        value: [text],
        text,
      }))
    case 'addresses':
      return [4001, 4002, 4003].map((port) => {
        const text = `/ip4/127.0.0.1/tcp/${port}${key.form === 'peer' ? `/p2p/${PEER}` : ''}`
        return { value: [text], text }
      })
  }
}

function resolve(sources: Partial<Omit<ConfigSources, 'file'>> & { readonly file?: string }) {
  const { file, flags = {}, environment = {} } = sources
  return resolveConfig({
    flags,
    environment,
    file: file === undefined ? null : { path: 'config.toml', text: file },
  })
}

function valueOf(key: ConfigKey, sources: Parameters<typeof resolve>[0]): unknown {
  const config = resolve(sources)
  if (!config.ok) throw new Error(config.fault.detail)
  return config.value[key.property]
}

function refusalOf(sources: Parameters<typeof resolve>[0]): string {
  const config = resolve(sources)
  if (config.ok) throw new Error('it was taken')
  expect(config.fault.code).toBe('BAD_CONFIG')
  expect(config.fault.detail).not.toContain('\n')
  return config.fault.detail
}

describe.each(CONFIG_KEYS.map((key) => [key.name, key] as const))('the key %s', (name, key) => {
  const [fromFile, fromEnvironment, fromFlag] = valuesOf(key) as [
    { value: unknown; text: string },
    { value: unknown; text: string },
    { value: unknown; text: string },
  ]
  const file = `${name} = ${JSON.stringify(fromFile.value)}`
  const environment = { [variableOf(key)]: fromEnvironment.text }
  const flags = { [key.property]: key.kind === 'addresses' ? [fromFlag.text] : fromFlag.value }

  it('has its default where nothing is given', () => {
    expect(valueOf(key, {})).toEqual(key.preset)
  })

  it('is taken from the flag before the environment, and from the environment before the file', () => {
    expect(valueOf(key, { file })).toEqual(fromFile.value)
    expect(valueOf(key, { file, environment })).toEqual(fromEnvironment.value)
    expect(valueOf(key, { file, environment, flags })).toEqual(fromFlag.value)
  })

  it('counts an empty variable as not given', () => {
    expect(valueOf(key, { file, environment: { [variableOf(key)]: '' } })).toEqual(fromFile.value)
  })

  it('refuses a value of another kind in the file, and names the key', () => {
    expect(refusalOf({ file: `${name} = { a = 1 }` })).toContain(name)
    // Any word may name a file.
    if (key.kind === 'text' && key.form === 'file') return
    expect(refusalOf({ file: `${name} = "much"` })).toContain(name)
    expect(refusalOf({ environment: { [variableOf(key)]: 'much' } })).toContain(variableOf(key))
    if (key.kind !== 'boolean') {
      expect(
        refusalOf({
          flags: { [key.property]: key.kind === 'addresses' || key.kind === 'texts' ? ['much'] : 'much' },
        }),
      ).toContain(flagOf(key))
    }
  })

  it('is named where it is mistyped, in the file and in the environment', () => {
    expect(refusalOf({ file: `${name}x = 1` })).toContain(`did you mean ${name}?`)
    expect(refusalOf({ environment: { [`${variableOf(key)}X`]: '1' } })).toContain(
      `did you mean ${variableOf(key)}?`,
    )
  })
})

describe('resolveConfig', () => {
  it('takes a whole number at each end of its range and refuses one past it', () => {
    for (const key of CONFIG_KEYS) {
      if (key.kind !== 'integer') continue
      for (const value of [key.min, key.max])
        expect(valueOf(key, { file: `${key.name} = ${value}` })).toBe(value)
      for (const value of [key.min - 1, key.max + 1, -1, 0.5])
        expect(refusalOf({ file: `${key.name} = ${value}` })).toContain('whole number')
      expect(refusalOf({ environment: { [variableOf(key)]: '1e3' } })).toContain('whole number')
    }
  })

  it('takes several addresses separated by commas from a variable, and none for the word none', () => {
    const environment = { HANSE_LISTEN: '/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/2/ws' }
    expect(resolve({ environment })).toMatchObject({
      value: { listen: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2/ws'] },
    })
    expect(resolve({ environment: { HANSE_LISTEN: 'none' } })).toMatchObject({ value: { listen: [] } })
  })

  it('refuses an address without a peer id where one is needed, and one that cannot be listened on', () => {
    expect(refusalOf({ file: 'peers = ["/ip4/192.0.2.1/tcp/4001"]' })).toContain('lacks its peer id')
    expect(refusalOf({ file: 'bootstrap = ["/ip4/192.0.2.1/tcp/4001"]' })).toContain('lacks its peer id')
    expect(refusalOf({ file: 'listen = ["/dns4/example.org/tcp/4001"]' })).toContain('cannot listen on')
    expect(refusalOf({ file: 'listen = [3]' })).toContain('is not an address')
    expect(refusalOf({ file: 'announce = [""]' })).toContain('address')
  })

  it('says on which line a file is not TOML', () => {
    expect(refusalOf({ file: 'mdns = true\nlisten = [\n' })).toMatch(/^config\.toml, line [23]: /)
  })

  it('leaves alone the variables of the other programs of this project', () => {
    expect(
      resolve({ environment: { HANSE_BOOTSTRAP_LISTEN: 'x', HANSE_TEST_REPORT: 'x', HANSE_VECTORS: 'x' } })
        .ok,
    ).toBe(true)
    expect(
      resolve({ environment: { HANSE_DATA: '/x', HANSE_SPACE: 'y', HANSE_DEBUG: '1', PATH: '/bin' } }).ok,
    ).toBe(true)
  })
})

describe('a new config.toml', () => {
  it('has every key as a comment with its default, and says the same as no file', () => {
    const text = formatConfigFile({})
    for (const key of CONFIG_KEYS) {
      expect(text).toContain(`\n# ${key.name} = ${presetOf(key)}\n`)
      expect(text).toContain(variableOf(key))
      expect(text).toContain(flagOf(key))
    }
    expect(resolve({ file: text })).toEqual(resolve({}))
  })

  it('says the defaults where its comments are made settings', () => {
    const text = formatConfigFile({}).replaceAll(/^# (\w+ = )/gm, '$1')
    expect(text).toMatch(/^listen = /m)
    expect(resolve({ file: text })).toEqual(resolve({}))
  })

  it('sets what was given', () => {
    const listen = ['/ip4/127.0.0.1/tcp/4001']
    expect(resolve({ file: formatConfigFile({ listen, mdns: false }) })).toMatchObject({
      value: { listen, mdns: false, dht: true },
    })
  })
})
