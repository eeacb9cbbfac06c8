import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CELL_TYPES } from '../../src/core/types/cell.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/data-types.md'), 'utf8').replaceAll(/(?<=\S)\n(?=[^\n|#*-])/g, ' ')

/** A file below `test/` and the titles named after it: `` `node/deletion`: "title one", "title two" ``. */
const named = [...page.matchAll(/`([a-z0-9-]+(?:\/[a-z0-9-]+)+)`: ((?:"[^"]*"(?:, )?)+)/g)].flatMap(
  ([, file, titles]) =>
    [...(titles as string).matchAll(/"([^"]*)"/g)].map(
      ([, title]) => [file as string, title as string] as const,
    ),
)

/** The tables by the titles of their second column, each row as its cells. */
const tables = new Map(
  page.split('\n\n').flatMap((block) => {
    const rows = block
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.slice(2, -2).split(' | '))
    const [head, ...body] = rows
    return head === undefined ? [] : [[head[1] as string, body] as const]
  }),
)

describe('docs/data-types.md', () => {
  it.each(named)('names a test that there is: %s, %s', (file, title) => {
    const path = join(root, `test/${file}.test.ts`)
    expect([file, existsSync(path)]).toEqual([file, true])
    expect(readFileSync(path, 'utf8').replaceAll("\\'", "'")).toContain(title)
  })

  it('says what every type is for, in the first table and in a paragraph', () => {
    const types = (tables.get('for') ?? []).map(([type]) => type)
    expect(new Set(types)).toEqual(new Set<string | undefined>(CELL_TYPES))
    for (const type of CELL_TYPES) expect(page).toContain(`\n**${type}.** `)
  })

  it.each([
    'deleted, and created again',
    'deleted here, edited there',
    'deleted on both sides',
    'created on both sides',
  ])('says of every type what shows when it is %s, with a test in each row', (title) => {
    const rows = tables.get(title) ?? []
    const types = rows.flatMap(([type]) => (type as string).split(', '))
    for (const type of CELL_TYPES) expect(types).toContain(type)
    for (const row of rows) expect(row.at(-1)).toMatch(/ — `[a-z/-]+`: "[^"]+"(, "[^"]+")*$/)
  })
})
