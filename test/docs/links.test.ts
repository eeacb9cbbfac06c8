import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const docs = join(root, 'docs')
const pages = [
  join(root, 'README.md'),
  ...readdirSync(docs, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(docs, name)),
]

/** The names by which headings of a page are linked to, as GitHub and npm make them. */
function anchorsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe.each(pages.map((file) => [file.slice(root.length + 1), file]))('%s', (_, file) => {
  const page = readFileSync(file, 'utf8')

  it('links to files and headings that there are', () => {
    const links = [...page.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    const broken = links.filter(([, path, anchor]) => {
      const target = path === '' ? file : join(dirname(file), path as string)
      if (!existsSync(target)) return true
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
    })
    expect(broken.map(([link]) => link)).toEqual([])
  })

  it('names tests, benchmarks and sources that there are', () => {
    const named = [
      ...page.matchAll(/`((?:src|protocols|bootstrap|test|bench|fuzz|simulation|scripts)\/[\w./-]+\.ts)`/g),
    ]
    expect(named.map(([, path]) => path as string).filter((path) => !existsSync(join(root, path)))).toEqual(
      [],
    )
  })
})
