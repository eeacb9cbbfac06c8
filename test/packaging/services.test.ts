import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CONFIG_KEYS as BOOTSTRAP_KEYS, variableOf as bootstrapVariableOf } from '../../bootstrap/config.ts'
import { CONFIG_KEYS, variableOf } from '../../src/node/config/config-keys.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, 'packaging', path), 'utf8')
const UNITS = ['hanse.service', 'hanse-bootstrap.service']
const container = read('container/Containerfile')

/** Variables of the two programs; HANSE_DATA is that of the command line. */
const VARIABLES = new Set([
  'HANSE_DATA',
  ...CONFIG_KEYS.map(variableOf),
  ...BOOTSTRAP_KEYS.map(bootstrapVariableOf),
])

describe.each(UNITS)('packaging/systemd/%s', (unit) => {
  it('lets the service do no more than it needs', () => {
    const text = read(`systemd/${unit}`)
    for (const line of [
      'DynamicUser=yes',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'CapabilityBoundingSet=',
      `StateDirectory=${unit.replace('.service', '')}`,
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('is a unit that systemd can read', async (test) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0)
      test.skip('systemd-analyze is not installed here')
    // A copy: whatever is written beside a unit in the checkout would be read, too.
    const folder = mkdtempSync(join(tmpdir(), 'hanse-units-'))
    try {
      writeFileSync(join(folder, unit), read(`systemd/${unit}`))
      const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', join(folder, unit)])
      expect(stderr.split('\n').filter((line) => line.includes(unit))).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('packaging/container/Containerfile', () => {
  it('runs as nobody of note, with a check of health, and ends in two stages', () => {
    expect(container).toMatch(/^USER 10001:10001$/m)
    expect([...container.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, name]) => name)).toEqual([
      'build',
      'base',
      'bootstrap',
      'node',
    ])
    for (const stage of ['bootstrap', 'node']) {
      const text = container.slice(container.indexOf(` AS ${stage}\n`))
      expect(text).toMatch(/^HEALTHCHECK [^]*?^ENTRYPOINT \[/m)
    }
    // Root after `USER` would be root again.
    expect(container.slice(container.indexOf('\nUSER '))).not.toMatch(/^USER root/m)
  })

  it('copies only what a build makes, or what the checkout has', () => {
    const sources = [...container.matchAll(/^COPY --from=build (.+) \S+$/gm)].flatMap(([, list]) =>
      (list as string).split(' '),
    )
    const made = new Set(['node_modules', 'dist'])
    const missing = sources
      .map((path) => path.replace('/hanse/', ''))
      .filter((path) => !made.has(path) && !existsSync(join(root, path)))
    expect([sources.length, missing]).toEqual([6, []])
  })
})

describe('packaging', () => {
  it('names only environment variables that there are', () => {
    const texts = [container, read('README.md'), ...UNITS.map((unit) => read(`systemd/${unit}`))]
    const named = texts.flatMap((text) => [...text.matchAll(/HANSE_[A-Z_]+/g)].map(([name]) => name))
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((name) => !VARIABLES.has(name))).toEqual([])
  })
})
