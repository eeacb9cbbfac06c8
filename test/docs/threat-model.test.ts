import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8')

/** A file below `test/` and the titles named after it: `` `core/trie`: "title one", "title two" ``. */
const REFERENCE = /`([a-z0-9]+\/[a-z0-9-]+)`: ((?:"[^"]*"(?:, )?)+)/g

const named = [...page.matchAll(REFERENCE)].flatMap(([, file, titles]) =>
  [...(titles as string).matchAll(/"([^"]*)"/g)].map(
    ([, title]) => [file as string, title as string] as const,
  ),
)

/** Rows of the tables of threats: threat, defence, test, what remains. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(' | '))
  .filter(([first]) => first !== '| threat' && first !== '| who')

/** A title in a source may be quoted either way, and hold a placeholder where the page has an example or an ellipsis. */
function isTestTitle(file: string, title: string): boolean {
  const path = [`test/${file}.test.ts`, `test/${file}.ts`].find((one) => existsSync(join(root, one)))
  if (path === undefined) return false
  const source = readFileSync(join(root, path), 'utf8').replaceAll("\\'", "'")
  const [beginning] = title.split('…') as [string]
  return beginning.trim().length > 8 && source.includes(beginning.trim())
}

describe('docs/threat-model.md', () => {
  it.each(named)('names a test that there is: %s, %s', (file, title) => {
    expect(isTestTitle(file, title)).toBe(true)
  })

  it('has a row for each threat, most of them with a test', () => {
    const threats = rows.filter((row) => row.length === 4)
    expect(threats.length).toBeGreaterThan(60)
    // A row without a test says so in the column of what remains.
    const untested = threats.filter(([, , test]) => !REFERENCE_ONCE.test(test ?? ''))
    for (const [threat, , test, remains] of untested) {
      expect([threat, test === 'none' && (remains ?? '').length > 10]).toEqual([threat, true])
    }
  })
})

const REFERENCE_ONCE = /`[a-z0-9]+\/[a-z0-9-]+`: "/
