import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SCHEMA } from '../../src/storage/sqlite/schema.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')

const foldersIn = (path: string): readonly string[] =>
  readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${path}/${name}`)

describe('docs/architecture.md', () => {
  it('has a row for each folder of the core, of the node, and of protocols', () => {
    const rows = [...page.matchAll(/^\| `([\w/]+)` \|/gm)].map(([, folder]) => folder as string)
    const folders = ['src/core', 'src/node', 'protocols'].flatMap(foldersIn)
    expect(folders.length).toBeGreaterThan(15)
    expect(folders.filter((folder) => !rows.includes(folder))).toEqual([])
    expect(foldersIn('src').filter((folder) => !rows.some((row) => row.startsWith(folder)))).toEqual([])
  })

  it('names the views of a space’s file', () => {
    const views = [...SCHEMA.matchAll(/CREATE VIEW (\w+)/g)].map(([, name]) => `\`${name}\``)
    expect(views.length).toBeGreaterThan(10)
    expect(views.filter((name) => !page.includes(name))).toEqual([])
  })

  it('names only files that there are', () => {
    const files = [...page.matchAll(/`?((?:src|protocols|test|fuzz|simulation)\/[\w/-]+\.ts)`?/g)].map(
      ([, file]) => file as string,
    )
    expect(files.length).toBeGreaterThan(20)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})
