import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadCases, VECTORS_ROOT } from './load.ts'

/** Every set of vectors, and the files of it that are run. A directory in place of ours has the same. */
const SETS: Readonly<Record<string, readonly RegExp[]>> = {
  'ed25519-rfc8032': [/^rfc8032.*\.json$/, /^sign-input.*\.json$/],
  'ed25519-wycheproof': [/\.json$/],
  'ed25519-speccheck': [/^cases.*\.json$/, /^expected.*\.json$/],
  'ed25519-zip215': [/\.json$/],
  'ed25519-cctv': [/^ed25519vectors.*\.json$/, /^expected.*\.json$/],
  'ucan-1.0': [/^delegation.*\.json$/, /^policy.*\.json$/, /^invocation.*\.json$/],
  'did-key': [/\.json$/],
}

const scratch = mkdtempSync(join(tmpdir(), 'hanse-vectors-'))
afterAll(() => rmSync(scratch, { recursive: true }))

test.each(Object.entries(SETS))('the set %s is there, and no file of it is left out', (set, patterns) => {
  for (const pattern of patterns) expect(loadCases(set, pattern, whole).length).toBeGreaterThan(0)
  const vectors = readdirSync(join(VECTORS_ROOT, set)).filter((name) => name.endsWith('.json'))
  expect(vectors.filter((name) => !patterns.some((pattern) => pattern.test(name)))).toEqual([])
})

test('there is no set that nothing runs', () => {
  const folders = readdirSync(VECTORS_ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.'),
  )
  expect(folders.map(({ name }) => name).filter((name) => !Object.hasOwn(SETS, name))).toEqual([])
})

test('a missing set, a set without files and a file without cases are errors that name them', () => {
  expect(() => loadCases('did-key', /\.json$/, whole, join(scratch, 'nowhere'))).toThrow(
    /the set did-key is missing/,
  )
  mkdirSync(join(scratch, 'did-key'))
  expect(() => loadCases('did-key', /\.json$/, whole, scratch)).toThrow(/no vectors .* in .*did-key/)
  writeFileSync(join(scratch, 'did-key/some.json'), '[1]')
  writeFileSync(join(scratch, 'did-key/none.json'), '[]')
  expect(() => loadCases('did-key', /\.json$/, whole, scratch)).toThrow(/no case in .*none\.json/)
  rmSync(join(scratch, 'did-key/none.json'))
  expect(loadCases('did-key', /\.json$/, whole, scratch)).toEqual([1])
})

function whole(content: unknown): readonly unknown[] {
  return Array.isArray(content) ? (content as unknown[]) : Object.values(content as object)
}
