import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly devDependencies: Readonly<Record<string, string>>
}

describe('the runtime', () => {
  it('is the pinned Node, whatever Node the machine has', () => {
    expect(process.version).toBe(`v${manifest.devDependencies['node']}`)
  })

  it('is the same in a child process', () => {
    const print = ['--print', 'process.version']
    expect(execFileSync(process.execPath, print, { encoding: 'utf8' }).trim()).toBe(process.version)
  })
})
