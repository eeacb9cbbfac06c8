import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateKey } from '../../bootstrap/key-file.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hanse-bootstrap-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function publicKeyIn(data: string): Promise<string> {
  const key = await loadOrCreateKey(data)
  return key.ok ? key.value.publicKey.toString() : `${key.fault.code}: ${key.fault.detail}`
}

describe('key file of the bootstrap node', () => {
  it('makes directory and key once, for the owner only, and finds them again', async () => {
    const data = join(directory, 'a', 'b')
    const first = await publicKeyIn(data)
    expect(await publicKeyIn(data)).toBe(first)
    expect((await stat(data)).mode & 0o777).toBe(0o700)
    expect((await stat(join(data, 'key'))).mode & 0o777).toBe(0o600)
    expect(await readdir(data)).toEqual(['key'])
  })

  it('gives the same key to all who make it at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => publicKeyIn(directory)))
    expect(new Set(keys).size).toBe(1)
    expect(await readdir(directory)).toEqual(['key'])
  })

  it('refuses what is no key and leaves it untouched', async () => {
    const path = join(directory, 'key')
    for (const text of ['', 'secret', 'ab'.repeat(31), `${'ab'.repeat(33)}\n`]) {
      await writeFile(path, text, { mode: 0o600 })
      expect(await publicKeyIn(directory)).toMatch(/^BAD_KEY_FILE: .* does not hold a key/)
      expect(await readFile(path, 'utf8')).toBe(text)
    }
  })

  it('refuses a key that others may read', async () => {
    await publicKeyIn(directory)
    await chmod(join(directory, 'key'), 0o640)
    expect(await publicKeyIn(directory)).toMatch(/^BAD_KEY_FILE: .*run: chmod 600/)
  })

  it('refuses a directory that cannot be one', async () => {
    await writeFile(join(directory, 'file'), '')
    expect(await publicKeyIn(join(directory, 'file'))).toMatch(
      /^NO_DATA_DIRECTORY: .*ENOTDIR; choose one with --data/,
    )
    expect(await publicKeyIn(join(directory, 'file', 'below'))).toMatch(/^NO_DATA_DIRECTORY/)
  })
})
