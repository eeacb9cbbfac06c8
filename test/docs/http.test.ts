import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { STATUS } from '../../src/http/problem.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8')

describe('docs/http.md', () => {
  it('lists every code of an error with its status', () => {
    const rows = [...page.matchAll(/^\| (\d{3}) \|[^|]*\| (.*) \|$/gm)]
    const listed = rows.flatMap(([, status, codes]) =>
      [...(codes as string).matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(status)] as const),
    )
    expect(Object.fromEntries(listed.filter(([code]) => code !== 'CAP_'))).toEqual(STATUS)
  })
})
