import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const RUN_TIMEOUT_MS = 60_000

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hanse-readme-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the README', () => {
  it('names only tests, documents and commands that are there', () => {
    const tests = [...readme.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path]) => path as string)
    const links = [...readme.matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)].map(([, path]) => path as string)
    expect(tests.length).toBeGreaterThan(20)
    expect([...tests, ...links].filter((path) => !existsSync(join(root, path)))).toEqual([])
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    const commands = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string)
    expect(commands.filter((name) => !(name in scripts))).toEqual([])
  })

  it(
    'shows a program that runs as it stands',
    async () => {
      const [, program = ''] = /^```ts\n([^]*?)^```$/m.exec(readme) ?? []
      const file = join(folder, 'main.ts')
      const library = pathToFileURL(join(root, 'src/index.ts')).href
      writeFileSync(file, program.replace("'hanse'", JSON.stringify(library)))
      writeFileSync(join(folder, 'logo.png'), 'not really a picture')
      const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', file], {
        cwd: folder,
        timeout: RUN_TIMEOUT_MS,
      })
      for (const shown of [
        "path: 'notes/plan'",
        "type: 'text'",
        'born: 1815',
        'hanse://join/',
        'files/logo written',
      ])
        expect(stdout).toContain(shown)
    },
    RUN_TIMEOUT_MS,
  )
})
