import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readResults, withTables } from '../../bench/scaling/tables.ts'

test('docs/scaling.md has the numbers of the committed results', () => {
  const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
  expect(page.match(/<!-- table \w+ -->/gu)).toHaveLength(7)
  expect(withTables(page, readResults())).toBe(page)
})
