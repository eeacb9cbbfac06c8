import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CONFIG_KEYS, type ConfigSources, resolveConfig, variableOf } from '../../bootstrap/config.ts'

function resolve(sources: Partial<ConfigSources>): ReturnType<typeof resolveConfig> {
  return resolveConfig({ flags: {}, environment: {}, file: null, ...sources })
}

function fromFile(text: string): ReturnType<typeof resolveConfig> {
  return resolve({ file: { path: 'bootstrap.toml', text } })
}

function detailOf(result: ReturnType<typeof resolveConfig>): string {
  return result.ok ? 'ok' : result.fault.detail
}

describe('configuration of the bootstrap node', () => {
  it('has a default for every key', () => {
    const config = resolve({})
    if (!config.ok) throw new Error(config.fault.detail)
    for (const { property } of CONFIG_KEYS) expect(config.value[property], `key ${property}`).toBeDefined()
    expect(config.value.listen).toEqual(['/ip4/0.0.0.0/tcp/4001', '/ip4/0.0.0.0/tcp/4002/ws'])
  })

  it('has an example file that says what the defaults are', () => {
    const example = readFileSync(new URL('../../bootstrap/bootstrap.example.toml', import.meta.url), 'utf8')
    expect(fromFile(example)).toEqual(resolve({}))
    for (const { name } of CONFIG_KEYS.filter((key) => key.name !== 'data'))
      expect(example).toContain(`\n${name} = `)
  })

  it('prefers the flag to the environment to the file to the default', () => {
    const file = {
      path: 'bootstrap.toml',
      text: 'max-connections = 7\nrelay-reservations = 7\nrelay-data-bytes = 7',
    }
    const environment = { HANSE_BOOTSTRAP_MAX_CONNECTIONS: '8', HANSE_BOOTSTRAP_RELAY_RESERVATIONS: '8' }
    const config = resolve({ file, environment, flags: { maxConnections: '9' } })
    expect(config.ok && config.value).toMatchObject({
      maxConnections: 9,
      relayReservations: 8,
      relayDataBytes: 7,
      healthIntervalSeconds: 300,
    })
  })

  it('takes every key from file, flag and environment', () => {
    const examples = {
      text: ['"d"', 'd'],
      addresses: ['["/ip4/127.0.0.1/tcp/1"]', '/ip4/127.0.0.1/tcp/1'],
    } as const
    for (const key of CONFIG_KEYS) {
      const [toml, text] =
        key.kind === 'boolean' ? ['true', 'true'] : key.kind === 'integer' ? ['77', '77'] : examples[key.kind]
      const parsed = [
        fromFile(`${key.name} = ${toml}`),
        resolve({ flags: { [key.property]: key.kind === 'addresses' ? [text] : text } }),
        resolve({ environment: { [variableOf(key)]: text } }),
      ].map((config) => (config.ok ? config.value[key.property] : config.fault.detail))
      const expected = { text: 'd', addresses: ['/ip4/127.0.0.1/tcp/1'], boolean: true, integer: 77 }[
        key.kind
      ]
      expect(parsed, `key ${key.name}`).toEqual([expected, expected, expected])
    }
  })

  it('takes several addresses from one variable, and an empty variable for none given', () => {
    const listen = '/ip4/127.0.0.1/tcp/1, /ip6/::1/tcp/2/ws'
    const config = resolve({
      environment: { HANSE_BOOTSTRAP_LISTEN: listen, HANSE_BOOTSTRAP_MAX_CONNECTIONS: '' },
    })
    expect(config.ok && config.value.listen).toEqual(['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2/ws'])
  })

  it('refuses unknown keys and variables and names the nearest known one', () => {
    expect(detailOf(fromFile('max-conection = 1'))).toBe(
      'unknown key max-conection in bootstrap.toml; did you mean max-connections?',
    )
    expect(detailOf(fromFile('[relay]\nreservations = 1'))).toMatch(/unknown key relay in/)
    expect(detailOf(resolve({ environment: { HANSE_BOOTSTRAP_ANOUNCE: 'x' } }))).toBe(
      'unknown environment variable HANSE_BOOTSTRAP_ANOUNCE; did you mean HANSE_BOOTSTRAP_ANNOUNCE?',
    )
    expect(detailOf(resolve({ environment: { HANSE_BOOTSTRAP_CONFIG: 'x', HANSE_DATA: 'x' } }))).toBe('ok')
  })

  it.each([
    [
      'max-connections = 0',
      /max-connections in bootstrap.toml must be a whole number from 1 to 100000, not 0/,
    ],
    ['max-connections = 100001', /not 100001/],
    ['max-connections = 1.5', /not 1.5/],
    ['max-connections = "1"', /not "1"/],
    ['max-connections = nan', /must be a whole number/],
    ['json = 1', /json in bootstrap.toml must be true or false/],
    ['data = ""', /data in bootstrap.toml must be a text/],
    ['data = 1', /data in bootstrap.toml must be a text/],
    ['listen = []', /must name at least one address/],
    ['listen = "/ip4/127.0.0.1/tcp/1"', /must be a list of addresses/],
    ['listen = [1]', /must be a list of texts/],
    ['listen = ["/ip4/127.0.0.1/udp/1/quic-v1"]', /cannot listen on .*udp/],
    ['listen = ["/dns4/example.org/tcp/1"]', /cannot listen on/],
    ['announce = ["example.org:4001"]', /"example.org:4001" is no address; one looks like/],
    ['listen = ', /bootstrap.toml line 1: /],
    ['json = true\njson = true', /bootstrap.toml line 2: /],
  ])('refuses %s in one line', (text, expected) => {
    const detail = detailOf(fromFile(text))
    expect(detail).toMatch(expected)
    expect(detail).not.toContain('\n')
  })

  it('refuses numbers from flags and environment that are none', () => {
    for (const text of ['', ' 1', '1e3', '0x10', '-1', '99999999999999999999']) {
      expect(detailOf(resolve({ flags: { relayDataBytes: text } })), `given ${text}`).toMatch(
        /^--relay-data-bytes must be/,
      )
    }
    expect(detailOf(resolve({ environment: { HANSE_BOOTSTRAP_JSON: 'yes' } }))).toMatch(
      /^HANSE_BOOTSTRAP_JSON must/,
    )
  })
})
